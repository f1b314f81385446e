"""What would have been paid, as somebody saw it: documents under their hashes. Nothing is owed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import NotFoundError
from bakehouse.ledger import bakers
from bakehouse.ledger.access_tables import simulations
from bakehouse.ledger.page import Page, Slice

#: How many are kept for a baker: each may be some megabytes.
KEPT_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class SimulationHead:
    """Which document, of what, and who had it made first."""

    sha256: str
    baker_id: str
    cycle: int
    made_by: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class StoredSimulation:
    """A simulation and its document, as JSON text."""

    head: SimulationHead
    document: str


async def store(tx: AsyncConnection, simulation: StoredSimulation) -> StoredSimulation:
    """Keep a document; one that is there already stays as it was. Gives what is kept.

    The oldest of the baker go when there are too many. Raises NotFoundError for an unknown baker.
    """
    head = simulation.head
    await bakers.get(tx, head.baker_id)
    found = await _find(tx, head.sha256)
    if found is not None:
        return found
    await tx.execute(
        insert(simulations).values(
            sha256=head.sha256,
            baker_id=head.baker_id,
            cycle=head.cycle,
            document=simulation.document,
            made_by=head.made_by,
            made_at=head.made_at,
        )
    )
    await _drop_oldest(tx, head.baker_id)
    return simulation


async def get(tx: AsyncConnection, baker_id: str, sha256: str) -> StoredSimulation:
    """Give a baker's simulation; raises NotFoundError."""
    found = await _find(tx, sha256)
    if found is None or found.head.baker_id != baker_id:
        raise NotFoundError(f"there is no simulation {sha256!r} of {baker_id}: make it again")
    return found


async def page(tx: AsyncConnection, baker_id: str, part: Slice) -> Page[SimulationHead]:
    """Give a page of a baker's simulations without their documents, the newest first."""
    columns = [column for column in simulations.c if column.name != "document"]
    query = (
        select(*columns)
        .where(simulations.c.baker_id == baker_id)
        .order_by(simulations.c.made_at.desc(), simulations.c.sha256)
        .offset(part.offset)
        .limit(part.limit_and_one)
    )
    return Page.of([_head(row) for row in await tx.execute(query)], part)


async def _find(tx: AsyncConnection, sha256: str) -> StoredSimulation | None:
    query = select(simulations).where(simulations.c.sha256 == sha256)
    row = (await tx.execute(query)).one_or_none()
    return StoredSimulation(_head(row), row.document) if row else None


async def _drop_oldest(tx: AsyncConnection, baker_id: str) -> None:
    query = (
        select(simulations.c.sha256)
        .where(simulations.c.baker_id == baker_id)
        .order_by(simulations.c.made_at.desc(), simulations.c.sha256)
        .offset(KEPT_MAX)
        # SQLite takes an offset only with a limit.
        .limit(KEPT_MAX)
    )
    too_many = list((await tx.execute(query)).scalars())
    if too_many:
        await tx.execute(delete(simulations).where(simulations.c.sha256.in_(too_many)))


def _head(row: Row[Any]) -> SimulationHead:
    return SimulationHead(row.sha256, row.baker_id, row.cycle, row.made_by, row.made_at)
