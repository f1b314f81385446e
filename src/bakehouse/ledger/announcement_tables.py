"""The tables of what bakers say in public, and of what was said where. No queries here."""

from sqlalchemy import (
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
from bakehouse.ledger.schema import distributions
from bakehouse.ledger.states import AnnouncementState
from bakehouse.ledger.table_parts import metadata

_STATES = ", ".join(f"'{state}'" for state in AnnouncementState)

# What a baker says when a cycle is paid. Without a row it says nothing.
announcement_settings = Table(
    "announcement_settings",
    metadata,
    Column("baker_id", ForeignKey(bakers.c.baker_id), primary_key=True),
    Column("enabled", Boolean, nullable=False),
    Column("title", PlainText, nullable=False),
    Column("body", PlainText, nullable=False),
    # Where a reader can look payouts up.
    Column("link", PlainText),
)

# Entered as a cycle is closed. A row outlives its channel: what was said is not said again.
announcements = Table(
    "announcements",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("baker_id", ForeignKey(bakers.c.baker_id), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("distribution_id", ForeignKey(distributions.c.id), nullable=False),
    # NULL once the channel was removed.
    Column("channel_id", ForeignKey("alert_channels.id"), index=True),
    Column("channel", PlainText, nullable=False),
    Column("state", PlainText, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    # When it is tried next, while it is pending.
    Column("next_at", UtcTime, nullable=False),
    # When the attempt began whose end nobody noted yet.
    Column("claimed_at", UtcTime),
    Column("sent_at", UtcTime),
    Column("last_error", PlainText),
    # What was said, in full.
    Column("title", PlainText),
    Column("body", PlainText),
    UniqueConstraint("baker_id", "cycle", "channel_id", name="uq_announcements_identity"),
    CheckConstraint(f"state IN ({_STATES})", name="state_known"),
    CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_time"),
    CheckConstraint("(state = 'sending') = (claimed_at IS NOT NULL)", name="claim_has_time"),
    Index(
        "ix_announcements_open",
        "next_at",
        sqlite_where=text("state IN ('pending', 'sending')"),
        postgresql_where=text("state IN ('pending', 'sending')"),
    ),
)
