"""The tables of hooks: what they are, what they answered and changed, what they are told."""

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
    text,
)

from bakehouse.ledger.baker_tables import bakers
from bakehouse.ledger.column_types import ROW_ID, PlainText, UtcTime
from bakehouse.ledger.schema import distributions
from bakehouse.ledger.states import DeliveryState, HookKind, HookPoint, Verdict
from bakehouse.ledger.table_parts import metadata

_KINDS = ", ".join(f"'{kind}'" for kind in HookKind)
_POINTS = ", ".join(f"'{point}'" for point in HookPoint)
_VERDICTS = ", ".join(f"'{verdict}'" for verdict in Verdict)
_STATES = ", ".join(f"'{state}'" for state in DeliveryState)

# A hook is entered, switched and removed, never changed: its number tells which one answered. The
# row stays when it is removed, without its secret.
hooks = Table(
    "hooks",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("baker_id", ForeignKey(bakers.c.baker_id), nullable=False),
    Column("name", PlainText, nullable=False),
    # JSON list.
    Column("points", PlainText, nullable=False),
    Column("kind", PlainText, nullable=False),
    # Of a program: the file and its arguments (JSON list). Of a webhook: its URL, which is shown.
    Column("arguments", PlainText),
    Column("url", PlainText),
    # What a webhook's requests are signed with.
    Column("sealed_secret", LargeBinary),
    Column("seconds_max", Integer, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("removed_at", UtcTime),
    CheckConstraint(f"kind IN ({_KINDS})", name="kind_known"),
    CheckConstraint("(kind = 'program') = (arguments IS NOT NULL)", name="program_has_arguments"),
    CheckConstraint("(kind = 'webhook') = (url IS NOT NULL)", name="webhook_has_url"),
    CheckConstraint("(kind = 'webhook') = (sealed_secret IS NOT NULL)", name="webhook_has_secret"),
    CheckConstraint("seconds_max BETWEEN 1 AND 60", name="seconds_max_range"),
    Index(
        "uq_hooks_name",
        "baker_id",
        "name",
        unique=True,
        sqlite_where=text("removed_at IS NULL"),
        postgresql_where=text("removed_at IS NULL"),
    ),
)

# The last answer of a hook about a distribution.
hook_consultations = Table(
    "hook_consultations",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("distribution_id", ForeignKey(distributions.c.id), nullable=False),
    Column("hook_id", ForeignKey("hooks.id"), nullable=False),
    Column("point", PlainText, nullable=False),
    # SHA-256 of what it was asked: the answer to another question is none.
    Column("question", PlainText, nullable=False),
    Column("verdict", PlainText, nullable=False),
    # Why it vetoed, or why its answer cannot be accepted.
    Column("reason", PlainText),
    # The accepted answer, as it was received.
    Column("answer", PlainText),
    # Failures in a row.
    Column("failures", Integer, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    # When it is asked anew, unless it has allowed.
    Column("ask_again_at", UtcTime),
    UniqueConstraint("distribution_id", "hook_id", "point", name="uq_hook_consultations_question"),
    CheckConstraint(f"point IN ({_POINTS})", name="point_known"),
    CheckConstraint(f"verdict IN ({_VERDICTS})", name="verdict_known"),
    CheckConstraint("(verdict = 'allowed') = (ask_again_at IS NULL)", name="asked_until_allowed"),
    CheckConstraint("(verdict = 'allowed') = (reason IS NULL)", name="refusal_has_reason"),
)

# What hooks changed of a plan, written with the plan.
plan_adjustments = Table(
    "plan_adjustments",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("distribution_id", ForeignKey(distributions.c.id), nullable=False, index=True),
    Column("hook_id", ForeignKey("hooks.id"), nullable=False),
    Column("recipient", PlainText, nullable=False),
    Column("amount", BigInteger, nullable=False),
    # Who gets it; NULL: it stays with the baker.
    Column("given_to", PlainText),
    Column("why", PlainText, nullable=False),
    CheckConstraint("amount > 0", name="amount_positive"),
)

# What hooks are to be told, written with what happened.
hook_deliveries = Table(
    "hook_deliveries",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("hook_id", ForeignKey("hooks.id"), nullable=False),
    Column("distribution_id", ForeignKey(distributions.c.id), nullable=False, index=True),
    Column("point", PlainText, nullable=False),
    # What it is told of, so that it is told once.
    Column("subject", PlainText, nullable=False),
    Column("document", PlainText, nullable=False),
    Column("state", PlainText, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("next_at", UtcTime, nullable=False),
    Column("last_error", PlainText),
    Column("sent_at", UtcTime),
    UniqueConstraint("hook_id", "point", "subject", name="uq_hook_deliveries_told_once"),
    CheckConstraint(f"point IN ({_POINTS})", name="point_known"),
    CheckConstraint(f"state IN ({_STATES})", name="state_known"),
    CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_time"),
    Index(
        "ix_hook_deliveries_pending",
        "next_at",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
)
