"""All bakers at a glance: what was paid last, what is under way, what waits. Read only.

A few statements for everybody, however many bakers there are.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import bakers, distributions
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.cycle_costs import expected_costs, newest_settled
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.payout_sums import settled_sums
from bakehouse.ledger.schema import bakers as bakers_table
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


def shown_mode(baker: Baker) -> Mode:
    """Give the mode whose distributions tell how a baker does: of one that is off, live."""
    return Mode.SIMULATION if baker.mode is Mode.SIMULATION else Mode.ON


async def overview(tx: AsyncConnection, baker_id: str | None = None) -> list[BakerOverview]:
    """Give every baker at a glance in the order they came, or only one."""
    everyone = await bakers.everyone(tx) if baker_id is None else await _only(tx, baker_id)
    settled = {each.key.baker_id: each for each in await _last_settled(tx, baker_id)}
    waiting = _by_baker(everyone, await distributions.unsettled(tx, baker_id))
    planned = [each for several in waiting.values() for each in several if each.is_planned]
    counts = await payout_counts(tx, [each.id for each in (*settled.values(), *planned)])
    sums = await settled_sums(tx, [each.id for each in (*settled.values(), *planned)])
    costs = await expected_costs(tx, baker_id)
    failed = await _failed(tx)
    held = await _held(tx)
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
        for baker in everyone
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


async def _only(tx: AsyncConnection, baker_id: str) -> list[Baker]:
    found = await bakers.find(tx, baker_id)
    return [] if found is None else [found]


async def _last_settled(tx: AsyncConnection, baker_id: str | None) -> list[Distribution]:
    simulates = bakers_table.c.mode == Mode.SIMULATION
    mode = case((simulates, Mode.SIMULATION.value), else_=Mode.ON.value)
    return await distributions.by_ids(tx, await newest_settled(tx, mode, baker_id))


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


async def _failed(tx: AsyncConnection) -> Counter[tuple[str, str]]:
    table = distributions_table
    rows = await tx.execute(
        select(table.c.baker_id, table.c.mode, func.count())
        .where(table.c.state == DistributionState.FAILED)
        .group_by(table.c.baker_id, table.c.mode)
    )
    return Counter({(baker_id, Mode(mode)): count for baker_id, mode, count in rows})


async def _held(tx: AsyncConnection) -> Counter[str]:
    # Each baker by name: so the index of states is used.
    query = select(payouts.c.baker_id, func.count()).where(
        payouts.c.baker_id.in_(select(bakers_table.c.baker_id)),
        payouts.c.mode == Mode.ON,
        payouts.c.state == PayoutState.HELD,
    )
    return Counter(await _by_key(tx, query.group_by(payouts.c.baker_id)))


async def _by_key(tx: AsyncConnection, query: Select[Any]) -> dict[str, int]:
    return {key: int(number) for key, number in await tx.execute(query)}
