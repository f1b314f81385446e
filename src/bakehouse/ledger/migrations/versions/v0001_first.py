"""The first schema of the ledger.

Revision ID: 0001
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from bakehouse.ledger.column_types import ROW_ID, PlainText, UtcTime
from bakehouse.ledger.migrations import triggers
from bakehouse.ledger.migrations.first_guards import FIXED, MOVES

revision: Final = "0001"
down_revision: Final = None


def upgrade() -> None:
    """Create every table, and the triggers that guard them."""
    _create_alerts()
    _create_audit_events()
    _create_bakers()
    _create_bond_pool_members()
    _create_delegator_fees()
    _create_distributions()
    _create_operations()
    _create_attempts()
    _create_transfers()
    _create_payouts()
    for table, moves in MOVES.items():
        triggers.install(triggers.legal_moves(table, moves), *triggers.never_deleted(table))
    triggers.install(*triggers.never_deleted("transfers"))
    for table, columns in FIXED.items():
        triggers.install(triggers.fixed(table, columns))
    triggers.install(triggers.one_in_flight())
    for table in ("audit_events", "attempts"):
        triggers.install(*triggers.append_only(table))


def _create_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("baker_id", PlainText(), nullable=True),
        sa.Column("code", PlainText(), nullable=False),
        sa.Column("subject", PlainText(), nullable=False),
        sa.Column("message", PlainText(), nullable=False),
        sa.Column("raised_at", UtcTime(), nullable=False),
        sa.Column("repeated_at", UtcTime(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("acknowledged_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index(
        "uq_alerts_open",
        "alerts",
        ["code", "subject"],
        unique=True,
        sqlite_where=sa.text("acknowledged_at IS NULL"),
        postgresql_where=sa.text("acknowledged_at IS NULL"),
    )


def _create_audit_events() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("actor", PlainText(), nullable=False),
        sa.Column("action", PlainText(), nullable=False),
        sa.Column("subject", PlainText(), nullable=False),
        sa.Column("detail", PlainText(), nullable=False),
        sa.Column("previous_hash", PlainText(), nullable=False),
        sa.Column("hash", PlainText(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_events_hash")),
    )


def _create_bakers() -> None:
    op.create_table(
        "bakers",
        sa.Column("baker_id", PlainText(), nullable=False),
        sa.Column("network", PlainText(), nullable=False),
        sa.Column("alias", PlainText(), nullable=True),
        sa.Column("payout_address", PlainText(), nullable=False),
        sa.Column("mode", PlainText(), nullable=False),
        sa.Column("default_fee", sa.Integer(), nullable=False),
        sa.Column("update_freq", sa.Integer(), nullable=False),
        sa.Column("payment_retries", sa.Integer(), nullable=False),
        sa.Column("minutes_between_retries", sa.Integer(), nullable=False),
        sa.Column("num_blocks_wait", sa.Integer(), nullable=False),
        sa.Column("first_cycle", sa.Integer(), nullable=False),
        sa.Column("payout_delay_cycles", sa.Integer(), nullable=False),
        sa.Column("share_block_fees", sa.Boolean(), nullable=False),
        sa.Column("minimum_payout", sa.BigInteger(), nullable=False),
        sa.Column("bond_pool_enabled", sa.Boolean(), nullable=False),
        sa.Column("scheduled", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "mode IN ('off', 'simulation', 'on')", name=op.f("ck_bakers_mode_known")
        ),
        sa.CheckConstraint(
            "default_fee BETWEEN 0 AND 10000", name=op.f("ck_bakers_default_fee_range")
        ),
        sa.CheckConstraint("first_cycle >= 0", name=op.f("ck_bakers_first_cycle_range")),
        sa.CheckConstraint("minimum_payout >= 0", name=op.f("ck_bakers_minimum_payout_range")),
        sa.CheckConstraint(
            "minutes_between_retries >= 1", name=op.f("ck_bakers_minutes_between_retries_range")
        ),
        sa.CheckConstraint("num_blocks_wait >= 2", name=op.f("ck_bakers_num_blocks_wait_range")),
        sa.CheckConstraint("payment_retries >= 0", name=op.f("ck_bakers_payment_retries_range")),
        sa.CheckConstraint(
            "payout_delay_cycles >= 0", name=op.f("ck_bakers_payout_delay_cycles_range")
        ),
        sa.CheckConstraint("update_freq >= 1", name=op.f("ck_bakers_update_freq_range")),
        sa.PrimaryKeyConstraint("baker_id", name=op.f("pk_bakers")),
    )


def _create_bond_pool_members() -> None:
    op.create_table(
        "bond_pool_members",
        sa.Column("baker_id", PlainText(), nullable=False),
        sa.Column("address", PlainText(), nullable=False),
        sa.Column("name", PlainText(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("adm_charge", sa.Integer(), nullable=False),
        sa.Column("is_manager", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "adm_charge BETWEEN 0 AND 10000", name=op.f("ck_bond_pool_members_adm_charge_range")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_bond_pool_members_amount_positive")),
        sa.ForeignKeyConstraint(
            ["baker_id"], ["bakers.baker_id"], name=op.f("fk_bond_pool_members_baker_id")
        ),
        sa.PrimaryKeyConstraint("baker_id", "address", name=op.f("pk_bond_pool_members")),
    )
    op.create_index(
        "uq_bond_pool_members_manager",
        "bond_pool_members",
        ["baker_id"],
        unique=True,
        sqlite_where=sa.text("is_manager"),
        postgresql_where=sa.text("is_manager"),
    )


def _create_delegator_fees() -> None:
    op.create_table(
        "delegator_fees",
        sa.Column("baker_id", PlainText(), nullable=False),
        sa.Column("address", PlainText(), nullable=False),
        sa.Column("fee", sa.Integer(), nullable=False),
        sa.CheckConstraint("fee BETWEEN 0 AND 10000", name=op.f("ck_delegator_fees_fee_range")),
        sa.ForeignKeyConstraint(
            ["baker_id"], ["bakers.baker_id"], name=op.f("fk_delegator_fees_baker_id")
        ),
        sa.PrimaryKeyConstraint("baker_id", "address", name=op.f("pk_delegator_fees")),
    )


def _create_distributions() -> None:
    op.create_table(
        "distributions",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("network", PlainText(), nullable=False),
        sa.Column("baker_id", PlainText(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("kind", PlainText(), nullable=False),
        sa.Column("mode", PlainText(), nullable=False),
        sa.Column("state", PlainText(), nullable=False),
        sa.Column("message", PlainText(), nullable=True),
        sa.Column("snapshot", PlainText(), nullable=True),
        sa.Column("snapshot_sha256", PlainText(), nullable=True),
        sa.Column("pool", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("own_part", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("total_fees", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("total_net", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("dust", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("zero_payouts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('delegators', 'bond_pool')", name=op.f("ck_distributions_kind_known")
        ),
        sa.CheckConstraint(
            "mode IN ('off', 'simulation', 'on')", name=op.f("ck_distributions_mode_known")
        ),
        sa.CheckConstraint(
            "state IN ('seen', 'rewards_pending', 'planned', 'paying', "
            "'paid', 'simulated', 'failed')",
            name=op.f("ck_distributions_state_known"),
        ),
        sa.CheckConstraint(
            "pool = own_part + total_fees + total_net + dust", name=op.f("ck_distributions_adds_up")
        ),
        sa.ForeignKeyConstraint(
            ["baker_id"], ["bakers.baker_id"], name=op.f("fk_distributions_baker_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_distributions")),
        sa.UniqueConstraint("network", "baker_id", "cycle", "kind", "mode", name="identity"),
    )


def _create_operations() -> None:
    op.create_table(
        "operations",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("network", PlainText(), nullable=False),
        sa.Column("baker_id", PlainText(), nullable=False),
        sa.Column("distribution_id", ROW_ID, nullable=False),
        sa.Column("source", PlainText(), nullable=False),
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
        sa.Column("scanned_level", sa.Integer(), nullable=False),
        sa.Column("included_level", sa.Integer(), nullable=True),
        sa.Column("included_block", PlainText(), nullable=True),
        sa.Column("applied", sa.Boolean(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "(state IN ('included', 'final')) = (included_level IS NOT NULL)",
            name=op.f("ck_operations_inclusion_has_level"),
        ),
        sa.CheckConstraint(
            "state IN ('signed', 'injected', 'included', 'final', 'dead')",
            name=op.f("ck_operations_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["baker_id"], ["bakers.baker_id"], name=op.f("fk_operations_baker_id")
        ),
        sa.ForeignKeyConstraint(
            ["distribution_id"], ["distributions.id"], name=op.f("fk_operations_distribution_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations")),
        sa.UniqueConstraint("hash", name=op.f("uq_operations_hash")),
    )
    op.create_index(
        op.f("ix_operations_distribution_id"), "operations", ["distribution_id"], unique=False
    )
    op.create_index(
        "uq_operations_counter",
        "operations",
        ["network", "source", "counter_first"],
        unique=True,
        sqlite_where=sa.text("state <> 'dead'"),
        postgresql_where=sa.text("state <> 'dead'"),
    )


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("operation_id", ROW_ID, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("node", PlainText(), nullable=False),
        sa.Column("answer", PlainText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operations.id"], name=op.f("fk_attempts_operation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    op.create_index(op.f("ix_attempts_operation_id"), "attempts", ["operation_id"], unique=False)


def _create_transfers() -> None:
    op.create_table(
        "transfers",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("operation_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("destination", PlainText(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("gas_limit", sa.Integer(), nullable=False),
        sa.Column("storage_limit", sa.Integer(), nullable=False),
        sa.Column("status", PlainText(), nullable=True),
        sa.Column("burn", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_transfers_amount_positive")),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operations.id"], name=op.f("fk_transfers_operation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
        sa.UniqueConstraint("operation_id", "position", name="position"),
    )


def _create_payouts() -> None:
    op.create_table(
        "payouts",
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
        sa.CheckConstraint(
            "(state IN ('assigned', 'paid')) = (transfer_id IS NOT NULL)",
            name=op.f("ck_payouts_assigned_has_transfer"),
        ),
        sa.CheckConstraint(
            "mode IN ('off', 'simulation', 'on')", name=op.f("ck_payouts_mode_known")
        ),
        sa.CheckConstraint(
            "state IN ('owed', 'assigned', 'paid', 'carried', 'held', 'simulated')",
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
            "network", "baker_id", "cycle", "kind", "owed_to", "mode", name="uq_payouts_identity"
        ),
    )
    op.create_index("ix_payouts_carried", "payouts", ["baker_id", "mode", "state"], unique=False)
    op.create_index("ix_payouts_distribution", "payouts", ["distribution_id"], unique=False)
    op.create_index(op.f("ix_payouts_transfer_id"), "payouts", ["transfer_id"], unique=False)
    op.create_index("ix_payouts_work", "payouts", ["paid_with_id", "state"], unique=False)
