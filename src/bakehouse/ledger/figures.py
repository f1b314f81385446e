"""Counts and sums over all bakers at once, for whoever watches. Each is one query by an index."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.alert_tables import alerts
from bakehouse.ledger.baker_tables import bakers
from bakehouse.ledger.schema import distributions, operations, payouts
from bakehouse.ledger.states import (
    DistributionKind,
    DistributionState,
    Mode,
    OperationState,
    PayoutState,
)
from bakehouse.rewards.money import Mutez

#: Payouts that something is still to become of. The others only grow, to millions of rows.
OPEN_PAYOUTS = frozenset(
    {PayoutState.OWED, PayoutState.ASSIGNED, PayoutState.CARRIED, PayoutState.HELD}
)


@dataclass(frozen=True, slots=True)
class CycleFigures:
    """A baker's distributions in a state: how many, their newest cycle, what they pay out."""

    baker_id: str
    kind: DistributionKind
    mode: Mode
    state: DistributionState
    count: int
    newest_cycle: int
    net: Mutez


@dataclass(frozen=True, slots=True)
class PayoutFigures:
    """How many of a baker's live payouts are in a state, and what they come to."""

    baker_id: str
    state: PayoutState
    count: int
    net: Mutez


@dataclass(frozen=True, slots=True)
class OperationFigures:
    """How many of a baker's operations are in a state."""

    baker_id: str
    state: OperationState
    count: int


@dataclass(frozen=True, slots=True)
class PlannedCycle:
    """What a cycle of a baker costs in all, delegators and bond pool together."""

    baker_id: str
    mode: Mode
    cycle: int
    net: Mutez


async def of_cycles(tx: AsyncConnection) -> list[CycleFigures]:
    """Count every baker's distributions by kind, mode and state."""
    what = (
        distributions.c.baker_id,
        distributions.c.kind,
        distributions.c.mode,
        distributions.c.state,
    )
    query = select(
        *what,
        func.count(),
        func.max(distributions.c.cycle),
        func.sum(distributions.c.total_net),
    ).group_by(*what)
    return [
        CycleFigures(
            baker_id,
            DistributionKind(kind),
            Mode(mode),
            DistributionState(state),
            count,
            newest_cycle,
            Mutez(int(net)),
        )
        for baker_id, kind, mode, state, count, newest_cycle, net in await tx.execute(query)
    ]


async def of_open_payouts(tx: AsyncConnection) -> list[PayoutFigures]:
    """Count and sum every baker's live payouts that are neither paid nor dropped."""
    what = payouts.c.baker_id, payouts.c.state
    query = (
        select(*what, func.count(), func.sum(payouts.c.net))
        # Naming the bakers makes this a look-up for each instead of a walk through all payouts.
        .where(
            payouts.c.baker_id.in_(select(bakers.c.baker_id)),
            payouts.c.mode == Mode.ON,
            payouts.c.state.in_(sorted(OPEN_PAYOUTS)),
        )
        .group_by(*what)
    )
    return [
        PayoutFigures(baker_id, PayoutState(state), count, Mutez(int(net)))
        for baker_id, state, count, net in await tx.execute(query)
    ]


async def of_operations(tx: AsyncConnection) -> list[OperationFigures]:
    """Count every baker's operations by state."""
    what = operations.c.baker_id, operations.c.state
    query = select(*what, func.count()).group_by(*what)
    return [
        OperationFigures(baker_id, OperationState(state), count)
        for baker_id, state, count in await tx.execute(query)
    ]


async def of_open_alerts(tx: AsyncConnection) -> dict[str, int]:
    """Count the open alerts by code."""
    query = (
        select(alerts.c.code, func.count())
        .where(alerts.c.closed_at.is_(None))
        .group_by(alerts.c.code)
    )
    return {code: count for code, count in await tx.execute(query)}  # noqa: C416 - rows are no pairs


async def of_recent_costs(tx: AsyncConnection, cycles: int) -> list[PlannedCycle]:
    """Sum what each of the last so many cycles pays or would pay, by baker and mode.

    Cycles are counted back from the newest of any baker, since all are on one chain.
    """
    what = distributions.c.baker_id, distributions.c.mode, distributions.c.cycle
    newest = select(func.max(distributions.c.cycle)).scalar_subquery()
    query = (
        select(*what, func.sum(distributions.c.total_net))
        .where(
            distributions.c.baker_id.in_(select(bakers.c.baker_id)),
            distributions.c.cycle > newest - cycles,
            distributions.c.total_net > 0,
        )
        .group_by(*what)
    )
    return [
        PlannedCycle(baker_id, Mode(mode), cycle, Mutez(int(net)))
        for baker_id, mode, cycle, net in await tx.execute(query)
    ]
