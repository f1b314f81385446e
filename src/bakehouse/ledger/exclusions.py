"""Who is not paid in a planned cycle, why, and where the share goes; written with the plan."""

from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.page import Page, Slice
from bakehouse.ledger.schema import distributions, exclusions
from bakehouse.ledger.span import Span
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.rewards.eligibility import ExclusionReason
from bakehouse.rewards.money import Mutez
from bakehouse.rewards.payout_rules import ExcludedShare
from bakehouse.rewards.plan_values import Exclusion


@dataclass(frozen=True, slots=True)
class ExclusionSum:
    """How many were excluded for one reason, and what their shares add up to, in mutez."""

    reason: ExclusionReason
    share_goes_to: ExcludedShare
    count: int
    gross: Mutez


async def add(tx: AsyncConnection, distribution: Distribution, rows: Iterable[Exclusion]) -> None:
    """Enter the exclusions of a plan."""
    values = [
        {
            "distribution_id": distribution.id,
            "owed_to": row.recipient,
            "delegated_balance": row.delegated_balance,
            "gross": row.gross,
            "reason": row.reason,
            "share_goes_to": row.share_goes_to,
        }
        for row in rows
    ]
    if values:
        await tx.execute(insert(exclusions), values)


async def page(tx: AsyncConnection, distribution: Distribution, part: Slice) -> Page[Exclusion]:
    """Give a page of a plan's exclusions, the largest balance first."""
    query = (
        select(exclusions)
        .where(exclusions.c.distribution_id == distribution.id)
        .order_by(exclusions.c.delegated_balance.desc(), exclusions.c.owed_to)
    )
    rows = await tx.execute(query.offset(part.offset).limit(part.limit_and_one))
    return Page.of([_exclusion(row) for row in rows], part)


async def of_person(
    tx: AsyncConnection, network: str, baker_id: str, owed_to: str, cycles: Collection[int]
) -> list[tuple[int, Exclusion]]:
    """Give the cycles, of these, in which somebody was excluded live, newest first."""
    query = (
        select(exclusions, distributions.c.cycle)
        .join(distributions, distributions.c.id == exclusions.c.distribution_id)
        .where(
            distributions.c.network == network,
            distributions.c.baker_id == baker_id,
            distributions.c.cycle.in_(cycles),
            distributions.c.kind == DistributionKind.DELEGATORS,
            distributions.c.mode == Mode.ON,
            exclusions.c.owed_to == owed_to,
        )
        .order_by(distributions.c.cycle.desc())
    )
    return [(row.cycle, _exclusion(row)) for row in await tx.execute(query)]


async def booked_exclusions(
    tx: AsyncConnection, baker_id: str, mode: Mode, span: Span
) -> AsyncIterator[tuple[int, Exclusion]]:
    """Give a baker's exclusions with their cycles, oldest cycle first and by address in each."""
    query = (
        select(exclusions, distributions.c.cycle)
        .join(distributions, distributions.c.id == exclusions.c.distribution_id)
        .where(
            distributions.c.baker_id == baker_id,
            distributions.c.mode == mode,
            *span.of_cycle(distributions.c.cycle),
            *span.of_year(distributions.c.updated_at),
        )
        .order_by(distributions.c.cycle, exclusions.c.owed_to)
    )
    async with tx.stream(query) as rows:
        async for row in rows:
            yield row.cycle, _exclusion(row)


async def sums(tx: AsyncConnection, distribution: Distribution) -> list[ExclusionSum]:
    """Count and sum a plan's exclusions by reason and by where the shares went."""
    table = exclusions
    query = (
        select(table.c.reason, table.c.share_goes_to, func.count(), func.sum(table.c.gross))
        .where(table.c.distribution_id == distribution.id)
        .group_by(table.c.reason, table.c.share_goes_to)
        .order_by(table.c.reason, table.c.share_goes_to)
    )
    return [
        ExclusionSum(ExclusionReason(reason), ExcludedShare(goes_to), count, Mutez(int(gross)))
        for reason, goes_to, count, gross in await tx.execute(query)
    ]


def _exclusion(row: Row[Any]) -> Exclusion:
    return Exclusion(
        row.owed_to,
        Mutez(row.delegated_balance),
        Mutez(row.gross),
        ExclusionReason(row.reason),
        ExcludedShare(row.share_goes_to),
    )
