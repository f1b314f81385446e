"""The tables of alerts, of where they are sent, and of what is still to be. No queries here."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    text,
)

from bakehouse.ledger.column_types import ROW_ID, PlainText, UtcTime
from bakehouse.ledger.states import ChannelPurpose, DeliveryState, Telling
from bakehouse.ledger.table_parts import metadata, row_id

_TELLINGS = ", ".join(f"'{telling}'" for telling in Telling)
_STATES = ", ".join(f"'{state}'" for state in DeliveryState)

alerts = Table(
    "alerts",
    metadata,
    row_id(),
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

# Where alerts are sent. The URL holds secrets: it is stored sealed, and shown only in part.
alert_channels = Table(
    "alert_channels",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("name", PlainText, nullable=False, unique=True),
    Column("sealed_url", LargeBinary, nullable=False),
    Column("shown_url", PlainText, nullable=False),
    Column("severity_min", PlainText, nullable=False),
    # JSON lists: codes, empty for all; bakers, NULL for all.
    Column("codes", PlainText, nullable=False),
    Column("baker_ids", PlainText),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    # What it is told: alerts, announcements or both.
    Column("purpose", PlainText, nullable=False, server_default=ChannelPurpose.ALERTS.value),
)

# What is to be told to whom, written with the alert itself: nothing that was stored stays untold.
alert_deliveries = Table(
    "alert_deliveries",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("alert_id", ForeignKey("alerts.id"), index=True),
    Column("channel_id", ForeignKey("alert_channels.id"), nullable=False, index=True),
    Column("what", PlainText, nullable=False),
    Column("state", PlainText, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("next_at", UtcTime, nullable=False),
    Column("last_error", PlainText),
    Column("sent_at", UtcTime),
    CheckConstraint(f"what IN ({_TELLINGS})", name="what_known"),
    CheckConstraint(f"state IN ({_STATES})", name="state_known"),
    CheckConstraint("(what = 'test') = (alert_id IS NULL)", name="test_has_no_alert"),
    CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_time"),
    Index(
        "ix_alert_deliveries_pending",
        "next_at",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
)
