"""The last cycles of a baker in figures: earned, kept, paid, and what paying cost. Read only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import distribution_lists
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.costs import ChainCost, chain_costs
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.overview import payout_counts, shown_mode
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode, PayoutState
from bakehouse.rewards.money import NO_MUTEZ, Mutez

#: As many as a chart can show.
CYCLES_DEFAULT: Final = 10
CYCLES_MAX: Final = 100

_SETTLED: Final = (PayoutState.PAID, PayoutState.SIMULATED)


@dataclass(frozen=True, slots=True)
class CycleStatistics:
    """One cycle, or the sum of several; amounts in mutez."""

    pool: Mutez
    for_delegators: Mutez
    fees: Mutez
    for_bond_pool: Mutez
    #: What is left to the baker before what paying cost.
    kept: Mutez
    #: Payouts settled, of all that are to be paid with the cycle.
    settled: int
    payouts: int
    transfers: int
    operations: int
    chain_fees: Mutez
    burned: Mutez

    @property
    def chain_cost(self) -> Mutez:
        """Sum what the chain took."""
        return Mutez(self.chain_fees + self.burned)


@dataclass(frozen=True, slots=True)
class PlannedCycle:
    """A cycle that was planned, and its figures."""

    distribution: Distribution
    figures: CycleStatistics

    @property
    def cycle(self) -> int:
        """Give its number."""
        return self.distribution.key.cycle

    @property
    def state(self) -> DistributionState:
        """Give how far its delegators' payment has come."""
        return self.distribution.state


@dataclass(frozen=True, slots=True)
class Statistics:
    """The newest planned cycles of a baker, newest first, with their sum."""

    baker: Baker
    mode: Mode
    cycles: Sequence[PlannedCycle]
    total: CycleStatistics

    @property
    def average_pool(self) -> Mutez | None:
        """What a cycle brings, rounded down; None without any cycle."""
        return self._average(self.total.pool)

    @property
    def average_for_delegators(self) -> Mutez | None:
        """What of it is for delegators, rounded down."""
        return self._average(self.total.for_delegators)

    @property
    def average_kept(self) -> Mutez | None:
        """What of it the baker keeps, rounded down."""
        return self._average(self.total.kept)

    @property
    def cost_per_transfer(self) -> Mutez | None:
        """Divide what the chain took by the transfers, rounded down; None without any."""
        total = self.total
        return Mutez(total.chain_cost // total.transfers) if total.transfers else None

    def _average(self, total: Mutez) -> Mutez | None:
        return Mutez(total // len(self.cycles)) if self.cycles else None


async def statistics_of(tx: AsyncConnection, baker: Baker, count: int) -> Statistics:
    """Read the `count` newest planned cycles, in the mode the baker is in (off: live)."""
    mode = shown_mode(baker)
    # The bond pool's stand between the delegators'.
    found = await distribution_lists.newest_planned(tx, baker.baker_id, mode, 2 * count)
    delegators = [each for each in found if each.key.kind is DistributionKind.DELEGATORS][:count]
    pools = {each.key.cycle: each for each in found if each not in delegators}
    ids = [each.id for each in found]
    counts, costs = await payout_counts(tx, ids), await chain_costs(tx, ids)

    def of_cycle(distribution: Distribution) -> CycleStatistics:
        pool = pools.get(distribution.key.cycle)
        both = [distribution] if pool is None else [distribution, pool]
        by_state = [counts.get(each.id, {}) for each in both]
        cost = [costs.get(each.id, ChainCost()) for each in both]
        figures = distribution.figures
        for_pool = NO_MUTEZ if pool is None else pool.figures.total_net
        return CycleStatistics(
            pool=figures.pool,
            for_delegators=figures.total_net,
            fees=figures.total_fees,
            for_bond_pool=for_pool,
            kept=Mutez(figures.pool - figures.total_net - for_pool),
            settled=sum(states.get(state, 0) for states in by_state for state in _SETTLED),
            payouts=sum(
                number
                for states in by_state
                for state, number in states.items()
                if state is not PayoutState.CARRIED
            ),
            transfers=sum(each.transfers for each in cost),
            operations=sum(each.operations for each in cost),
            chain_fees=Mutez(sum(each.fees for each in cost)),
            burned=Mutez(sum(each.burned for each in cost)),
        )

    cycles = [PlannedCycle(each, of_cycle(each)) for each in delegators]
    return Statistics(baker, mode, cycles, _sum([each.figures for each in cycles]))


def statistics_document(of: Statistics) -> dict[str, Any]:
    """Write statistics as JSON data: amounts are strings of mutez."""
    return {
        "baker": of.baker.baker_id,
        "mode": of.mode.value,
        "cycles": [
            {"cycle": each.cycle, "state": each.state.value, **_figures(each.figures)}
            for each in of.cycles
        ],
        "total": _figures(of.total),
        "cost_per_transfer": None if of.cost_per_transfer is None else str(of.cost_per_transfer),
    }


def _sum(several: Sequence[CycleStatistics]) -> CycleStatistics:
    return CycleStatistics(
        pool=Mutez(sum(each.pool for each in several)),
        for_delegators=Mutez(sum(each.for_delegators for each in several)),
        fees=Mutez(sum(each.fees for each in several)),
        for_bond_pool=Mutez(sum(each.for_bond_pool for each in several)),
        kept=Mutez(sum(each.kept for each in several)),
        settled=sum(each.settled for each in several),
        payouts=sum(each.payouts for each in several),
        transfers=sum(each.transfers for each in several),
        operations=sum(each.operations for each in several),
        chain_fees=Mutez(sum(each.chain_fees for each in several)),
        burned=Mutez(sum(each.burned for each in several)),
    )


def _figures(figures: CycleStatistics) -> dict[str, Any]:
    return {
        "pool": str(figures.pool),
        "for_delegators": str(figures.for_delegators),
        "for_bond_pool": str(figures.for_bond_pool),
        "fees": str(figures.fees),
        "kept": str(figures.kept),
        "payouts": figures.payouts,
        "settled": figures.settled,
        "transfers": figures.transfers,
        "operations": figures.operations,
        "chain_fees": str(figures.chain_fees),
        "burned": str(figures.burned),
    }
