"""Users, sessions, tokens, stored simulations, and whether a baker has a public page.

Revision ID: 0003
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from bakehouse.ledger.column_types import ROW_ID, PlainText, UtcTime

revision: Final = "0003"
down_revision: Final = "0002"

_ROLE_KNOWN: Final = "role IN ('viewer', 'operator', 'administrator')"


def upgrade() -> None:
    """Add what is new; nothing that was there changes."""
    op.add_column(
        "bakers",
        sa.Column("public_page", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    _create_users()
    _create_tokens()
    op.create_table(
        "sign_in_failures",
        sa.Column("subject", PlainText(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("blocked_until", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_sign_in_failures")),
    )
    op.create_table(
        "simulations",
        sa.Column("sha256", PlainText(), nullable=False),
        sa.Column("baker_id", PlainText(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("document", PlainText(), nullable=False),
        sa.Column("made_by", PlainText(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["baker_id"], ["bakers.baker_id"], name=op.f("fk_simulations_baker_id")
        ),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_simulations")),
    )
    op.create_index("ix_simulations_baker", "simulations", ["baker_id", "made_at"], unique=False)


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("name", PlainText(), nullable=False),
        sa.Column("password_hash", PlainText(), nullable=True),
        sa.Column("role", PlainText(), nullable=False),
        sa.Column("all_bakers", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("disabled_at", UtcTime(), nullable=True),
        sa.CheckConstraint(_ROLE_KNOWN, name=op.f("ck_users_role_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
    )
    op.create_table(
        "user_bakers",
        sa.Column("user_id", ROW_ID, nullable=False),
        sa.Column("baker_id", PlainText(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_bakers_user_id")),
        sa.ForeignKeyConstraint(
            ["baker_id"], ["bakers.baker_id"], name=op.f("fk_user_bakers_baker_id")
        ),
        sa.PrimaryKeyConstraint("user_id", "baker_id", name=op.f("pk_user_bakers")),
    )
    op.create_table(
        "sessions",
        sa.Column("token_sha256", PlainText(), nullable=False),
        sa.Column("user_id", ROW_ID, nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("client", PlainText(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "one_time_links",
        sa.Column("code_sha256", PlainText(), nullable=False),
        sa.Column("user_id", ROW_ID, nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("used_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_one_time_links_user_id")),
        sa.PrimaryKeyConstraint("code_sha256", name=op.f("pk_one_time_links")),
    )


def _create_tokens() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("name", PlainText(), nullable=False),
        sa.Column("token_sha256", PlainText(), nullable=False),
        sa.Column("role", PlainText(), nullable=False),
        sa.Column("all_bakers", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("created_by", PlainText(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=True),
        sa.Column("revoked_at", UtcTime(), nullable=True),
        sa.Column("used_at", UtcTime(), nullable=True),
        sa.CheckConstraint(_ROLE_KNOWN, name=op.f("ck_api_tokens_role_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_api_tokens_token_sha256")),
    )
    op.create_table(
        "api_token_bakers",
        sa.Column("token_id", ROW_ID, nullable=False),
        sa.Column("baker_id", PlainText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["token_id"], ["api_tokens.id"], name=op.f("fk_api_token_bakers_token_id")
        ),
        sa.ForeignKeyConstraint(
            ["baker_id"], ["bakers.baker_id"], name=op.f("fk_api_token_bakers_baker_id")
        ),
        sa.PrimaryKeyConstraint("token_id", "baker_id", name=op.f("pk_api_token_bakers")),
    )
