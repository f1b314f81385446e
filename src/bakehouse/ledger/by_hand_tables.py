"""The tables of what a person orders outside any cycle: transfers, and deductions with consent.

Their columns say what was ordered, by whom and why; no queries here.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    text,
)

from bakehouse.ledger.baker_tables import bakers
from bakehouse.ledger.column_types import ROW_ID, PlainText, UtcTime
from bakehouse.ledger.schema import distributions, operations
from bakehouse.ledger.states import ManualOrigin, ManualState
from bakehouse.ledger.table_parts import metadata

_ORIGINS = ", ".join(f"'{origin}'" for origin in ManualOrigin)
_STATES = ", ".join(f"'{state}'" for state in ManualState)
_OPEN_TOP_UP = "origin = 'top-up' AND state IN ('wanted', 'assigned')"

manual_transfers = Table(
    "manual_transfers",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("network", PlainText, nullable=False),
    Column("baker_id", ForeignKey(bakers.c.baker_id), nullable=False),
    Column("origin", PlainText, nullable=False),
    # The caller's name for this one order: asked for twice, it is still one.
    Column("idempotence_key", PlainText, nullable=False),
    Column("source", PlainText, nullable=False),
    # Of a reveal, which moves nothing, the source itself.
    Column("destination", PlainText, nullable=False),
    Column("amount", BigInteger, nullable=False),
    # Whether it may use what is owed to delegators; else the wallet keeps that.
    Column("spends_owed", Boolean, nullable=False),
    Column("actor", PlainText, nullable=False),
    Column("why", PlainText, nullable=False),
    Column("state", PlainText, nullable=False),
    # The living operation that does it, and when that was signed: a day's cap counts by it.
    Column("operation_id", ForeignKey(operations.c.id), index=True),
    Column("signed_at", UtcTime),
    Column("reason", PlainText),
    # The newest final block when it was ordered: no block up to it can hold what does it.
    Column("ordered_level", Integer, nullable=False),
    # When it was given last: after a failure it may be given again.
    Column("ordered_at", UtcTime, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    UniqueConstraint("baker_id", "idempotence_key", name="uq_manual_transfers_key"),
    CheckConstraint(f"origin IN ({_ORIGINS})", name="origin_known"),
    CheckConstraint(f"state IN ({_STATES})", name="state_known"),
    CheckConstraint(
        "(origin = 'reveal' AND amount = 0) OR (origin <> 'reveal' AND amount > 0)",
        name="amount_fits_origin",
    ),
    CheckConstraint(
        "(state IN ('assigned', 'done')) = (operation_id IS NOT NULL AND signed_at IS NOT NULL)",
        name="assigned_has_operation",
    ),
    Index("ix_manual_transfers_work", "baker_id", "state"),
    # Whoever finds the wallet low at the same time finds one top-up under way.
    Index(
        "uq_manual_transfers_open_top_up",
        "baker_id",
        unique=True,
        sqlite_where=text(_OPEN_TOP_UP),
        postgresql_where=text(_OPEN_TOP_UP),
    ),
)

# What somebody was paid too much and gives back out of coming cycles.
deductions = Table(
    "deductions",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("baker_id", ForeignKey(bakers.c.baker_id), nullable=False),
    Column("owed_to", PlainText, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("idempotence_key", PlainText, nullable=False),
    # Who agreed to it, in words: "the delegator, by mail of 3 October".
    Column("consent", PlainText, nullable=False),
    Column("why", PlainText, nullable=False),
    Column("actor", PlainText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    # When a person gave up what was still to be deducted.
    Column("waived_at", UtcTime),
    UniqueConstraint("baker_id", "idempotence_key", name="uq_deductions_key"),
    CheckConstraint("amount > 0", name="amount_positive"),
    Index("ix_deductions_owed_to", "baker_id", "owed_to"),
)

# What each cycle took of a deduction; written with the plan, and never more than is left.
deduction_parts = Table(
    "deduction_parts",
    metadata,
    Column("deduction_id", ForeignKey("deductions.id"), primary_key=True),
    Column("distribution_id", ForeignKey(distributions.c.id), primary_key=True),
    Column("amount", BigInteger, nullable=False),
    CheckConstraint("amount > 0", name="amount_positive"),
)
