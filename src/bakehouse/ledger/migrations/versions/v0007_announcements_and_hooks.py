"""What bakers say in public, and programs of their own that are asked and told.

Revision ID: 0007
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from bakehouse.ledger.column_types import ROW_ID, PlainText, UtcTime
from bakehouse.ledger.migrations import triggers
from bakehouse.ledger.migrations.announcement_guards import MOVES

revision: Final = "0007"
down_revision: Final = "0006"

_POINTS: Final = "point IN ('plan-made', 'before-paying', 'paid', 'held')"


def upgrade() -> None:
    """Add what is new; channels that are there stay for alerts alone."""
    op.add_column(
        "alert_channels",
        sa.Column("purpose", PlainText(), server_default="alerts", nullable=False),
    )
    _create_announcements()
    _create_hooks()
    _create_consultations()
    _create_adjustments()
    _create_hook_deliveries()
    triggers.install(
        triggers.legal_moves("announcements", MOVES["announcements"]),
        *triggers.never_deleted("announcements"),
        *triggers.never_deleted("hooks"),
        *triggers.append_only("plan_adjustments"),
    )


def _create_announcements() -> None:
    op.create_table(
        "announcement_settings",
        sa.Column("baker_id", PlainText(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("title", PlainText(), nullable=False),
        sa.Column("body", PlainText(), nullable=False),
        sa.Column("link", PlainText(), nullable=True),
        sa.ForeignKeyConstraint(
            ["baker_id"], ["bakers.baker_id"], name=op.f("fk_announcement_settings_baker_id")
        ),
        sa.PrimaryKeyConstraint("baker_id", name=op.f("pk_announcement_settings")),
    )
    op.create_table(
        "announcements",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("baker_id", PlainText(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("distribution_id", ROW_ID, nullable=False),
        sa.Column("channel_id", ROW_ID, nullable=True),
        sa.Column("channel", PlainText(), nullable=False),
        sa.Column("state", PlainText(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("next_at", UtcTime(), nullable=False),
        sa.Column("claimed_at", UtcTime(), nullable=True),
        sa.Column("sent_at", UtcTime(), nullable=True),
        sa.Column("last_error", PlainText(), nullable=True),
        sa.Column("title", PlainText(), nullable=True),
        sa.Column("body", PlainText(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'sending', 'sent', 'unsure', 'failed')",
            name=op.f("ck_announcements_state_known"),
        ),
        sa.CheckConstraint(
            "(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_announcements_sent_has_time")
        ),
        sa.CheckConstraint(
            "(state = 'sending') = (claimed_at IS NOT NULL)",
            name=op.f("ck_announcements_claim_has_time"),
        ),
        sa.ForeignKeyConstraint(
            ["baker_id"], ["bakers.baker_id"], name=op.f("fk_announcements_baker_id")
        ),
        sa.ForeignKeyConstraint(
            ["distribution_id"],
            ["distributions.id"],
            name=op.f("fk_announcements_distribution_id"),
        ),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["alert_channels.id"], name=op.f("fk_announcements_channel_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcements")),
        sa.UniqueConstraint("baker_id", "cycle", "channel_id", name="uq_announcements_identity"),
    )
    op.create_index(op.f("ix_announcements_channel_id"), "announcements", ["channel_id"])
    open_ones = sa.text("state IN ('pending', 'sending')")
    op.create_index(
        "ix_announcements_open",
        "announcements",
        ["next_at"],
        sqlite_where=open_ones,
        postgresql_where=open_ones,
    )


def _create_hooks() -> None:
    op.create_table(
        "hooks",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("baker_id", PlainText(), nullable=False),
        sa.Column("name", PlainText(), nullable=False),
        sa.Column("points", PlainText(), nullable=False),
        sa.Column("kind", PlainText(), nullable=False),
        sa.Column("arguments", PlainText(), nullable=True),
        sa.Column("url", PlainText(), nullable=True),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.Column("seconds_max", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("removed_at", UtcTime(), nullable=True),
        sa.CheckConstraint("kind IN ('program', 'webhook')", name=op.f("ck_hooks_kind_known")),
        sa.CheckConstraint(
            "(kind = 'program') = (arguments IS NOT NULL)",
            name=op.f("ck_hooks_program_has_arguments"),
        ),
        sa.CheckConstraint(
            "(kind = 'webhook') = (url IS NOT NULL)", name=op.f("ck_hooks_webhook_has_url")
        ),
        sa.CheckConstraint(
            "(kind = 'webhook') = (sealed_secret IS NOT NULL)",
            name=op.f("ck_hooks_webhook_has_secret"),
        ),
        sa.CheckConstraint("seconds_max BETWEEN 1 AND 60", name=op.f("ck_hooks_seconds_max_range")),
        sa.ForeignKeyConstraint(["baker_id"], ["bakers.baker_id"], name=op.f("fk_hooks_baker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hooks")),
    )
    there = sa.text("removed_at IS NULL")
    op.create_index(
        "uq_hooks_name",
        "hooks",
        ["baker_id", "name"],
        unique=True,
        sqlite_where=there,
        postgresql_where=there,
    )


def _create_consultations() -> None:
    op.create_table(
        "hook_consultations",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("distribution_id", ROW_ID, nullable=False),
        sa.Column("hook_id", ROW_ID, nullable=False),
        sa.Column("point", PlainText(), nullable=False),
        sa.Column("question", PlainText(), nullable=False),
        sa.Column("verdict", PlainText(), nullable=False),
        sa.Column("reason", PlainText(), nullable=True),
        sa.Column("answer", PlainText(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("ask_again_at", UtcTime(), nullable=True),
        sa.CheckConstraint(_POINTS, name=op.f("ck_hook_consultations_point_known")),
        sa.CheckConstraint(
            "verdict IN ('allowed', 'vetoed', 'failed')",
            name=op.f("ck_hook_consultations_verdict_known"),
        ),
        sa.CheckConstraint(
            "(verdict = 'allowed') = (ask_again_at IS NULL)",
            name=op.f("ck_hook_consultations_asked_until_allowed"),
        ),
        sa.CheckConstraint(
            "(verdict = 'allowed') = (reason IS NULL)",
            name=op.f("ck_hook_consultations_refusal_has_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["distribution_id"],
            ["distributions.id"],
            name=op.f("fk_hook_consultations_distribution_id"),
        ),
        sa.ForeignKeyConstraint(
            ["hook_id"], ["hooks.id"], name=op.f("fk_hook_consultations_hook_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_consultations")),
        sa.UniqueConstraint(
            "distribution_id", "hook_id", "point", name="uq_hook_consultations_question"
        ),
    )


def _create_adjustments() -> None:
    op.create_table(
        "plan_adjustments",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("distribution_id", ROW_ID, nullable=False),
        sa.Column("hook_id", ROW_ID, nullable=False),
        sa.Column("recipient", PlainText(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("given_to", PlainText(), nullable=True),
        sa.Column("why", PlainText(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_plan_adjustments_amount_positive")),
        sa.ForeignKeyConstraint(
            ["distribution_id"],
            ["distributions.id"],
            name=op.f("fk_plan_adjustments_distribution_id"),
        ),
        sa.ForeignKeyConstraint(
            ["hook_id"], ["hooks.id"], name=op.f("fk_plan_adjustments_hook_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_adjustments")),
    )
    op.create_index(
        op.f("ix_plan_adjustments_distribution_id"), "plan_adjustments", ["distribution_id"]
    )


def _create_hook_deliveries() -> None:
    op.create_table(
        "hook_deliveries",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("hook_id", ROW_ID, nullable=False),
        sa.Column("distribution_id", ROW_ID, nullable=False),
        sa.Column("point", PlainText(), nullable=False),
        sa.Column("subject", PlainText(), nullable=False),
        sa.Column("document", PlainText(), nullable=False),
        sa.Column("state", PlainText(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("next_at", UtcTime(), nullable=False),
        sa.Column("last_error", PlainText(), nullable=True),
        sa.Column("sent_at", UtcTime(), nullable=True),
        sa.CheckConstraint(_POINTS, name=op.f("ck_hook_deliveries_point_known")),
        sa.CheckConstraint(
            "state IN ('pending', 'sent', 'failed')", name=op.f("ck_hook_deliveries_state_known")
        ),
        sa.CheckConstraint(
            "(state = 'sent') = (sent_at IS NOT NULL)",
            name=op.f("ck_hook_deliveries_sent_has_time"),
        ),
        sa.ForeignKeyConstraint(["hook_id"], ["hooks.id"], name=op.f("fk_hook_deliveries_hook_id")),
        sa.ForeignKeyConstraint(
            ["distribution_id"],
            ["distributions.id"],
            name=op.f("fk_hook_deliveries_distribution_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_deliveries")),
        sa.UniqueConstraint("hook_id", "point", "subject", name="uq_hook_deliveries_told_once"),
    )
    op.create_index(
        op.f("ix_hook_deliveries_distribution_id"), "hook_deliveries", ["distribution_id"]
    )
    op.create_index(
        "ix_hook_deliveries_pending",
        "hook_deliveries",
        ["next_at"],
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
