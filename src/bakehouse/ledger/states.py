"""States of everything that moves, and the only moves there are: data for code, SQL and docs."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Mode(StrEnum):
    """What a baker lets Bakehouse do."""

    OFF = "off"
    SIMULATION = "simulation"
    ON = "on"


class DistributionKind(StrEnum):
    """Who a distribution is for."""

    DELEGATORS = "delegators"
    BOND_POOL = "bond_pool"


class DistributionState(StrEnum):
    """How far one cycle's distribution has come."""

    SEEN = "seen"  # -> rewards_pending: the cycle is over
    REWARDS_PENDING = "rewards_pending"  # -> planned: rewards are final and were read
    PLANNED = "planned"  # -> paying | simulated
    PAYING = "paying"  # -> paid: every payout is settled
    PAID = "paid"
    SIMULATED = "simulated"
    FAILED = "failed"  # -> rewards_pending | planned | paying: a person or a retry goes on


class PayoutState(StrEnum):
    """What became of one payout."""

    OWED = "owed"  # -> assigned | held
    ASSIGNED = "assigned"  # -> paid | owed (its operation is dead) | held (its transfer failed)
    PAID = "paid"
    CARRIED = "carried"  # -> owed: a later cycle lifted the sum over the minimum
    HELD = "held"  # -> owed: a person decided
    SIMULATED = "simulated"


class OperationState(StrEnum):
    """Where one signed operation group is."""

    SIGNED = "signed"  # -> injected: about to be sent for the first time
    INJECTED = "injected"  # -> included | dead
    INCLUDED = "included"  # -> final | injected (a reorganisation took it out)
    FINAL = "final"
    DEAD = "dead"


def _moves(table: dict[StrEnum, set[StrEnum]]) -> Mapping[str, frozenset[str]]:
    return MappingProxyType(
        {str(left): frozenset(map(str, entered)) for left, entered in table.items()}
    )


DISTRIBUTION_MOVES = _moves(
    {
        DistributionState.SEEN: {DistributionState.REWARDS_PENDING, DistributionState.FAILED},
        DistributionState.REWARDS_PENDING: {DistributionState.PLANNED, DistributionState.FAILED},
        DistributionState.PLANNED: {
            DistributionState.PAYING,
            DistributionState.SIMULATED,
            DistributionState.FAILED,
        },
        DistributionState.PAYING: {DistributionState.PAID, DistributionState.FAILED},
        DistributionState.PAID: set(),
        DistributionState.SIMULATED: set(),
        DistributionState.FAILED: {
            DistributionState.REWARDS_PENDING,
            DistributionState.PLANNED,
            DistributionState.PAYING,
        },
    }
)

PAYOUT_MOVES = _moves(
    {
        PayoutState.OWED: {PayoutState.ASSIGNED, PayoutState.HELD},
        PayoutState.ASSIGNED: {PayoutState.PAID, PayoutState.OWED, PayoutState.HELD},
        PayoutState.PAID: set(),
        PayoutState.CARRIED: {PayoutState.OWED, PayoutState.SIMULATED},
        PayoutState.HELD: {PayoutState.OWED},
        PayoutState.SIMULATED: set(),
    }
)

OPERATION_MOVES = _moves(
    {
        OperationState.SIGNED: {OperationState.INJECTED, OperationState.DEAD},
        OperationState.INJECTED: {OperationState.INCLUDED, OperationState.DEAD},
        OperationState.INCLUDED: {OperationState.FINAL, OperationState.INJECTED},
        OperationState.FINAL: set(),
        OperationState.DEAD: set(),
    }
)

#: Moves by table name, as the migrations turn them into triggers.
MOVES: Mapping[str, Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "distributions": DISTRIBUTION_MOVES,
        "payouts": PAYOUT_MOVES,
        "operations": OPERATION_MOVES,
    }
)

#: A distribution in one of these needs nothing more.
SETTLED_DISTRIBUTIONS = frozenset({DistributionState.PAID, DistributionState.SIMULATED})

#: Signed and not yet in a block: at most one such group per source.
IN_FLIGHT = frozenset({OperationState.SIGNED, OperationState.INJECTED})
