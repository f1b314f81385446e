"""Distributions by the page, by the year, by what was planned: for those who look back."""

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.distributions import Distribution, distribution_of
from bakehouse.ledger.page import Page, Slice
from bakehouse.ledger.schema import distributions
from bakehouse.ledger.span import Span
from bakehouse.ledger.states import Mode


async def page_of_baker(
    tx: AsyncConnection, baker_id: str, part: Slice, *, mode: Mode | None = None
) -> Page[Distribution]:
    """Give a page of a baker's distributions, newest cycle first, in one mode or in all."""
    query = select(distributions).where(distributions.c.baker_id == baker_id)
    if mode is not None:
        query = query.where(distributions.c.mode == mode)
    ordered = query.order_by(distributions.c.cycle.desc(), distributions.c.id.desc())
    rows = await _fetch(tx, ordered.offset(part.offset).limit(part.limit_and_one))
    return Page.of(rows, part)


async def in_span(tx: AsyncConnection, baker_id: str, mode: Mode, span: Span) -> list[Distribution]:
    """Give a baker's distributions in a mode, oldest cycle first, delegators before bond pool."""
    query = select(distributions).where(
        distributions.c.baker_id == baker_id,
        distributions.c.mode == mode,
        *span.of_cycle(distributions.c.cycle),
        *span.of_year(distributions.c.updated_at),
    )
    ordered = query.order_by(distributions.c.cycle, distributions.c.kind.desc())
    return await _fetch(tx, ordered)


async def newest_planned(
    tx: AsyncConnection, baker_id: str, mode: Mode, limit: int, *, before: int | None = None
) -> list[Distribution]:
    """Give what was planned last, newest cycle first; only of cycles `before` one if it is named.

    Of one cycle, the delegators' come before the bond pool's.
    """
    query = select(distributions).where(
        distributions.c.baker_id == baker_id,
        distributions.c.mode == mode,
        distributions.c.snapshot_sha256.is_not(None),
    )
    if before is not None:
        query = query.where(distributions.c.cycle < before)
    ordered = query.order_by(distributions.c.cycle.desc(), distributions.c.kind.desc())
    return await _fetch(tx, ordered.limit(limit))


async def years(tx: AsyncConnection, baker_id: str, mode: Mode) -> list[int]:
    """Give the years (UTC) in which a baker's cycles were seen and settled, the newest first."""
    query = select(distributions.c.created_at, distributions.c.updated_at).where(
        distributions.c.baker_id == baker_id, distributions.c.mode == mode
    )
    # Two rows, found by the index: the times of all of them stand behind long snapshots.
    oldest = (await tx.execute(query.order_by(distributions.c.cycle).limit(1))).one_or_none()
    newest = (await tx.execute(query.order_by(distributions.c.cycle.desc()).limit(1))).one_or_none()
    if oldest is None or newest is None:
        return []
    return list(range(newest.updated_at.year, oldest.created_at.year - 1, -1))


async def _fetch(tx: AsyncConnection, query: Select[Any]) -> list[Distribution]:
    return [distribution_of(row) for row in await tx.execute(query)]
