"""Whether anything changed since one looked last: a few numbers that are cheap to read."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.schema import alerts, audit_events


async def ledger_stamp(tx: AsyncConnection) -> int:
    """Give a number that grows whenever a state or a setting changes: all of them are audited."""
    newest = await tx.execute(select(func.coalesce(func.max(audit_events.c.id), 0)))
    return int(newest.scalar_one())


async def alerts_stamp(tx: AsyncConnection) -> tuple[int, int]:
    """Give two numbers, one of which changes whenever an alert is opened or closed."""
    newest = await tx.execute(select(func.coalesce(func.max(alerts.c.id), 0)))
    still_open = await tx.execute(
        select(func.count()).select_from(alerts).where(alerts.c.acknowledged_at.is_(None))
    )
    return int(newest.scalar_one()), int(still_open.scalar_one())
