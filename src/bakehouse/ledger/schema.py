"""The tables of the ledger. Amounts are integers of mutez, times are UTC; no queries here."""

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    false,
    text,
    true,
)

from bakehouse.ledger.column_types import ROW_ID, PlainText, UtcTime
from bakehouse.ledger.states import (
    Death,
    DistributionKind,
    DistributionState,
    Mode,
    OperationKind,
    OperationState,
    PayoutState,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _row_id() -> Column[int]:
    return Column("id", ROW_ID, primary_key=True, autoincrement=True)


def _one_of(column: str, states: type[StrEnum]) -> CheckConstraint:
    names = ", ".join(f"'{state}'" for state in states)
    return CheckConstraint(f"{column} IN ({names})", name=f"{column}_known")


def _mutez(name: str, **options: Any) -> Column[int]:
    return Column(name, BigInteger, nullable=False, **options)


bakers = Table(
    "bakers",
    metadata,
    Column("baker_id", PlainText, primary_key=True),
    Column("network", PlainText, nullable=False),
    Column("alias", PlainText),
    Column("payout_address", PlainText, nullable=False),
    Column("mode", PlainText, nullable=False),
    Column("default_fee", Integer, nullable=False),
    Column("update_freq", Integer, nullable=False),
    Column("payment_retries", Integer, nullable=False),
    Column("minutes_between_retries", Integer, nullable=False),
    Column("num_blocks_wait", Integer, nullable=False),
    Column("first_cycle", Integer, nullable=False),
    Column("payout_delay_cycles", Integer, nullable=False),
    Column("share_block_fees", Boolean, nullable=False),
    _mutez("minimum_payout"),
    Column("bond_pool_enabled", Boolean, nullable=False),
    Column("scheduled", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    # More than this (mutez) is never paid for a cycle, or to one recipient, without a person.
    Column("cycle_cap", BigInteger),
    Column("payout_cap", BigInteger),
    Column("confirm_first_cycle", Boolean, nullable=False, server_default=true()),
    # Whether anybody may look an address up and see what it was paid.
    Column("public_page", Boolean, nullable=False, server_default=false()),
    # Where the payout wallet is topped up from, to what balance (mutez), how much a day at most.
    Column("funding_address", PlainText),
    Column("target_balance", BigInteger),
    Column("top_up_cap", BigInteger),
    _one_of("mode", Mode),
    CheckConstraint("default_fee BETWEEN 0 AND 10000", name="default_fee_range"),
    CheckConstraint("update_freq >= 1", name="update_freq_range"),
    CheckConstraint("payment_retries >= 0", name="payment_retries_range"),
    CheckConstraint("minutes_between_retries >= 1", name="minutes_between_retries_range"),
    CheckConstraint("num_blocks_wait >= 2", name="num_blocks_wait_range"),
    CheckConstraint("first_cycle >= 0", name="first_cycle_range"),
    CheckConstraint("payout_delay_cycles >= 0", name="payout_delay_cycles_range"),
    CheckConstraint("minimum_payout >= 0", name="minimum_payout_range"),
)

delegator_fees = Table(
    "delegator_fees",
    metadata,
    Column("baker_id", ForeignKey("bakers.baker_id"), primary_key=True),
    Column("address", PlainText, primary_key=True),
    Column("fee", Integer, nullable=False),
    CheckConstraint("fee BETWEEN 0 AND 10000", name="fee_range"),
)

bond_pool_members = Table(
    "bond_pool_members",
    metadata,
    Column("baker_id", ForeignKey("bakers.baker_id"), primary_key=True),
    Column("address", PlainText, primary_key=True),
    Column("name", PlainText, nullable=False),
    _mutez("amount"),
    Column("adm_charge", Integer, nullable=False),
    Column("is_manager", Boolean, nullable=False),
    CheckConstraint("amount > 0", name="amount_positive"),
    CheckConstraint("adm_charge BETWEEN 0 AND 10000", name="adm_charge_range"),
    Index(
        "uq_bond_pool_members_manager",
        "baker_id",
        unique=True,
        sqlite_where=text("is_manager"),
        postgresql_where=text("is_manager"),
    ),
)

distributions = Table(
    "distributions",
    metadata,
    _row_id(),
    Column("network", PlainText, nullable=False),
    Column("baker_id", ForeignKey("bakers.baker_id"), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("kind", PlainText, nullable=False),
    Column("mode", PlainText, nullable=False),
    Column("state", PlainText, nullable=False),
    Column("message", PlainText),
    # What the indexer answered, as received: evidence for whoever doubts the plan.
    Column("snapshot", PlainText),
    Column("snapshot_sha256", PlainText),
    _mutez("pool", server_default=text("0")),
    _mutez("own_part", server_default=text("0")),
    _mutez("total_fees", server_default=text("0")),
    _mutez("total_net", server_default=text("0")),
    _mutez("dust", server_default=text("0")),
    Column("zero_payouts", Integer, nullable=False, server_default=text("0")),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    # When a person let the first live cycle go, and when the chain was read again after paying.
    Column("approved_at", UtcTime),
    Column("verified_at", UtcTime),
    UniqueConstraint("network", "baker_id", "cycle", "kind", "mode", name="identity"),
    # All that lists and counts ask: a row itself is long, with its snapshot in the middle.
    Index("ix_distributions_baker", "baker_id", "cycle", "kind", "mode", "state", "total_net"),
    _one_of("kind", DistributionKind),
    _one_of("mode", Mode),
    _one_of("state", DistributionState),
    CheckConstraint("pool = own_part + total_fees + total_net + dust", name="adds_up"),
)

operations = Table(
    "operations",
    metadata,
    _row_id(),
    Column("network", PlainText, nullable=False),
    Column("baker_id", ForeignKey("bakers.baker_id"), nullable=False),
    # None for what was ordered outside any cycle.
    Column("distribution_id", ForeignKey("distributions.id"), index=True),
    Column("source", PlainText, nullable=False),
    Column("kind", PlainText, nullable=False),
    # What a cancelling group takes the counters of.
    Column("replaces_id", ForeignKey("operations.id")),
    Column("state", PlainText, nullable=False),
    Column("hash", PlainText, nullable=False, unique=True),
    Column("signed_bytes", LargeBinary, nullable=False),
    Column("protocol", PlainText, nullable=False),
    Column("branch", PlainText, nullable=False),
    Column("branch_level", Integer, nullable=False),
    Column("last_includable_level", Integer, nullable=False),
    Column("counter_first", BigInteger, nullable=False),
    Column("content_count", Integer, nullable=False),
    _mutez("total_fee"),
    # Sum of the gas limits: a replacement must offer a better fee for each unit.
    Column("gas_limit", Integer, nullable=False),
    # The newest final block when it was signed: no block up to it can hold the operation.
    Column("born_level", Integer, nullable=False),
    Column("born_block", PlainText, nullable=False),
    # The fencing number of the lease under which it was signed.
    Column("lease_token", BigInteger, nullable=False),
    # Every block from born_level + 1 up to here was read and does not hold the operation.
    Column("scanned_level", Integer, nullable=False),
    Column("included_level", Integer),
    Column("included_block", PlainText),
    Column("applied", Boolean),
    # Why it can never be in a block any more, and what was read to prove it (JSON).
    Column("death", PlainText),
    Column("evidence", PlainText),
    Column("cancel_requested_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    _one_of("kind", OperationKind),
    _one_of("state", OperationState),
    CheckConstraint(
        "(state IN ('included', 'final')) = (included_level IS NOT NULL)",
        name="inclusion_has_level",
    ),
    CheckConstraint("(state = 'dead') = (death IS NOT NULL)", name="death_has_a_cause"),
    CheckConstraint(
        f"death IN ({', '.join(repr(str(each)) for each in Death)})", name="death_known"
    ),
    CheckConstraint("(kind = 'cancel') = (replaces_id IS NOT NULL)", name="cancel_replaces"),
    CheckConstraint(
        "(kind <> 'payout' OR distribution_id IS NOT NULL) "
        "AND (kind <> 'manual' OR distribution_id IS NULL)",
        name="payout_of_a_distribution",
    ),
    Index("ix_operations_state", "baker_id", "state"),
    # A payout and a transfer by hand with one counter would exclude each other just so.
    Index(
        "uq_operations_paying_counter",
        "network",
        "source",
        "counter_first",
        unique=True,
        sqlite_where=text("state <> 'dead' AND replaces_id IS NULL"),
        postgresql_where=text("state <> 'dead' AND replaces_id IS NULL"),
    ),
    # Two groups with one counter exclude each other on chain: of those that pay, one lives here.
    Index(
        "uq_operations_counter",
        "network",
        "source",
        "counter_first",
        "kind",
        unique=True,
        sqlite_where=text("state <> 'dead'"),
        postgresql_where=text("state <> 'dead'"),
    ),
)

transfers = Table(
    "transfers",
    metadata,
    _row_id(),
    Column("operation_id", ForeignKey("operations.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("destination", PlainText, nullable=False),
    _mutez("amount"),
    _mutez("fee"),
    Column("gas_limit", Integer, nullable=False),
    Column("storage_limit", Integer, nullable=False),
    Column("status", PlainText),
    _mutez("burn", server_default=text("0")),
    UniqueConstraint("operation_id", "position", name="position"),
    CheckConstraint("amount > 0", name="amount_positive"),
)

payouts = Table(
    "payouts",
    metadata,
    _row_id(),
    Column("distribution_id", ForeignKey("distributions.id"), nullable=False),
    # The distribution whose operations pay it: its own, or the later one that carried it over.
    Column("paid_with_id", ForeignKey("distributions.id"), nullable=False),
    Column("network", PlainText, nullable=False),
    Column("baker_id", ForeignKey("bakers.baker_id"), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("mode", PlainText, nullable=False),
    Column("kind", PlainText, nullable=False),
    Column("owed_to", PlainText, nullable=False),
    Column("address", PlainText, nullable=False),
    _mutez("delegated_balance"),
    _mutez("gross"),
    Column("fee_basis_points", Integer, nullable=False),
    _mutez("fee"),
    _mutez("net"),
    Column("state", PlainText, nullable=False),
    Column("transfer_id", ForeignKey("transfers.id"), index=True),
    Column("reason", PlainText),
    # Set when it is held: the newest level that was searched for payments by another tool.
    Column("looked_back_level", Integer),
    # Set when a person let it go after it was held: what it was held for is settled.
    Column("released_at", UtcTime),
    # Whom it is owed to, not where it is sent: a redirect changed later never pays again.
    UniqueConstraint(
        "network", "baker_id", "cycle", "kind", "owed_to", "mode", name="uq_payouts_identity"
    ),
    Index("ix_payouts_work", "paid_with_id", "state", "net"),
    Index("ix_payouts_carried", "baker_id", "mode", "state"),
    Index("ix_payouts_distribution", "distribution_id", "net"),
    _one_of("mode", Mode),
    _one_of("state", PayoutState),
    CheckConstraint("net > 0", name="net_positive"),
    CheckConstraint(
        "(state IN ('assigned', 'paid')) = (transfer_id IS NOT NULL)", name="assigned_has_transfer"
    ),
)

# Who may sign for a payout address. The token grows with every change of hands and never shrinks.
source_leases = Table(
    "source_leases",
    metadata,
    Column("network", PlainText, primary_key=True),
    Column("source", PlainText, primary_key=True),
    Column("holder", PlainText, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    _row_id(),
    Column("operation_id", ForeignKey("operations.id"), nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("node", PlainText, nullable=False),
    Column("answer", PlainText, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    _row_id(),
    Column("baker_id", PlainText),
    Column("code", PlainText, nullable=False),
    Column("subject", PlainText, nullable=False),
    Column("message", PlainText, nullable=False),
    Column("raised_at", UtcTime, nullable=False),
    Column("repeated_at", UtcTime, nullable=False),
    Column("times", Integer, nullable=False),
    # A person saw it; the cause may still be there.
    Column("acknowledged_at", UtcTime),
    Column("acknowledged_by", PlainText),
    # The cause is gone, or it was an event that never had one.
    Column("closed_at", UtcTime),
    # When channels were last told that it is there.
    Column("told_at", UtcTime),
    Index(
        "uq_alerts_open",
        "code",
        "subject",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
    Index("ix_alerts_cause", "code", "subject"),
    Index("ix_alerts_seen", "repeated_at"),
)

audit_events = Table(
    "audit_events",
    metadata,
    _row_id(),
    Column("at", UtcTime, nullable=False),
    Column("actor", PlainText, nullable=False),
    Column("action", PlainText, nullable=False),
    Column("subject", PlainText, nullable=False),
    Column("detail", PlainText, nullable=False),
    Column("previous_hash", PlainText, nullable=False),
    Column("hash", PlainText, nullable=False, unique=True),
    Index("ix_audit_events_subject", "subject", "id"),
)
