"""What waits for a person, of every baker at once. Read only; it decides nothing."""

from collections.abc import Collection

from sqlalchemy import Column, ColumnElement, Select, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import distributions as stored_distributions
from bakehouse.ledger import operations as stored_operations
from bakehouse.ledger import payouts as stored_payouts
from bakehouse.ledger.baker_tables import bakers
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.page import Page, Slice
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.schema import distributions, operations, payouts
from bakehouse.ledger.states import (
    DistributionState,
    Mode,
    OperationKind,
    OperationState,
    PayoutState,
)
from bakehouse.rewards.money import Mutez

Bakers = Collection[str] | None


async def held(tx: AsyncConnection, of: Bakers, part: Slice) -> Page[tuple[str, Payout]]:
    """Give a page of held payouts, each with its baker; the oldest cycle first, then the largest.

    `of` names the bakers that are looked at; None for all.
    """
    query = (
        select(payouts.c.id, payouts.c.baker_id)
        .where(*_held(of))
        .order_by(payouts.c.cycle, payouts.c.net.desc(), payouts.c.id)
        .offset(part.offset)
        .limit(part.limit_and_one)
    )
    owners = {row.id: row.baker_id for row in await tx.execute(query)}
    rows = {each.id: each for each in await stored_payouts.by_ids(tx, list(owners))}
    return Page.of([(baker_id, rows[key]) for key, baker_id in owners.items()], part)


async def held_sums(tx: AsyncConnection, of: Bakers) -> tuple[int, Mutez]:
    """Count and add up what is held, in mutez."""
    query = select(func.count(), func.coalesce(func.sum(payouts.c.net), 0)).where(*_held(of))
    count, total = (await tx.execute(query)).one()
    return count, Mutez(int(total))


async def failed(tx: AsyncConnection, of: Bakers) -> list[Distribution]:
    """Give the distributions that failed, live or in the mode their baker is in; oldest first."""
    query = (
        select(distributions.c.id)
        .join(bakers, bakers.c.baker_id == distributions.c.baker_id)
        .where(
            distributions.c.state == DistributionState.FAILED,
            or_(distributions.c.mode == Mode.ON, distributions.c.mode == bakers.c.mode),
            _among(distributions.c.baker_id, of),
        )
    )
    return await _distributions(tx, query)


async def awaiting_go(tx: AsyncConnection, of: Bakers) -> list[Distribution]:
    """Give the planned live distributions of bakers that never paid and want a person's go."""
    has_paid = exists().where(
        operations.c.baker_id == distributions.c.baker_id,
        operations.c.kind == OperationKind.PAYOUT,
        operations.c.state == OperationState.FINAL,
        operations.c.applied,
    )
    query = (
        select(distributions.c.id)
        .join(bakers, bakers.c.baker_id == distributions.c.baker_id)
        .where(
            distributions.c.state.in_([DistributionState.PLANNED, DistributionState.PAYING]),
            distributions.c.mode == Mode.ON,
            distributions.c.approved_at.is_(None),
            bakers.c.mode == Mode.ON,
            bakers.c.confirm_first_cycle,
            ~has_paid,
            _among(distributions.c.baker_id, of),
        )
    )
    return await _distributions(tx, query)


async def quarantined(tx: AsyncConnection, of: Bakers) -> list[Operation]:
    """Give the payout operations whose fate nobody can prove, the oldest first.

    Of those that belong to no cycle the alert tells.
    """
    query = select(operations.c.id).where(
        operations.c.state == OperationState.QUARANTINED,
        operations.c.distribution_id.is_not(None),
        _among(operations.c.baker_id, of),
    )
    ids = list((await tx.execute(query)).scalars())
    return sorted(await stored_operations.by_ids(tx, ids), key=lambda each: each.id)


async def _distributions(tx: AsyncConnection, query: Select[int]) -> list[Distribution]:
    ids = list((await tx.execute(query)).scalars())
    found = await stored_distributions.by_ids(tx, ids)
    return sorted(found, key=lambda each: (each.key.cycle, each.id))


def _held(of: Bakers) -> list[ColumnElement[bool]]:
    return [
        payouts.c.mode == Mode.ON,
        payouts.c.state == PayoutState.HELD,
        _among(payouts.c.baker_id, of),
    ]


def _among(column: Column[str], of: Bakers) -> ColumnElement[bool]:
    # Naming all of them makes this a look-up for each instead of a walk through all rows.
    return column.in_(select(bakers.c.baker_id) if of is None else sorted(of))
