"""The tables of what is paid, and of the audit trail. No queries here.

Amounts are integers of mutez, times are UTC. What bakers have set, alerts, hooks and users have
tables beside.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
    false,
    literal_column,
    text,
)

from bakehouse.ledger.baker_tables import bakers
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
from bakehouse.ledger.table_parts import metadata, mutez, one_of, row_id

distributions = Table(
    "distributions",
    metadata,
    row_id(),
    Column("network", PlainText, nullable=False),
    Column("baker_id", ForeignKey(bakers.c.baker_id), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("kind", PlainText, nullable=False),
    Column("mode", PlainText, nullable=False),
    Column("state", PlainText, nullable=False),
    Column("message", PlainText),
    # Of what the plan was computed from: see `snapshots`.
    Column("snapshot_sha256", PlainText),
    mutez("pool", server_default=text("0")),
    # What the baker keeps beside fees: its own part, and `excluded_kept` of those it does not pay.
    mutez("own_part", server_default=text("0")),
    mutez("total_fees", server_default=text("0")),
    mutez("total_net", server_default=text("0")),
    mutez("dust", server_default=text("0")),
    Column("zero_payouts", Integer, nullable=False, server_default=text("0")),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    # When a person let the first live cycle go, and when the chain was read again after paying.
    Column("approved_at", UtcTime),
    Column("verified_at", UtcTime),
    mutez("excluded_kept", server_default=text("0")),
    # Drawn when the cycle was first seen: nothing is planned before the chain is there.
    Column("not_before_level", Integer),
    # Another tool had paid the cycle: the row of `imports` that closed it. It is never planned.
    Column("import_id", ROW_ID),
    UniqueConstraint("network", "baker_id", "cycle", "kind", "mode", name="identity"),
    # All that lists and counts ask.
    Index("ix_distributions_baker", "baker_id", "cycle", "kind", "mode", "state", "total_net"),
    one_of("kind", DistributionKind),
    one_of("mode", Mode),
    one_of("state", DistributionState),
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
    row_id(),
    Column("network", PlainText, nullable=False),
    Column("baker_id", ForeignKey(bakers.c.baker_id), nullable=False),
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
    mutez("total_fee"),
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
    one_of("kind", OperationKind),
    one_of("state", OperationState),
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
    row_id(),
    Column("operation_id", ForeignKey("operations.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("destination", PlainText, nullable=False),
    mutez("amount"),
    mutez("fee"),
    Column("gas_limit", Integer, nullable=False),
    Column("storage_limit", Integer, nullable=False),
    Column("status", PlainText),
    mutez("burn", server_default=text("0")),
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
    row_id(),
    Column("distribution_id", ForeignKey("distributions.id"), nullable=False),
    # The distribution whose operations pay it: its own, or the later one that carried it over.
    Column("paid_with_id", ForeignKey("distributions.id"), nullable=False),
    Column("network", PlainText, nullable=False),
    Column("baker_id", ForeignKey(bakers.c.baker_id), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("mode", PlainText, nullable=False),
    Column("kind", PlainText, nullable=False),
    Column("owed_to", PlainText, nullable=False),
    Column("address", PlainText, nullable=False),
    mutez("delegated_balance"),
    mutez("gross"),
    Column("fee_basis_points", Integer, nullable=False),
    mutez("fee"),
    mutez("net"),
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
    mutez("withheld", server_default=text("0")),
    # What paid it before Bakehouse did: then no transfer of ours ever will.
    Column("imported_payment_id", ROW_ID, ForeignKey("imported_payments.id")),
    # Whom it is owed to, not where it is sent: a redirect changed later never pays again.
    UniqueConstraint(
        "network", "baker_id", "cycle", "kind", "owed_to", "mode", name="uq_payouts_identity"
    ),
    Index("ix_payouts_work", "paid_with_id", "state", "net", "withheld"),
    Index("ix_payouts_carried", "baker_id", "mode", "state"),
    Index("ix_payouts_distribution", "distribution_id", "net"),
    one_of("mode", Mode),
    one_of("state", PayoutState),
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
    mutez("delegated_balance"),
    mutez("gross"),
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
    row_id(),
    Column("operation_id", ForeignKey("operations.id"), nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("node", PlainText, nullable=False),
    Column("answer", PlainText, nullable=False),
)

audit_events = Table(
    "audit_events",
    metadata,
    row_id(),
    Column("at", UtcTime, nullable=False),
    Column("actor", PlainText, nullable=False),
    Column("action", PlainText, nullable=False),
    Column("subject", PlainText, nullable=False),
    Column("detail", PlainText, nullable=False),
    Column("previous_hash", PlainText, nullable=False),
    Column("hash", PlainText, nullable=False, unique=True),
    Index("ix_audit_events_subject", "subject", "id"),
)
