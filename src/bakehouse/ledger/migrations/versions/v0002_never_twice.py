"""Proof of death, leases, cancellations, and what a person decides about payouts.

Revision ID: 0002
"""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger.column_types import ROW_ID, PlainText, UtcTime
from bakehouse.ledger.migrations import triggers
from bakehouse.ledger.migrations.second_guards import FIXED, MOVES

revision: Final = "0002"
down_revision: Final = "0001"

#: Columns that an operation of the first schema has, in the order of that table.
_OLD_OPERATION: Final = (
    "id, network, baker_id, distribution_id, source, state, hash, signed_bytes, protocol, branch, "
    "branch_level, last_includable_level, counter_first, content_count, total_fee, scanned_level, "
    "included_level, included_block, applied, created_at, updated_at"
)
_OLD_PAYOUT: Final = (
    "id, distribution_id, paid_with_id, network, baker_id, cycle, mode, kind, owed_to, address, "
    "delegated_balance, gross, fee_basis_points, fee, net, state, transfer_id, reason"
)


_OPERATION_CHECKS: Final = {
    "inclusion_has_level": "(state IN ('included', 'final')) = (included_level IS NOT NULL)",
    "death_has_a_cause": "(state = 'dead') = (death IS NOT NULL)",
    "death_known": "death IN ('expired', 'superseded', 'declared')",
    "cancel_replaces": "(kind = 'cancel') = (replaces_id IS NOT NULL)",
    "kind_known": "kind IN ('payout', 'cancel')",
    "state_known": "state IN ('signed', 'injected', 'included', 'quarantined', 'final', 'dead')",
}
_PAYOUT_STATE_KNOWN: Final = (
    "state IN ('owed', 'assigned', 'paid', 'carried', 'held', 'dropped', 'simulated')"
)

#: What an operation that is there already gets in its new columns. Its branch was final when it was
#: signed, so its life is counted from there; it is read again from there on, because not every
#: block was tied to the one before.
_FILLED: Final = {
    "kind": "'payout'",
    "gas_limit": "(SELECT coalesce(sum(t.gas_limit), 0) FROM transfers t "
    "WHERE t.operation_id = operations.id)",
    "born_level": "branch_level",
    "born_block": "branch",
    "lease_token": "0",
    "death": "CASE state WHEN 'dead' THEN 'declared' END",
}


def upgrade() -> None:
    """Add what is new; on SQLite, which alters no constraint, two tables are copied."""
    op.add_column("bakers", sa.Column("cycle_cap", sa.BigInteger()))
    op.add_column("bakers", sa.Column("payout_cap", sa.BigInteger()))
    op.add_column(
        "bakers",
        sa.Column("confirm_first_cycle", sa.Boolean(), server_default=sa.true(), nullable=False),
    )
    op.add_column("distributions", sa.Column("approved_at", UtcTime()))
    op.add_column("distributions", sa.Column("verified_at", UtcTime()))
    op.create_table(
        "source_leases",
        sa.Column("network", PlainText(), nullable=False),
        sa.Column("source", PlainText(), nullable=False),
        sa.Column("holder", PlainText(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("network", "source", name=op.f("pk_source_leases")),
    )
    is_sqlite = op.get_context().dialect.name == "sqlite"
    triggers.remove("distributions", "legal_moves")
    for table in ("operations", "payouts"):
        triggers.remove(table, "legal_moves")
        triggers.remove(table, "fixed")
    triggers.remove("operations", "one_in_flight")
    if is_sqlite:
        _copy_operations()
        failpoint(Failpoint.MIGRATION_MID)
        _copy_payouts()
    else:
        _alter_operations()
        failpoint(Failpoint.MIGRATION_MID)
        _alter_payouts()
    triggers.install(triggers.legal_moves("distributions", MOVES["distributions"]))
    for table in ("operations", "payouts"):
        triggers.install(
            triggers.legal_moves(table, MOVES[table]), triggers.fixed(table, FIXED[table])
        )
        if is_sqlite:
            triggers.install(*triggers.never_deleted(table))
    triggers.install(
        triggers.one_in_flight_or_its_cancellation(), triggers.cancels_what_is_in_flight()
    )


def _alter_operations() -> None:
    for column in _operation_columns():
        if column.name not in _OLD_OPERATION.split(", "):
            op.add_column("operations", sa.Column(column.name, column.type, nullable=True))
    filled = ", ".join(f"{name} = {value}" for name, value in _FILLED.items())
    op.execute(f"UPDATE operations SET {filled}")  # noqa: S608 - constants
    for column in _operation_columns():
        if column.name in _FILLED and not column.nullable:
            op.alter_column("operations", column.name, nullable=False)
    op.drop_constraint(op.f("ck_operations_state_known"), "operations")
    for name, condition in _OPERATION_CHECKS.items():
        if name != "inclusion_has_level":
            op.create_check_constraint(op.f(f"ck_operations_{name}"), "operations", condition)
    op.create_foreign_key(
        op.f("fk_operations_replaces_id"), "operations", "operations", ["replaces_id"], ["id"]
    )
    op.drop_index("uq_operations_counter", "operations")
    _index_counters()


def _alter_payouts() -> None:
    op.add_column("payouts", sa.Column("looked_back_level", sa.Integer(), nullable=True))
    op.add_column("payouts", sa.Column("released_at", UtcTime(), nullable=True))
    op.drop_constraint(op.f("ck_payouts_state_known"), "payouts")
    op.create_check_constraint(op.f("ck_payouts_state_known"), "payouts", _PAYOUT_STATE_KNOWN)


def _copy_operations() -> None:
    op.create_table(
        "operations_next",
        *_operation_columns(),
        *(
            sa.CheckConstraint(condition, name=op.f(f"ck_operations_{name}"))
            for name, condition in _OPERATION_CHECKS.items()
        ),
        sa.ForeignKeyConstraint(
            ["baker_id"], ["bakers.baker_id"], name=op.f("fk_operations_baker_id")
        ),
        sa.ForeignKeyConstraint(
            ["distribution_id"], ["distributions.id"], name=op.f("fk_operations_distribution_id")
        ),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["operations.id"], name=op.f("fk_operations_replaces_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations")),
        sa.UniqueConstraint("hash", name=op.f("uq_operations_hash")),
    )
    _replace("operations", _OLD_OPERATION, _FILLED)
    op.create_index(
        op.f("ix_operations_distribution_id"), "operations", ["distribution_id"], unique=False
    )
    _index_counters()


def _index_counters() -> None:
    op.create_index(
        "uq_operations_counter",
        "operations",
        ["network", "source", "counter_first", "kind"],
        unique=True,
        sqlite_where=sa.text("state <> 'dead'"),
        postgresql_where=sa.text("state <> 'dead'"),
    )


def _operation_columns() -> Sequence[sa.Column[object]]:
    return (
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("network", PlainText(), nullable=False),
        sa.Column("baker_id", PlainText(), nullable=False),
        sa.Column("distribution_id", ROW_ID, nullable=False),
        sa.Column("source", PlainText(), nullable=False),
        sa.Column("kind", PlainText(), nullable=False),
        sa.Column("replaces_id", ROW_ID, nullable=True),
        sa.Column("state", PlainText(), nullable=False),
        sa.Column("hash", PlainText(), nullable=False),
        sa.Column("signed_bytes", sa.LargeBinary(), nullable=False),
        sa.Column("protocol", PlainText(), nullable=False),
        sa.Column("branch", PlainText(), nullable=False),
        sa.Column("branch_level", sa.Integer(), nullable=False),
        sa.Column("last_includable_level", sa.Integer(), nullable=False),
        sa.Column("counter_first", sa.BigInteger(), nullable=False),
        sa.Column("content_count", sa.Integer(), nullable=False),
        sa.Column("total_fee", sa.BigInteger(), nullable=False),
        sa.Column("gas_limit", sa.Integer(), nullable=False),
        sa.Column("born_level", sa.Integer(), nullable=False),
        sa.Column("born_block", PlainText(), nullable=False),
        sa.Column("lease_token", sa.BigInteger(), nullable=False),
        sa.Column("scanned_level", sa.Integer(), nullable=False),
        sa.Column("included_level", sa.Integer(), nullable=True),
        sa.Column("included_block", PlainText(), nullable=True),
        sa.Column("applied", sa.Boolean(), nullable=True),
        sa.Column("death", PlainText(), nullable=True),
        sa.Column("evidence", PlainText(), nullable=True),
        sa.Column("cancel_requested_at", UtcTime(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
    )


def _copy_payouts() -> None:
    op.create_table(
        "payouts_next",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("distribution_id", ROW_ID, nullable=False),
        sa.Column("paid_with_id", ROW_ID, nullable=False),
        sa.Column("network", PlainText(), nullable=False),
        sa.Column("baker_id", PlainText(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("mode", PlainText(), nullable=False),
        sa.Column("kind", PlainText(), nullable=False),
        sa.Column("owed_to", PlainText(), nullable=False),
        sa.Column("address", PlainText(), nullable=False),
        sa.Column("delegated_balance", sa.BigInteger(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("fee_basis_points", sa.Integer(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("state", PlainText(), nullable=False),
        sa.Column("transfer_id", ROW_ID, nullable=True),
        sa.Column("reason", PlainText(), nullable=True),
        sa.Column("looked_back_level", sa.Integer(), nullable=True),
        sa.Column("released_at", UtcTime(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('assigned', 'paid')) = (transfer_id IS NOT NULL)",
            name=op.f("ck_payouts_assigned_has_transfer"),
        ),
        sa.CheckConstraint(
            "mode IN ('off', 'simulation', 'on')", name=op.f("ck_payouts_mode_known")
        ),
        sa.CheckConstraint(_PAYOUT_STATE_KNOWN, name=op.f("ck_payouts_state_known")),
        sa.CheckConstraint("net > 0", name=op.f("ck_payouts_net_positive")),
        sa.ForeignKeyConstraint(
            ["baker_id"], ["bakers.baker_id"], name=op.f("fk_payouts_baker_id")
        ),
        sa.ForeignKeyConstraint(
            ["distribution_id"], ["distributions.id"], name=op.f("fk_payouts_distribution_id")
        ),
        sa.ForeignKeyConstraint(
            ["paid_with_id"], ["distributions.id"], name=op.f("fk_payouts_paid_with_id")
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["transfers.id"], name=op.f("fk_payouts_transfer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payouts")),
        sa.UniqueConstraint(
            "network", "baker_id", "cycle", "kind", "owed_to", "mode", name="uq_payouts_identity"
        ),
    )
    _replace("payouts", _OLD_PAYOUT, {})
    op.create_index("ix_payouts_carried", "payouts", ["baker_id", "mode", "state"], unique=False)
    op.create_index("ix_payouts_distribution", "payouts", ["distribution_id"], unique=False)
    op.create_index(op.f("ix_payouts_transfer_id"), "payouts", ["transfer_id"], unique=False)
    op.create_index("ix_payouts_work", "payouts", ["paid_with_id", "state"], unique=False)


def _replace(table: str, columns: str, added: dict[str, str]) -> None:
    """Put `{table}_next` in a table's place, with its rows and what is `added` (SQL) to each."""
    into = ", ".join([columns, *added])
    values = ", ".join([columns, *added.values()])
    op.execute(f"INSERT INTO {table}_next ({into}) SELECT {values} FROM {table}")  # noqa: S608 - constants
    op.drop_table(table)
    op.rename_table(f"{table}_next", table)
