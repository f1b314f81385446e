"""What a plan was computed from in a table of its own, and what transfers burned by an index.

It is long, and stood in the middle of a row: to read what came after it, or to change a state, the
whole of it was read and written again.

Revision ID: 0011
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from bakehouse.ledger.column_types import ROW_ID, PlainText
from bakehouse.ledger.migrations import triggers

revision: Final = "0011"
down_revision: Final = "0010"


def upgrade() -> None:
    """Move the snapshots out of the distributions; index the few transfers that burned."""
    op.create_table(
        "snapshots",
        sa.Column("distribution_id", ROW_ID, nullable=False),
        sa.Column("content", PlainText(), nullable=False),
        sa.ForeignKeyConstraint(
            ["distribution_id"], ["distributions.id"], name=op.f("fk_snapshots_distribution_id")
        ),
        sa.PrimaryKeyConstraint("distribution_id", name=op.f("pk_snapshots")),
    )
    op.execute(
        "INSERT INTO snapshots (distribution_id, content) "
        "SELECT id, snapshot FROM distributions WHERE snapshot IS NOT NULL"
    )
    op.drop_column("distributions", "snapshot")
    triggers.install(*triggers.never_deleted("snapshots"))
    op.create_index(
        "ix_transfers_burn",
        "transfers",
        ["operation_id", "burn"],
        sqlite_where=sa.text("burn > 0"),
        postgresql_where=sa.text("burn > 0"),
    )
