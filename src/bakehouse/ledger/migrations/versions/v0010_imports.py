"""History of another tool: imports, what it had paid, and cycles that are closed by them.

Revision ID: 0010
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from bakehouse.ledger.column_types import ROW_ID, PlainText, UtcTime
from bakehouse.ledger.migrations import triggers
from bakehouse.ledger.migrations.copied_table import copy_table
from bakehouse.ledger.migrations.import_guards import (
    ENTERS_CLOSED,
    FIXED,
    NEVER_PLANNED,
    ONLY_HISTORY,
)

revision: Final = "0010"
down_revision: Final = "0009"

_OLD_CHECK: Final = "(state IN ('assigned', 'paid')) = (transfer_id IS NOT NULL)"
_HAS_TRANSFER: Final = (
    "(state IN ('assigned', 'paid')) = (transfer_id IS NOT NULL OR imported_payment_id IS NOT NULL)"
)
_IMPORTED_IS_PAID: Final = "imported_payment_id IS NULL OR (state = 'paid' AND transfer_id IS NULL)"

#: How the table of payouts is written on SQLite, and how it is to be.
_REWORDED: Final = {
    'CREATE TABLE "payouts"': "CREATE TABLE payouts_next",
    f"CONSTRAINT ck_payouts_assigned_has_transfer CHECK ({_OLD_CHECK})": (
        f"CONSTRAINT ck_payouts_assigned_has_transfer CHECK ({_HAS_TRANSFER}), "
        f"CONSTRAINT ck_payouts_imported_is_paid CHECK ({_IMPORTED_IS_PAID}), "
        "CONSTRAINT fk_payouts_imported_payment_id "
        "FOREIGN KEY(imported_payment_id) REFERENCES imported_payments (id)"
    ),
}


def upgrade() -> None:
    """Add the tables; let a payout be paid by what was imported, and a cycle be closed by it."""
    _create_imports()
    _create_imported_payments()
    is_sqlite = op.get_context().dialect.name == "sqlite"
    op.add_column("distributions", sa.Column("import_id", ROW_ID, nullable=True))
    op.add_column("payouts", sa.Column("imported_payment_id", ROW_ID, nullable=True))
    triggers.remove("payouts", "fixed")
    if is_sqlite:
        copy_table("payouts", _REWORDED)
    else:
        op.drop_constraint(op.f("ck_payouts_assigned_has_transfer"), "payouts")
        op.create_check_constraint(
            op.f("ck_payouts_assigned_has_transfer"), "payouts", _HAS_TRANSFER
        )
        op.create_check_constraint(
            op.f("ck_payouts_imported_is_paid"), "payouts", _IMPORTED_IS_PAID
        )
        op.create_foreign_key(
            op.f("fk_payouts_imported_payment_id"),
            "payouts",
            "imported_payments",
            ["imported_payment_id"],
            ["id"],
        )
    triggers.install(
        triggers.fixed("payouts", FIXED["payouts"]),
        triggers.fixed("distributions", FIXED["distributions"]),
        NEVER_PLANNED,
        ENTERS_CLOSED,
        ONLY_HISTORY,
    )
    for table in ("imports", "imported_payments"):
        triggers.install(*triggers.append_only(table))


def _create_imports() -> None:
    op.create_table(
        "imports",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("network", PlainText(), nullable=False),
        sa.Column("baker_id", PlainText(), nullable=False),
        sa.Column("tool", PlainText(), nullable=False),
        sa.Column("files", PlainText(), nullable=False),
        sa.Column("sha256", PlainText(), nullable=False),
        sa.Column("checked_level", sa.Integer(), nullable=True),
        sa.Column("actor", PlainText(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["baker_id"], ["bakers.baker_id"], name=op.f("fk_imports_baker_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index("ix_imports_baker", "imports", ["baker_id"])


def _create_imported_payments() -> None:
    op.create_table(
        "imported_payments",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("import_id", ROW_ID, nullable=False),
        sa.Column("network", PlainText(), nullable=False),
        sa.Column("baker_id", PlainText(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("kind", PlainText(), nullable=False),
        sa.Column("owed_to", PlainText(), nullable=False),
        sa.Column("address", PlainText(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("operation_hash", PlainText(), nullable=True),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("paid_at", UtcTime(), nullable=True),
        sa.Column("said", PlainText(), nullable=False),
        sa.Column("place", PlainText(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_imported_payments_amount_positive")),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_imported_payments_import_id")
        ),
        sa.ForeignKeyConstraint(
            ["baker_id"], ["bakers.baker_id"], name=op.f("fk_imported_payments_baker_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imported_payments")),
    )
    op.create_index("ix_imported_payments_operation", "imported_payments", ["operation_hash"])
    op.create_index("ix_imported_payments_cycle", "imported_payments", ["baker_id", "cycle"])
