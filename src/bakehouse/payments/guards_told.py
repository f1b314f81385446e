"""What became of each guard, as far as the ledger tells. Pure: nothing is asked again here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode
from bakehouse.payments.guard import Guard

#: In the order in which they are asked, and what each has made sure of once it passed.
MEANINGS: Final[Mapping[Guard, str]] = MappingProxyType(
    {
        Guard.SOURCES_AGREE: "node and indexer tell the same history",
        Guard.FIRST_CYCLE: "the first live cycle was let go by a person",
        Guard.ADDS_UP: "the payouts are what the plan said",
        Guard.WITHIN_EARNED: "no more is paid than the cycle brought",
        Guard.CYCLE_CAP: "nor than the baker allows for a cycle",
        Guard.REACHES_BLOCKS: "groups do not expire one after another",
        Guard.DISK_SPACE: "what becomes of a group can be written down",
        Guard.PAYOUT_CAP: "nobody gets more than the baker allows for one",
        Guard.CONTRACT_COST_CAP: "no transfer to a contract costs more than the baker allows",
        Guard.NOT_PAID_ELSEWHERE: "no other tool has paid the same people",
        Guard.BALANCE_COVERS: "the wallet covers payouts, fees and burns",
        Guard.SIMULATION: "the node would apply the group",
    }
)


class Outcome(StrEnum):
    """What became of a guard."""

    PASSED = "passed"
    REFUSED = "refused"
    AHEAD = "ahead"


@dataclass(frozen=True, slots=True)
class GuardTold:
    """A guard and what became of it."""

    guard: Guard
    outcome: Outcome
    meaning: str


def guards_told(distribution: Distribution, signed: Sequence[Operation]) -> list[GuardTold]:
    """Tell of each guard whether it passed; nothing is signed before all of them have.

    A simulation is only asked whether the sources agree, a bond pool everything but that.
    """
    asked = [guard for guard in MEANINGS if _is_asked(guard, distribution)]
    refused = _refused(distribution)
    if refused in asked:
        passed = asked.index(refused)
    elif signed:
        passed = len(asked)
    else:
        passed = int(distribution.is_planned and Guard.SOURCES_AGREE in asked)
    return [
        GuardTold(guard, _outcome(index, passed, guard is refused), MEANINGS[guard])
        for index, guard in enumerate(asked)
    ]


def _is_asked(guard: Guard, distribution: Distribution) -> bool:
    if guard is Guard.SOURCES_AGREE:
        return distribution.key.kind is DistributionKind.DELEGATORS
    return distribution.key.mode is Mode.ON


def _refused(distribution: Distribution) -> Guard | None:
    if distribution.state is not DistributionState.FAILED:
        return None
    # A guard's message begins with its name.
    name, _, _ = (distribution.message or "").partition(":")
    return Guard(name) if name in list(Guard) else None


def _outcome(index: int, passed: int, is_refused: bool) -> Outcome:  # noqa: FBT001 - one fact
    if is_refused:
        return Outcome.REFUSED
    return Outcome.PASSED if index < passed else Outcome.AHEAD
