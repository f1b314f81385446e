"""Orders outside any cycle: transfers by hand, reveals, top-ups, and deductions with consent.

Revision ID: 0008
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from bakehouse.ledger.column_types import ROW_ID, PlainText, UtcTime
from bakehouse.ledger.migrations import triggers
from bakehouse.ledger.migrations.by_hand_guards import FIXED, MOVES
from bakehouse.ledger.migrations.copied_table import copy_table

revision: Final = "0008"
down_revision: Final = "0007"

_KINDS: Final = "kind IN ('payout', 'cancel', 'manual')"
_OF_A_DISTRIBUTION: Final = (
    "(kind <> 'payout' OR distribution_id IS NOT NULL) "
    "AND (kind <> 'manual' OR distribution_id IS NULL)"
)
#: How the table of operations is written on SQLite, and how it is to be.
_REWORDED: Final = {
    'CREATE TABLE "operations"': "CREATE TABLE operations_next",
    "distribution_id INTEGER NOT NULL": "distribution_id INTEGER",
    "CONSTRAINT ck_operations_kind_known CHECK (kind IN ('payout', 'cancel'))": (
        f"CONSTRAINT ck_operations_kind_known CHECK ({_KINDS}), "
        f"CONSTRAINT ck_operations_payout_of_a_distribution CHECK ({_OF_A_DISTRIBUTION})"
    ),
}
_ORIGINS: Final = "origin IN ('transfer', 'reveal', 'extra-payment', 'top-up')"
_STATES: Final = "state IN ('wanted', 'assigned', 'done', 'failed')"
_AMOUNT_FITS: Final = "(origin = 'reveal' AND amount = 0) OR (origin <> 'reveal' AND amount > 0)"
_HAS_OPERATION: Final = (
    "(state IN ('assigned', 'done')) = (operation_id IS NOT NULL AND signed_at IS NOT NULL)"
)
_PAYING: Final = "state <> 'dead' AND replaces_id IS NULL"
_OPEN_TOP_UP: Final = "origin = 'top-up' AND state IN ('wanted', 'assigned')"


def upgrade() -> None:
    """Add tables and settings; let an operation be of no distribution."""
    op.add_column("bakers", sa.Column("funding_address", PlainText()))
    op.add_column("bakers", sa.Column("target_balance", sa.BigInteger()))
    op.add_column("bakers", sa.Column("top_up_cap", sa.BigInteger()))
    _open_operations()
    _create_manual_transfers()
    _create_deductions()
    for table in ("manual_transfers", "deductions"):
        triggers.install(*triggers.never_deleted(table), triggers.fixed(table, FIXED[table]))
    triggers.install(
        triggers.legal_moves("manual_transfers", MOVES["manual_transfers"]),
        *triggers.append_only("deduction_parts"),
        triggers.within_what_is_deducted(),
    )


def _open_operations() -> None:
    triggers.remove("operations", "cancels_in_flight")
    if op.get_context().dialect.name == "sqlite":
        copy_table("operations", _REWORDED)
    else:
        op.alter_column("operations", "distribution_id", nullable=True)
        op.drop_constraint(op.f("ck_operations_kind_known"), "operations")
        op.create_check_constraint(op.f("ck_operations_kind_known"), "operations", _KINDS)
        op.create_check_constraint(
            op.f("ck_operations_payout_of_a_distribution"), "operations", _OF_A_DISTRIBUTION
        )
    triggers.install(triggers.cancels_any_that_is_in_flight())
    op.create_index(
        "uq_operations_paying_counter",
        "operations",
        ["network", "source", "counter_first"],
        unique=True,
        sqlite_where=sa.text(_PAYING),
        postgresql_where=sa.text(_PAYING),
    )


def _create_manual_transfers() -> None:
    op.create_table(
        "manual_transfers",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("network", PlainText(), nullable=False),
        sa.Column("baker_id", PlainText(), nullable=False),
        sa.Column("origin", PlainText(), nullable=False),
        sa.Column("idempotence_key", PlainText(), nullable=False),
        sa.Column("source", PlainText(), nullable=False),
        sa.Column("destination", PlainText(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("spends_owed", sa.Boolean(), nullable=False),
        sa.Column("actor", PlainText(), nullable=False),
        sa.Column("why", PlainText(), nullable=False),
        sa.Column("state", PlainText(), nullable=False),
        sa.Column("operation_id", ROW_ID, nullable=True),
        sa.Column("signed_at", UtcTime(), nullable=True),
        sa.Column("reason", PlainText(), nullable=True),
        sa.Column("ordered_level", sa.Integer(), nullable=False),
        sa.Column("ordered_at", UtcTime(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.CheckConstraint(_ORIGINS, name=op.f("ck_manual_transfers_origin_known")),
        sa.CheckConstraint(_STATES, name=op.f("ck_manual_transfers_state_known")),
        sa.CheckConstraint(_AMOUNT_FITS, name=op.f("ck_manual_transfers_amount_fits_origin")),
        sa.CheckConstraint(_HAS_OPERATION, name=op.f("ck_manual_transfers_assigned_has_operation")),
        sa.ForeignKeyConstraint(
            ["baker_id"], ["bakers.baker_id"], name=op.f("fk_manual_transfers_baker_id")
        ),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operations.id"], name=op.f("fk_manual_transfers_operation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manual_transfers")),
        sa.UniqueConstraint("baker_id", "idempotence_key", name="uq_manual_transfers_key"),
    )
    op.create_index(op.f("ix_manual_transfers_operation_id"), "manual_transfers", ["operation_id"])
    op.create_index("ix_manual_transfers_work", "manual_transfers", ["baker_id", "state"])
    op.create_index(
        "uq_manual_transfers_open_top_up",
        "manual_transfers",
        ["baker_id"],
        unique=True,
        sqlite_where=sa.text(_OPEN_TOP_UP),
        postgresql_where=sa.text(_OPEN_TOP_UP),
    )


def _create_deductions() -> None:
    op.create_table(
        "deductions",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("baker_id", PlainText(), nullable=False),
        sa.Column("owed_to", PlainText(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("idempotence_key", PlainText(), nullable=False),
        sa.Column("consent", PlainText(), nullable=False),
        sa.Column("why", PlainText(), nullable=False),
        sa.Column("actor", PlainText(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("waived_at", UtcTime(), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_deductions_amount_positive")),
        sa.ForeignKeyConstraint(
            ["baker_id"], ["bakers.baker_id"], name=op.f("fk_deductions_baker_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deductions")),
        sa.UniqueConstraint("baker_id", "idempotence_key", name="uq_deductions_key"),
    )
    op.create_index("ix_deductions_owed_to", "deductions", ["baker_id", "owed_to"])
    op.create_table(
        "deduction_parts",
        sa.Column("deduction_id", ROW_ID, nullable=False),
        sa.Column("distribution_id", ROW_ID, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_deduction_parts_amount_positive")),
        sa.ForeignKeyConstraint(
            ["deduction_id"], ["deductions.id"], name=op.f("fk_deduction_parts_deduction_id")
        ),
        sa.ForeignKeyConstraint(
            ["distribution_id"],
            ["distributions.id"],
            name=op.f("fk_deduction_parts_distribution_id"),
        ),
        sa.PrimaryKeyConstraint("deduction_id", "distribution_id", name=op.f("pk_deduction_parts")),
    )
