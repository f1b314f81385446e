"""Snapshots: what the indexer answered when a cycle was planned, as it was received."""

from typing import Final

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.schema import snapshots

_IS_OF: Final = snapshots.c.distribution_id == bindparam("of_id")
_CONTENT: Final = select(snapshots.c.content).where(_IS_OF)
_ENTER: Final = insert(snapshots)
_REPLACE: Final = update(snapshots).where(_IS_OF)


async def snapshot_of(tx: AsyncConnection, distribution_id: int) -> str | None:
    """Give what a distribution's plan was computed from; None if it was never planned here."""
    found = await tx.execute(_CONTENT, {"of_id": distribution_id})
    received: str | None = found.scalar_one_or_none()
    return received


async def keep_snapshot(tx: AsyncConnection, distribution_id: int, received: str) -> None:
    """Keep what a plan was computed from; of a plan made again, only the last one's is kept."""
    changed = await tx.execute(_REPLACE, {"of_id": distribution_id, "content": received})
    if not changed.rowcount:
        await tx.execute(_ENTER, {"distribution_id": distribution_id, "content": received})
