"""A name for the ledger, and what its secret key is known by.

Revision ID: 0009
"""

import uuid
from typing import Final

import sqlalchemy as sa
from alembic import op

from bakehouse.ledger.column_types import PlainText

revision: Final = "0009"
down_revision: Final = "0008"


def upgrade() -> None:
    """Add the table and its one row."""
    installation = op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ledger_id", PlainText(), nullable=False),
        sa.Column("key_check", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.bulk_insert(installation, [{"id": 1, "ledger_id": str(uuid.uuid4())}])
