"""The one way to change a state: checked against the legal moves, all rows or none."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Table, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import IllegalTransitionError
from bakehouse.ledger.statement_parts import in_parts
from bakehouse.ledger.states import MOVES


async def state_of(tx: AsyncConnection, table: Table, row_id: int) -> str | None:
    """Give the state a row is in now, whatever the caller has read before; None when it is gone."""
    state: str | None = (
        await tx.execute(select(table.c.state).where(table.c.id == row_id))
    ).scalar()
    return state


async def move(
    tx: AsyncConnection, table: Table, ids: Collection[int], to: str, **values: Any
) -> None:
    """Move rows into state `to`, all or none of the transaction.

    Raises IllegalTransitionError when any row is in a state that may not be left for `to`, or is
    gone: somebody else was faster, or the caller is wrong about the world.
    """
    leaving = [left for left, entered in MOVES[table.name].items() if to in entered]
    moved = 0
    for part in in_parts(ids):
        result = await tx.execute(
            update(table)
            .where(table.c.id.in_(part), table.c.state.in_(leaving))
            .values(state=to, **values)
        )
        moved += result.rowcount
    if moved != len(ids):
        raise IllegalTransitionError(
            f"{len(ids) - moved} of {len(ids)} {table.name} could not become '{to}': "
            f"only {', '.join(sorted(leaving)) or 'nothing'} may",
        )
