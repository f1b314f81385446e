"""The proof refuses a plan in which a single mutez is out of place."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bakehouse.errors import RefusalError
from bakehouse.rewards.cycle_rewards import CycleRewards
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.rewards.payout_rules import PayoutRules
from bakehouse.rewards.plan import plan_payouts
from bakehouse.rewards.plan_values import PayoutPlan
from bakehouse.rewards.proof import prove

CycleOf = Callable[..., CycleRewards]


@pytest.fixture
def plan(cycle_of: CycleOf) -> PayoutPlan:
    """Own part 33, one payout of 29 and a fee of 4 twice, a dust of 1; pool 100."""
    cycle = cycle_of(pool=100, own=1, balances=[1, 1])
    return plan_payouts(cycle, PayoutRules(BasisPoints(1000)))


def shift(plan: PayoutPlan, **mutez: int) -> PayoutPlan:
    """Move whole mutez between the totals of a plan."""
    moved: dict[str, Any] = {name: getattr(plan, name) + by for name, by in mutez.items()}
    return replace(plan, **moved)


def test_a_true_plan_is_proven(plan: PayoutPlan) -> None:
    prove(plan)


@pytest.mark.parametrize(
    ("shifts", "complaint"),
    [
        ({"total_net": 1}, "payouts add up to 58 mutez, not to 59"),
        ({"total_net": -1, "dust": 1}, "payouts add up to 58 mutez, not to 57"),
        ({"pool": 1}, "the parts add up to 100 mutez, the pool is 101"),
        ({"own_part": 1}, "the parts add up to 101 mutez, the pool is 100"),
        ({"total_fees": -1}, "the parts add up to 99 mutez, the pool is 100"),
        ({"dust": -1}, "the parts add up to 99 mutez, the pool is 100"),
        ({"dust": -2, "own_part": 2}, "dust -1 mutez is out of bounds"),
        ({"dust": 2, "own_part": -2}, "dust 3 mutez is out of bounds"),
        (
            {"own_part": -34, "total_fees": 34},
            "own part -1, fees 42 or dust 1 mutez is out of bounds",
        ),
        ({"own_part": 9, "total_fees": -9}, "own part 42, fees -1 or dust 1 mutez is out"),
        ({"excluded_kept": 1, "own_part": -1}, "excluded shares do not add up to 1 mutez"),
        ({"pool": -101, "own_part": -101}, "a pool of -1 mutez is negative"),
    ],
)
def test_a_total_that_is_off_is_named(
    plan: PayoutPlan, shifts: dict[str, int], complaint: str
) -> None:
    with pytest.raises(RefusalError, match=complaint):
        prove(shift(plan, **shifts))


def test_a_dust_that_rounding_could_leave_is_proven(plan: PayoutPlan) -> None:
    prove(shift(plan, dust=-1, own_part=1))


def test_zero_payouts_may_have_left_dust_too(plan: PayoutPlan) -> None:
    prove(shift(plan, dust=2, own_part=-2, zero_payouts=2, shares_rounded=2))


@pytest.mark.parametrize(
    ("gross", "fee", "net"),
    [(34, 4, 29), (33, 5, 29), (25, -4, 29)],
)
def test_a_row_that_does_not_add_up_is_named(
    plan: PayoutPlan, gross: int, fee: int, net: int
) -> None:
    first, second = plan.payouts
    wrong = replace(first, gross=Mutez(gross), fee=Mutez(fee), net=Mutez(net))

    with pytest.raises(RefusalError, match="the payout of d0 does not add up"):
        prove(replace(plan, payouts=(wrong, second)))


def test_a_negative_payout_hidden_among_others_is_named(plan: PayoutPlan) -> None:
    first, second = plan.payouts
    wrong = replace(first, gross=Mutez(3), fee=Mutez(4), net=Mutez(-1))
    richer = replace(second, gross=Mutez(63), net=Mutez(59))

    with pytest.raises(RefusalError, match="the payout of d0 does not add up"):
        prove(replace(plan, payouts=(wrong, richer)))
