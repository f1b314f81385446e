"""Snapshots: what the indexer answered when a cycle was planned, as it was received."""

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.schema import snapshots


async def snapshot_of(tx: AsyncConnection, distribution_id: int) -> str | None:
    """Give what a distribution's plan was computed from; None if it was never planned here."""
    query = select(snapshots.c.content).where(snapshots.c.distribution_id == distribution_id)
    received: str | None = (await tx.execute(query)).scalar_one_or_none()
    return received


async def keep_snapshot(tx: AsyncConnection, distribution_id: int, received: str) -> None:
    """Keep what a plan was computed from; of a plan made again, only the last one's is kept."""
    is_its = snapshots.c.distribution_id == distribution_id
    changed = await tx.execute(update(snapshots).where(is_its).values(content=received))
    if not changed.rowcount:
        row = {"distribution_id": distribution_id, "content": received}
        await tx.execute(insert(snapshots).values(row))
