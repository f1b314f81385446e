"""Closed is not acknowledged; channels, and what is to be told to them.

Revision ID: 0004
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from bakehouse.ledger.column_types import ROW_ID, PlainText, UtcTime

revision: Final = "0004"
down_revision: Final = "0003"


def upgrade() -> None:
    """Tell the two ends of an alert apart, and add the tables of what is sent."""
    _tell_closed_from_acknowledged()
    op.create_table(
        "alert_channels",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("name", PlainText(), nullable=False),
        sa.Column("sealed_url", sa.LargeBinary(), nullable=False),
        sa.Column("shown_url", PlainText(), nullable=False),
        sa.Column("severity_min", PlainText(), nullable=False),
        sa.Column("codes", PlainText(), nullable=False),
        sa.Column("baker_ids", PlainText(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_channels")),
        sa.UniqueConstraint("name", name=op.f("uq_alert_channels_name")),
    )
    _create_deliveries()


def _tell_closed_from_acknowledged() -> None:
    op.add_column("alerts", sa.Column("acknowledged_by", PlainText()))
    op.add_column("alerts", sa.Column("closed_at", UtcTime()))
    op.add_column("alerts", sa.Column("told_at", UtcTime()))
    op.drop_index("uq_alerts_open", "alerts")
    # Until now nobody could acknowledge anything: what was written there is the end of the cause.
    op.execute("UPDATE alerts SET closed_at = acknowledged_at, told_at = raised_at")
    op.execute("UPDATE alerts SET acknowledged_at = NULL")
    op.create_index(
        "uq_alerts_open",
        "alerts",
        ["code", "subject"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index("ix_alerts_cause", "alerts", ["code", "subject"])
    op.create_index("ix_alerts_seen", "alerts", ["repeated_at"])


def _create_deliveries() -> None:
    op.create_table(
        "alert_deliveries",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("alert_id", ROW_ID, nullable=True),
        sa.Column("channel_id", ROW_ID, nullable=False),
        sa.Column("what", PlainText(), nullable=False),
        sa.Column("state", PlainText(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("next_at", UtcTime(), nullable=False),
        sa.Column("last_error", PlainText(), nullable=True),
        sa.Column("sent_at", UtcTime(), nullable=True),
        sa.CheckConstraint(
            "what IN ('raised', 'repeated', 'closed', 'test')",
            name=op.f("ck_alert_deliveries_what_known"),
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'sent', 'failed')", name=op.f("ck_alert_deliveries_state_known")
        ),
        sa.CheckConstraint(
            "(what = 'test') = (alert_id IS NULL)",
            name=op.f("ck_alert_deliveries_test_has_no_alert"),
        ),
        sa.CheckConstraint(
            "(state = 'sent') = (sent_at IS NOT NULL)",
            name=op.f("ck_alert_deliveries_sent_has_time"),
        ),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.id"], name=op.f("fk_alert_deliveries_alert_id")
        ),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["alert_channels.id"], name=op.f("fk_alert_deliveries_channel_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_deliveries")),
    )
    for column in ("alert_id", "channel_id"):
        name = op.f(f"ix_alert_deliveries_{column}")
        op.create_index(name, "alert_deliveries", [column])
    op.create_index(
        "ix_alert_deliveries_pending",
        "alert_deliveries",
        ["next_at"],
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
