"""The way of one cycle's payment in steps, as a timeline draws it. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.states import SETTLED_DISTRIBUTIONS, DistributionState, Mode

_LIVE: Final = (
    DistributionState.SEEN,
    DistributionState.REWARDS_PENDING,
    DistributionState.PLANNED,
    DistributionState.PAYING,
    DistributionState.PAID,
)
_SIMULATED: Final = (*_LIVE[:3], DistributionState.SIMULATED)


class Standing(StrEnum):
    """Where a step is, seen from now."""

    DONE = "done"
    NOW = "now"
    HELD = "held"
    FAILED = "failed"
    AHEAD = "ahead"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way."""

    state: DistributionState
    standing: Standing


def steps_of(distribution: Distribution, held: int) -> list[Step]:
    """Give every step; `held` counts the payouts that wait for a person."""
    way = _SIMULATED if distribution.key.mode is Mode.SIMULATION else _LIVE
    reached = _reached(distribution, way)
    return [
        Step(state, _standing(distribution, index, reached, held))
        for index, state in enumerate(way)
    ]


def _reached(distribution: Distribution, way: tuple[DistributionState, ...]) -> int:
    if distribution.state in way:
        return way.index(distribution.state)
    # Failed: while it was paid (or worked out), or before there was a plan.
    return len(way) - 2 if distribution.is_planned else 1


def _standing(distribution: Distribution, index: int, reached: int, held: int) -> Standing:
    if index != reached:
        return Standing.DONE if index < reached else Standing.AHEAD
    if distribution.state is DistributionState.FAILED:
        return Standing.FAILED
    if held:
        return Standing.HELD
    return Standing.DONE if distribution.state in SETTLED_DISTRIBUTIONS else Standing.NOW
