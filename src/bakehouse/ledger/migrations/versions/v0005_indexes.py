"""Indexes for what is asked over all bakers at once, and of a cycle of 10,000 payouts.

Revision ID: 0005
"""

from typing import Final

from alembic import op

revision: Final = "0005"
down_revision: Final = "0004"


def upgrade() -> None:
    """Add indexes, and widen two by the amount: sums and order come from the index alone."""
    op.create_index(
        "ix_distributions_baker",
        "distributions",
        ["baker_id", "cycle", "kind", "mode", "state", "total_net"],
    )
    op.create_index("ix_operations_state", "operations", ["baker_id", "state"])
    op.drop_index("ix_payouts_work", "payouts")
    op.create_index("ix_payouts_work", "payouts", ["paid_with_id", "state", "net"])
    op.drop_index("ix_payouts_distribution", "payouts")
    op.create_index("ix_payouts_distribution", "payouts", ["distribution_id", "net"])
    op.create_index("ix_audit_events_subject", "audit_events", ["subject", "id"])
