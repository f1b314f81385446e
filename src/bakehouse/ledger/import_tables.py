"""The tables of what another tool had paid before: imports, and each payment taken over.

Their rows never change. What they close is closed by rows of `distributions` and `payouts`.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, Table

from bakehouse.ledger.baker_tables import bakers
from bakehouse.ledger.column_types import ROW_ID, PlainText, UtcTime
from bakehouse.ledger.table_parts import metadata

imports = Table(
    "imports",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("network", PlainText, nullable=False),
    Column("baker_id", ForeignKey(bakers.c.baker_id), nullable=False),
    # taps, trd or tezpay.
    Column("tool", PlainText, nullable=False),
    # The files that were read, each with its SHA-256 (JSON), and one digest of all of them.
    Column("files", PlainText, nullable=False),
    Column("sha256", PlainText, nullable=False),
    # The newest final block up to which the chain was searched; None: it was not.
    Column("checked_level", Integer),
    Column("actor", PlainText, nullable=False),
    Column("at", UtcTime, nullable=False),
    Index("ix_imports_baker", "baker_id"),
)

# What the other tool had paid, as its files and the chain say.
imported_payments = Table(
    "imported_payments",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("import_id", ForeignKey("imports.id"), nullable=False),
    Column("network", PlainText, nullable=False),
    Column("baker_id", ForeignKey(bakers.c.baker_id), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("kind", PlainText, nullable=False),
    Column("owed_to", PlainText, nullable=False),
    Column("address", PlainText, nullable=False),
    Column("amount", BigInteger, nullable=False),
    # Of the files, or found on the chain; None where neither tells.
    Column("operation_hash", PlainText),
    # The block in which the chain has it; None: the chain was not asked.
    Column("level", Integer),
    Column("paid_at", UtcTime),
    # How the other tool calls what became of it, and where that stands.
    Column("said", PlainText, nullable=False),
    Column("place", PlainText, nullable=False),
    CheckConstraint("amount > 0", name="amount_positive"),
    Index("ix_imported_payments_operation", "operation_hash"),
    Index("ix_imported_payments_cycle", "baker_id", "cycle"),
)
