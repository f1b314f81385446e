"""The tables of users, sessions, tokens and stored simulations. Secrets are here as hashes only."""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, Table

from bakehouse.ledger.baker_tables import bakers
from bakehouse.ledger.column_types import ROW_ID, PlainText, UtcTime
from bakehouse.ledger.roles import Role
from bakehouse.ledger.table_parts import metadata

_ROLES = ", ".join(f"'{role}'" for role in Role)

users = Table(
    "users",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("name", PlainText, nullable=False, unique=True),
    # Absent until its owner has followed a one-time link and chosen one.
    Column("password_hash", PlainText),
    Column("role", PlainText, nullable=False),
    Column("all_bakers", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("disabled_at", UtcTime),
    CheckConstraint(f"role IN ({_ROLES})", name="role_known"),
)

user_bakers = Table(
    "user_bakers",
    metadata,
    Column("user_id", ForeignKey("users.id"), primary_key=True),
    Column("baker_id", ForeignKey(bakers.c.baker_id), primary_key=True),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_sha256", PlainText, primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    # What the browser called itself and where it was, for its owner to recognise.
    Column("client", PlainText, nullable=False),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", ROW_ID, primary_key=True, autoincrement=True),
    Column("name", PlainText, nullable=False),
    Column("token_sha256", PlainText, nullable=False, unique=True),
    Column("role", PlainText, nullable=False),
    Column("all_bakers", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", PlainText, nullable=False),
    Column("expires_at", UtcTime),
    Column("revoked_at", UtcTime),
    Column("used_at", UtcTime),
    CheckConstraint(f"role IN ({_ROLES})", name="role_known"),
)

api_token_bakers = Table(
    "api_token_bakers",
    metadata,
    Column("token_id", ForeignKey("api_tokens.id"), primary_key=True),
    Column("baker_id", ForeignKey(bakers.c.baker_id), primary_key=True),
)

# Followed once, by whoever holds it: to become the first administrator, or to choose a password.
one_time_links = Table(
    "one_time_links",
    metadata,
    Column("code_sha256", PlainText, primary_key=True),
    Column("user_id", ForeignKey("users.id")),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
)

# Wrong passwords in a row, by whose or from where.
sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("subject", PlainText, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("blocked_until", UtcTime, nullable=False),
)

# What would have been paid, as somebody saw it; kept under the hash of its document.
simulations = Table(
    "simulations",
    metadata,
    Column("sha256", PlainText, primary_key=True),
    Column("baker_id", ForeignKey(bakers.c.baker_id), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("document", PlainText, nullable=False),
    Column("made_by", PlainText, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Index("ix_simulations_baker", "baker_id", "made_at"),
)
