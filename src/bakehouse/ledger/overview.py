"""Bakers at a glance: what was paid last, what is under way, what waits. Read only.

A few statements, however many bakers there are.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Column, ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import bakers, distributions
from bakehouse.ledger.baker_tables import bakers as bakers_table
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.cycle_costs import expected_costs, newest_settled
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.payout_sums import settled_sums
from bakehouse.ledger.schema import distributions as distributions_table
from bakehouse.ledger.schema import payouts
from bakehouse.ledger.statement_parts import in_parts
from bakehouse.ledger.states import (
    DistributionState,
    Mode,
    PayoutState,
)
from bakehouse.rewards.money import NO_MUTEZ, Mutez

#: Payouts in these need nothing more of the distribution that pays them.
_SETTLED_PAYOUTS: Final = (PayoutState.PAID, PayoutState.SIMULATED)


#: A distribution's payouts in each state. Each by itself: rows that are only counted take half of
#: what grouping them does.
_COUNTED: Final = tuple(
    select(func.count())
    .where(payouts.c.paid_with_id == distributions_table.c.id, payouts.c.state == state)
    .scalar_subquery()
    for state in PayoutState
)


@dataclass(frozen=True, slots=True)
class Counted:
    """A distribution with how many of its payouts are settled, of how many."""

    distribution: Distribution
    settled: int
    total: int
    #: What of it has arrived, or was simulated, in mutez.
    settled_mutez: Mutez


@dataclass(frozen=True, slots=True)
class BakerOverview:
    """One baker in the mode it is in (of one that is off: live)."""

    baker: Baker
    #: The last cycle whose delegators were paid, or simulated for a baker in simulation.
    last_settled: Counted | None
    #: What the next cycle is expected to take from the wallet: what the last one did, with fees.
    last_cost: Mutez | None
    #: Distributions that failed and wait for a person.
    failed: int
    #: Distributions that wait for their turn or are being paid.
    waiting: int
    under_way: Sequence[Counted]
    #: Payouts that wait for a person.
    held: int

    @property
    def needs_a_person(self) -> bool:
        """Whether something of it goes on only when a person decides."""
        return bool(self.failed or self.held)

    def cycles_covered(self, balance: Mutez) -> int | None:
        """Tell how many more cycles like the last one a wallet pays; None if nobody knows."""
        return balance // self.last_cost if self.last_cost else None


@dataclass(frozen=True, slots=True)
class Called:
    """A baker by its name alone, and whether something of it waits for a person."""

    baker_id: str
    needs_a_person: bool


def shown_mode(baker: Baker) -> Mode:
    """Give the mode whose distributions tell how a baker does: of one that is off, live."""
    return _shown(baker.mode)


def _shown(mode: Mode) -> Mode:
    return Mode.SIMULATION if mode is Mode.SIMULATION else Mode.ON


async def roll_call(tx: AsyncConnection) -> list[Called]:
    """Name every baker: first those that need a person, then the others in the order they came."""
    failed, held = await _failed(tx), await _held(tx)
    query = select(bakers_table.c.baker_id, bakers_table.c.mode)
    rows = await tx.execute(query.order_by(bakers_table.c.created_at, bakers_table.c.baker_id))
    called = [
        Called(baker_id, bool(failed[baker_id, _shown(Mode(mode))] or held[baker_id]))
        for baker_id, mode in rows
    ]
    return sorted(called, key=lambda each: not each.needs_a_person)


async def overview(tx: AsyncConnection, baker_ids: Sequence[str]) -> list[BakerOverview]:
    """Give these bakers at a glance, in their order; what is not registered is left out."""
    wanted = await bakers.named(tx, baker_ids)
    ids = [baker.baker_id for baker in wanted]
    if not ids:
        return []
    settled = {each.key.baker_id: each for each in await _last_settled(tx, ids)}
    waiting = _by_baker(wanted, await distributions.unsettled(tx, *ids))
    planned = [each for several in waiting.values() for each in several if each.is_planned]
    counts = await payout_counts(tx, [each.id for each in (*settled.values(), *planned)])
    sums = await settled_sums(tx, [each.id for each in (*settled.values(), *planned)])
    costs = await expected_costs(tx, *ids)
    failed = await _failed(tx, ids)
    held = await _held(tx, ids)
    return [
        BakerOverview(
            baker=baker,
            last_settled=_counted(settled.get(baker.baker_id), counts, sums),
            last_cost=costs.get(baker.baker_id),
            failed=failed[baker.baker_id, shown_mode(baker)],
            waiting=len(waiting[baker.baker_id]),
            under_way=[
                counted
                for each in waiting[baker.baker_id]
                if each.is_planned and (counted := _counted(each, counts, sums))
            ],
            held=held[baker.baker_id],
        )
        for baker in wanted
    ]


def _by_baker(
    everyone: Sequence[Baker], found: Sequence[Distribution]
) -> Mapping[str, list[Distribution]]:
    modes = {baker.baker_id: shown_mode(baker) for baker in everyone}
    by_baker: dict[str, list[Distribution]] = {baker_id: [] for baker_id in modes}
    for each in found:
        if modes.get(each.key.baker_id) is each.key.mode:
            by_baker[each.key.baker_id].append(each)
    return by_baker


def _counted(
    distribution: Distribution | None,
    counts: Mapping[int, Mapping[PayoutState, int]],
    sums: Mapping[int, Mutez],
) -> Counted | None:
    if distribution is None:
        return None
    by_state = counts[distribution.id]
    settled = sum(by_state.get(state, 0) for state in _SETTLED_PAYOUTS)
    carried = by_state.get(PayoutState.CARRIED, 0)
    total = sum(by_state.values()) - carried
    return Counted(distribution, settled, total, sums.get(distribution.id, NO_MUTEZ))


async def _last_settled(tx: AsyncConnection, ids: Sequence[str]) -> list[Distribution]:
    simulates = bakers_table.c.mode == Mode.SIMULATION
    mode = case((simulates, Mode.SIMULATION.value), else_=Mode.ON.value)
    return await distributions.by_ids(tx, await newest_settled(tx, mode, *ids))


async def payout_counts(
    tx: AsyncConnection, ids: Sequence[int]
) -> Mapping[int, Mapping[PayoutState, int]]:
    """Count what distributions pay, by their ids and by state; an index alone tells it."""
    counts: dict[int, dict[PayoutState, int]] = {}
    for part in in_parts(ids):
        query = select(distributions_table.c.id, *_COUNTED).where(
            distributions_table.c.id.in_(part)
        )
        for key, *numbers in await tx.execute(query):
            counts[key] = {
                state: number for state, number in zip(PayoutState, numbers, strict=True) if number
            }
    return counts


async def _failed(
    tx: AsyncConnection, ids: Sequence[str] | None = None
) -> Counter[tuple[str, str]]:
    table = distributions_table
    query = select(table.c.baker_id, table.c.mode, func.count()).where(
        _among(table.c.baker_id, ids), table.c.state == DistributionState.FAILED
    )
    rows = await tx.execute(query.group_by(table.c.baker_id, table.c.mode))
    return Counter({(baker_id, Mode(mode)): count for baker_id, mode, count in rows})


async def _held(tx: AsyncConnection, ids: Sequence[str] | None = None) -> Counter[str]:
    query = select(payouts.c.baker_id, func.count()).where(
        _among(payouts.c.baker_id, ids),
        payouts.c.mode == Mode.ON,
        payouts.c.state == PayoutState.HELD,
    )
    rows = await tx.execute(query.group_by(payouts.c.baker_id))
    return Counter({baker_id: count for baker_id, count in rows})  # noqa: C416 - rows are no pairs


def _among(column: Column[str], ids: Sequence[str] | None) -> ColumnElement[bool]:
    # Each baker by name: so the index of states is used.
    return column.in_(select(bakers_table.c.baker_id) if ids is None else ids)
