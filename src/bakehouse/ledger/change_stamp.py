"""Whether anything changed since one looked last: a few numbers that are cheap to read."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.alert_tables import alerts
from bakehouse.ledger.schema import audit_events


async def ledger_stamp(tx: AsyncConnection) -> int:
    """Give a number that grows whenever a state or a setting changes: all of them are audited."""
    newest = await tx.execute(select(func.coalesce(func.max(audit_events.c.id), 0)))
    return int(newest.scalar_one())


async def alerts_stamp(tx: AsyncConnection) -> tuple[int, int, int]:
    """Give numbers of which one changes when an alert is opened, acknowledged or closed."""
    newest = await tx.execute(select(func.coalesce(func.max(alerts.c.id), 0)))
    still_open = await tx.execute(
        select(func.count(), func.count(alerts.c.acknowledged_at))
        .select_from(alerts)
        .where(alerts.c.closed_at.is_(None))
    )
    is_open, acknowledged = still_open.one()
    return int(newest.scalar_one()), int(is_open), int(acknowledged)
