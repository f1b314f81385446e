"""What the ledger's tables are made of: one metadata, and kinds of columns. No tables here."""

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, MetaData, text

from bakehouse.ledger.column_types import ROW_ID, PlainText

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def row_id() -> Column[int]:
    """Give the key of a table whose rows the database numbers."""
    return Column("id", ROW_ID, primary_key=True, autoincrement=True)


def one_of(column: str, states: type[StrEnum]) -> CheckConstraint:
    """Have a column hold none but these."""
    names = ", ".join(f"'{state}'" for state in states)
    return CheckConstraint(f"{column} IN ({names})", name=f"{column}_known")


def choice(name: str, *, default: StrEnum) -> Column[str]:
    """Give a column for a choice that every row has made."""
    return Column(name, PlainText, nullable=False, server_default=text(f"'{default}'"))


def mutez(name: str, **options: Any) -> Column[int]:
    """Give a column for an amount of mutez that every row has."""
    return Column(name, BigInteger, nullable=False, **options)
