"""Roles and their bakers as rows: what users and tokens have in common. No decisions here."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Column, Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import InputError
from bakehouse.ledger import bakers
from bakehouse.ledger.roles import Grant, Role


async def check(tx: AsyncConnection, grant: Grant) -> None:
    """Refuse a grant for no bakers, or for one that is not there (InputError, NotFoundError)."""
    if grant.bakers is None:
        return
    if not grant.bakers:
        raise InputError("say for which bakers the role holds, or that it holds for all")
    for baker_id in grant.bakers:
        await bakers.get(tx, baker_id)


async def store(tx: AsyncConnection, table: Table, owner_id: int, grant: Grant) -> None:
    """Replace the bakers a grant names."""
    owner = _owner(table)
    await tx.execute(delete(table).where(owner == owner_id))
    rows = [{owner.name: owner_id, "baker_id": each} for each in sorted(grant.bakers or ())]
    if rows:
        await tx.execute(insert(table), rows)


async def read(tx: AsyncConnection, table: Table, rows: Sequence[Any]) -> dict[int, Grant]:
    """Give the grants of rows with `id`, `role` and `all_bakers`, by id."""
    named = await _named(tx, table, [row.id for row in rows if not row.all_bakers])
    return {
        row.id: Grant(Role(row.role), None if row.all_bakers else named.get(row.id, frozenset()))
        for row in rows
    }


async def _named(
    tx: AsyncConnection, table: Table, ids: Iterable[int]
) -> dict[int, frozenset[str]]:
    owner = _owner(table)
    found: dict[int, set[str]] = {}
    for owner_id, baker_id in await tx.execute(
        select(owner, table.c.baker_id).where(owner.in_(list(ids)))
    ):
        found.setdefault(owner_id, set()).add(baker_id)
    return {owner_id: frozenset(each) for owner_id, each in found.items()}


def _owner(table: Table) -> Column[int]:
    (owner,) = (column for column in table.primary_key if column.name != "baker_id")
    return owner
