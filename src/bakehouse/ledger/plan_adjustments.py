"""What hooks changed of a plan: written with the plan, and never changed."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.hook_tables import hooks, plan_adjustments
from bakehouse.ledger.schema import distributions
from bakehouse.ledger.span import Span
from bakehouse.ledger.states import Mode
from bakehouse.rewards.adjustment import Adjustment
from bakehouse.rewards.money import Mutez


@dataclass(frozen=True, slots=True)
class AcceptedAdjustment:
    """One change of a plan, and whose it is."""

    hook_id: int
    hook: str
    adjustment: Adjustment


async def add(
    tx: AsyncConnection, distribution_id: int, accepted: Sequence[AcceptedAdjustment]
) -> None:
    """List the changes of a plan, in the transaction that stores the plan."""
    rows = [
        {
            "distribution_id": distribution_id,
            "hook_id": each.hook_id,
            "recipient": each.adjustment.recipient,
            "amount": each.adjustment.amount,
            "given_to": each.adjustment.to,
            "why": each.adjustment.why,
        }
        for each in accepted
    ]
    if rows:
        await tx.execute(insert(plan_adjustments), rows)


async def count(tx: AsyncConnection, distribution_id: int) -> int:
    """Count the changes of a plan."""
    query = select(func.count()).where(plan_adjustments.c.distribution_id == distribution_id)
    return int((await tx.execute(query)).scalar_one())


async def of_distribution(
    tx: AsyncConnection, distribution_id: int, *, offset: int = 0, limit: int | None = None
) -> list[AcceptedAdjustment]:
    """Give the changes of a plan in the order in which they were made."""
    query = (
        select(plan_adjustments, hooks.c.name)
        .join(hooks, hooks.c.id == plan_adjustments.c.hook_id)
        .where(plan_adjustments.c.distribution_id == distribution_id)
        .order_by(plan_adjustments.c.id)
        .offset(offset)
        .limit(limit)
    )
    return [_accepted(row) for row in await tx.execute(query)]


async def booked_adjustments(
    tx: AsyncConnection, baker_id: str, mode: Mode, span: Span
) -> AsyncIterator[tuple[int, AcceptedAdjustment]]:
    """Give the changes of a baker's plans with their cycles, in the order they were made in."""
    query = (
        select(plan_adjustments, hooks.c.name, distributions.c.cycle)
        .join(hooks, hooks.c.id == plan_adjustments.c.hook_id)
        .join(distributions, distributions.c.id == plan_adjustments.c.distribution_id)
        .where(
            distributions.c.baker_id == baker_id,
            distributions.c.mode == mode,
            *span.of_cycle(distributions.c.cycle),
            *span.of_year(distributions.c.updated_at),
        )
        .order_by(distributions.c.cycle, plan_adjustments.c.id)
    )
    async with tx.stream(query) as rows:
        async for row in rows:
            yield row.cycle, _accepted(row)


def _accepted(row: Row[Any]) -> AcceptedAdjustment:
    adjustment = Adjustment(row.recipient, Mutez(row.amount), row.given_to, row.why)
    return AcceptedAdjustment(row.hook_id, row.name, adjustment)
