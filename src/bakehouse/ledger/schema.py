"""The tables of the ledger. Amounts are integers of mutez, times are UTC; no queries here."""

from enum import StrEnum
from typing import Any, Final

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
    literal_column,
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
from bakehouse.rewards.payout_rules import (
    CostBearer,
    ExcludedShare,
    Leavers,
    Listing,
    RewardBasis,
    Rounding,
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


def _choice(name: str, *, default: StrEnum) -> Column[str]:
    return Column(name, PlainText, nullable=False, server_default=text(f"'{default}'"))


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
    Column("share_block_rewards", Boolean, nullable=False, server_default=true()),
    Column("share_attestation_rewards", Boolean, nullable=False, server_default=true()),
    Column("share_dal_rewards", Boolean, nullable=False, server_default=true()),
    Column("share_nonce_rewards", Boolean, nullable=False, server_default=true()),
    Column("share_vdf_rewards", Boolean, nullable=False, server_default=true()),
    Column("share_denunciation_rewards", Boolean, nullable=False, server_default=false()),
    _choice("reward_basis", default=RewardBasis.ACTUAL),
    Column("over_delegation_protection", Boolean, nullable=False, server_default=false()),
    _choice("rounding", default=Rounding.NET_FLOOR),
    _choice("transfer_fee_payer", default=CostBearer.BAKER),
    _choice("burn_payer", default=CostBearer.BAKER),
    _mutez("minimum_balance", server_default=text("0")),
    Column("maximum_balance", BigInteger),
    _choice("below_minimum_share", default=ExcludedShare.BAKER),
    _choice("excluded_share", default=ExcludedShare.BAKER),
    Column("only_allowed", Boolean, nullable=False, server_default=false()),
    Column("pay_emptied", Boolean, nullable=False, server_default=true()),
    # What a transfer to a contract may cost (mutez) before it is held; NULL: whatever it costs.
    Column("contract_cost_cap", BigInteger),
    Column("minimum_fee_multiple", Integer, nullable=False, server_default=text("0")),
    _choice("leavers", default=Leavers.KEEP),
    Column("payout_interval", Integer, nullable=False, server_default=text("1")),
    Column("interval_offset", Integer, nullable=False, server_default=text("0")),
    # Blocks after the moment a cycle is due, between which it is drawn when it is paid.
    Column("delay_blocks_least", Integer, nullable=False, server_default=text("0")),
    Column("delay_blocks_most", Integer, nullable=False, server_default=text("0")),
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

# What else is different for one delegator; NULL is as for everybody.
delegator_rules = Table(
    "delegator_rules",
    metadata,
    Column("baker_id", ForeignKey("bakers.baker_id"), primary_key=True),
    Column("address", PlainText, primary_key=True),
    Column("recipient", PlainText),
    Column("listing", PlainText),
    Column("minimum_balance", BigInteger),
    Column("maximum_balance", BigInteger),
    Column("transfer_fee_payer", PlainText),
    Column("burn_payer", PlainText),
    Column("excluded_share", PlainText),
    _one_of("listing", Listing),
    _one_of("transfer_fee_payer", CostBearer),
    _one_of("burn_payer", CostBearer),
    _one_of("excluded_share", ExcludedShare),
)

# Parts of the baker's income for named addresses, in basis points.
income_shares = Table(
    "income_shares",
    metadata,
    Column("baker_id", ForeignKey("bakers.baker_id"), primary_key=True),
    Column("address", PlainText, primary_key=True),
    Column("of_bonds", Integer, nullable=False),
    Column("of_fees", Integer, nullable=False),
    Column("of_excluded", Integer, nullable=False),
    CheckConstraint("of_bonds BETWEEN 0 AND 10000", name="of_bonds_range"),
    CheckConstraint("of_fees BETWEEN 0 AND 10000", name="of_fees_range"),
    CheckConstraint("of_excluded BETWEEN 0 AND 10000", name="of_excluded_range"),
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
    # Of what the plan was computed from: see `snapshots`.
    Column("snapshot_sha256", PlainText),
    _mutez("pool", server_default=text("0")),
    # What the baker keeps beside fees: its own part, and `excluded_kept` of those it does not pay.
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
    _mutez("excluded_kept", server_default=text("0")),
    # Drawn when the cycle was first seen: nothing is planned before the chain is there.
    Column("not_before_level", Integer),
    # Another tool had paid the cycle: the row of `imports` that closed it. It is never planned.
    Column("import_id", ROW_ID),
    UniqueConstraint("network", "baker_id", "cycle", "kind", "mode", name="identity"),
    # All that lists and counts ask.
    Index("ix_distributions_baker", "baker_id", "cycle", "kind", "mode", "state", "total_net"),
    _one_of("kind", DistributionKind),
    _one_of("mode", Mode),
    _one_of("state", DistributionState),
    CheckConstraint("pool = own_part + total_fees + total_net + dust", name="adds_up"),
)

# What the indexer answered, as received: evidence for whoever doubts the plan. Beside the
# distributions, since it may be megabytes, and a row is read and written as a whole.
snapshots = Table(
    "snapshots",
    metadata,
    Column("distribution_id", ForeignKey("distributions.id"), primary_key=True),
    Column("content", PlainText, nullable=False),
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
    # Few burn anything: their sum is told without reading all the others.
    Index(
        "ix_transfers_burn",
        "operation_id",
        "burn",
        sqlite_where=text("burn > 0"),
        postgresql_where=text("burn > 0"),
    ),
    CheckConstraint("amount > 0", name="amount_positive"),
)

#: Asked in these very words, that index answers.
BURNED: Final = transfers.c.burn > literal_column("0")

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
    # Whether the recipient bears the fee of its transfer, and what it burns.
    Column("bears_fee", Boolean, nullable=False, server_default=false()),
    Column("bears_burn", Boolean, nullable=False, server_default=false()),
    # What of the transfer's cost it bears, in mutez: `net - withheld` is what arrives.
    _mutez("withheld", server_default=text("0")),
    # What paid it before Bakehouse did: then no transfer of ours ever will.
    Column("imported_payment_id", ROW_ID, ForeignKey("imported_payments.id")),
    # Whom it is owed to, not where it is sent: a redirect changed later never pays again.
    UniqueConstraint(
        "network", "baker_id", "cycle", "kind", "owed_to", "mode", name="uq_payouts_identity"
    ),
    Index("ix_payouts_work", "paid_with_id", "state", "net", "withheld"),
    Index("ix_payouts_carried", "baker_id", "mode", "state"),
    Index("ix_payouts_distribution", "distribution_id", "net"),
    _one_of("mode", Mode),
    _one_of("state", PayoutState),
    CheckConstraint("net > 0", name="net_positive"),
    CheckConstraint(
        "(state IN ('assigned', 'paid')) = "
        "(transfer_id IS NOT NULL OR imported_payment_id IS NOT NULL)",
        name="assigned_has_transfer",
    ),
    CheckConstraint(
        "imported_payment_id IS NULL OR (state = 'paid' AND transfer_id IS NULL)",
        name="imported_is_paid",
    ),
)

# Delegators of a planned cycle who are not paid, and where their share went; nothing changes here.
exclusions = Table(
    "exclusions",
    metadata,
    Column("distribution_id", ForeignKey("distributions.id"), primary_key=True),
    Column("owed_to", PlainText, primary_key=True),
    _mutez("delegated_balance"),
    _mutez("gross"),
    Column("reason", PlainText, nullable=False),
    Column("share_goes_to", PlainText, nullable=False),
    CheckConstraint("gross >= 0", name="gross_not_negative"),
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
