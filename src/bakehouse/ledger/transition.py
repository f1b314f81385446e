"""The one way to change a state: checked against the legal moves, all rows or none."""

from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, Update, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import IllegalTransitionError
from bakehouse.ledger.statement_parts import in_parts
from bakehouse.ledger.states import MOVES


async def state_of(tx: AsyncConnection, table: Table, row_id: int) -> str | None:
    """Give the state a row is in now, whatever the caller has read before; None when it is gone."""
    state: str | None = (await tx.execute(_asking(table), {"row_id": row_id})).scalar()
    return state


async def move(
    tx: AsyncConnection, table: Table, ids: Collection[int], to: str, **values: Any
) -> None:
    """Move rows into state `to`, all or none of the transaction.

    Raises IllegalTransitionError when any row is in a state that may not be left for `to`, or is
    gone: somebody else was faster, or the caller is wrong about the world.
    """
    if unknown := values.keys() - table.c.keys():
        # A statement that was built before would leave them out without a word.
        raise ValueError(f"{table.name} has no column {', '.join(sorted(unknown))}")
    leaving = [left for left, entered in MOVES[table.name].items() if to in entered]
    computed = {name: each for name, each in values.items() if isinstance(each, ColumnElement)}
    given = {name: each for name, each in values.items() if name not in computed}
    moving = _moving(table).values(computed) if computed else _moving(table)
    moved = 0
    for part in in_parts(ids):
        result = await tx.execute(
            moving, {"row_ids": part, "leaving": leaving, "state": to, **given}
        )
        moved += result.rowcount
    if moved != len(ids):
        raise IllegalTransitionError(
            f"{len(ids) - moved} of {len(ids)} {table.name} could not become '{to}': "
            f"only {', '.join(sorted(leaving)) or 'nothing'} may",
        )


# Built once for each table: nothing is written more often.
@cache
def _asking(table: Table) -> Select[Any]:
    return select(table.c.state).where(table.c.id == bindparam("row_id"))


@cache
def _moving(table: Table) -> Update:
    return update(table).where(
        table.c.id.in_(bindparam("row_ids", expanding=True)),
        table.c.state.in_(bindparam("leaving", expanding=True)),
    )
