"""Proof of death, leases, cancellations, and what a person decides about payouts.

Revision ID: 0002
"""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

from bakehouse.ledger.migrations import triggers
from bakehouse.ledger.migrations.second_guards import FIXED, MOVES
from bakehouse.ledger.schema import UtcTime

revision: Final = "0002"
down_revision: Final = "0001"

ROW_ID: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

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


def upgrade() -> None:
    """Add what is new; operations and payouts are copied, since SQLite alters no constraint."""
    op.add_column("bakers", sa.Column("cycle_cap", sa.BigInteger()))
    op.add_column("bakers", sa.Column("payout_cap", sa.BigInteger()))
    op.add_column(
        "bakers",
        sa.Column("confirm_first_cycle", sa.Boolean(), server_default=sa.text("1"), nullable=False),
    )
    op.add_column("distributions", sa.Column("approved_at", UtcTime()))
    op.add_column("distributions", sa.Column("verified_at", UtcTime()))
    op.create_table(
        "source_leases",
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("network", "source", name=op.f("pk_source_leases")),
    )
    _copy_operations()
    _copy_payouts()
    op.execute("DROP TRIGGER distributions_legal_moves")
    op.execute(triggers.legal_moves("distributions", MOVES["distributions"]))
    for table in ("operations", "payouts"):
        op.execute(triggers.legal_moves(table, MOVES[table]))
        op.execute(triggers.never_deleted(table))
        op.execute(triggers.fixed(table, FIXED[table]))
    op.execute(triggers.one_in_flight_or_its_cancellation())


def _copy_operations() -> None:
    op.create_table(
        "operations_next",
        *_operation_columns(),
        sa.CheckConstraint(
            "(state IN ('included', 'final')) = (included_level IS NOT NULL)",
            name=op.f("ck_operations_inclusion_has_level"),
        ),
        sa.CheckConstraint(
            "(state = 'dead') = (death IS NOT NULL)", name=op.f("ck_operations_death_has_a_cause")
        ),
        sa.CheckConstraint(
            "death IN ('expired', 'superseded', 'declared')", name=op.f("ck_operations_death_known")
        ),
        sa.CheckConstraint(
            "(kind = 'cancel') = (replaces_id IS NOT NULL)",
            name=op.f("ck_operations_cancel_replaces"),
        ),
        sa.CheckConstraint("kind IN ('payout', 'cancel')", name=op.f("ck_operations_kind_known")),
        sa.CheckConstraint(
            "state IN ('signed', 'injected', 'included', 'quarantined', 'final', 'dead')",
            name=op.f("ck_operations_state_known"),
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
    # The branch of an old operation was final when it was signed, so its life is counted from
    # there; it is read again from there on, because not every block was tied to the one before.
    added = {
        "kind": "'payout'",
        "gas_limit": "(SELECT coalesce(sum(t.gas_limit), 0) FROM transfers t "
        "WHERE t.operation_id = operations.id)",
        "born_level": "branch_level",
        "born_block": "branch",
        "lease_token": "0",
        "death": "CASE state WHEN 'dead' THEN 'declared' END",
    }
    _replace("operations", _OLD_OPERATION, added)
    op.create_index(
        op.f("ix_operations_distribution_id"), "operations", ["distribution_id"], unique=False
    )
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
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("baker_id", sa.Text(), nullable=False),
        sa.Column("distribution_id", ROW_ID, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("replaces_id", ROW_ID, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("signed_bytes", sa.LargeBinary(), nullable=False),
        sa.Column("protocol", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("branch_level", sa.Integer(), nullable=False),
        sa.Column("last_includable_level", sa.Integer(), nullable=False),
        sa.Column("counter_first", sa.BigInteger(), nullable=False),
        sa.Column("content_count", sa.Integer(), nullable=False),
        sa.Column("total_fee", sa.BigInteger(), nullable=False),
        sa.Column("gas_limit", sa.Integer(), nullable=False),
        sa.Column("born_level", sa.Integer(), nullable=False),
        sa.Column("born_block", sa.Text(), nullable=False),
        sa.Column("lease_token", sa.BigInteger(), nullable=False),
        sa.Column("scanned_level", sa.Integer(), nullable=False),
        sa.Column("included_level", sa.Integer(), nullable=True),
        sa.Column("included_block", sa.Text(), nullable=True),
        sa.Column("applied", sa.Boolean(), nullable=True),
        sa.Column("death", sa.Text(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
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
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("baker_id", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owed_to", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("delegated_balance", sa.BigInteger(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("fee_basis_points", sa.Integer(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("transfer_id", ROW_ID, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("looked_back_level", sa.Integer(), nullable=True),
        sa.Column("released_at", UtcTime(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('assigned', 'paid')) = (transfer_id IS NOT NULL)",
            name=op.f("ck_payouts_assigned_has_transfer"),
        ),
        sa.CheckConstraint(
            "mode IN ('off', 'simulation', 'on')", name=op.f("ck_payouts_mode_known")
        ),
        sa.CheckConstraint(
            "state IN ('owed', 'assigned', 'paid', 'carried', 'held', 'dropped', 'simulated')",
            name=op.f("ck_payouts_state_known"),
        ),
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
            "network", "baker_id", "cycle", "kind", "owed_to", "mode", name="identity"
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
