"""What waits, for which reason, and until when: intervals, minimums, costs, and who has left."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.rewards.cycle_rewards import CycleRewards
from bakehouse.rewards.money import NO_SHARE, Mutez
from bakehouse.rewards.payout_rules import CostBearer, DelegatorRule, Leavers, PayoutRules
from bakehouse.rewards.plan import plan_payouts
from bakehouse.rewards.plan_values import TransferCosts

CycleOf = Callable[..., CycleRewards]
COSTS = TransferCosts(fee=Mutez(400), burn=Mutez(64_250))
DELEGATOR = CostBearer.DELEGATOR


def rules(**settings: Any) -> PayoutRules:
    return PayoutRules(NO_SHARE, **settings)


@pytest.mark.parametrize(
    ("interval", "offset", "paying"),
    [(1, 0, {0, 1, 2, 3, 4, 5, 6, 7}), (3, 0, {0, 3, 6}), (3, 2, {2, 5}), (10, 7, {7})],
)
def test_cycles_are_paid_whose_number_leaves_the_offset(
    cycle_of: CycleOf, interval: int, offset: int, paying: set[int]
) -> None:
    some = rules(payout_interval=interval, interval_offset=offset)
    cycles = [replace(cycle_of(pool=9, own=0, balances=[1]), cycle=number) for number in range(8)]

    reasons = [plan_payouts(cycle, some).payouts[0].carry_reason for cycle in cycles]

    assert {number for number, reason in enumerate(reasons) if reason is None} == paying
    assert {reason for reason in reasons if reason} <= {"not-a-paying-cycle"}


def test_three_cycles_in_one_transfer_are_the_sum_of_three(cycle_of: CycleOf) -> None:
    every_third = rules(payout_interval=3, interval_offset=2)
    carried: dict[str, Mutez] = {"gone": Mutez(4)}
    due = []
    for number in range(3):
        cycle = replace(cycle_of(pool=10 + number, own=0, balances=[1]), cycle=number)
        plan = plan_payouts(cycle, every_third, carried)
        due.append(plan.total_due_now)
        carried = {"d0": plan.payouts[0].due, "gone": Mutez(4)}

    assert due == [0, 0, 10 + 11 + 12 + 4]


@pytest.mark.parametrize(
    ("pool", "reason"), [(1_199, "below-minimum"), (1_200, None), (10**9, None)]
)
def test_a_payout_is_sent_that_is_worth_so_many_fees(
    cycle_of: CycleOf, pool: int, reason: str | None
) -> None:
    cycle = cycle_of(pool=pool, own=0, balances=[1])

    [row] = plan_payouts(cycle, rules(minimum_fee_multiple=3), costs=COSTS).payouts

    assert row.carry_reason == reason


@pytest.mark.parametrize(
    ("settings", "is_emptied", "borne"),
    [
        ({}, True, 0),
        ({"transfer_fee_payer": DELEGATOR}, True, 400),
        ({"burn_payer": DELEGATOR}, False, 0),
        ({"burn_payer": DELEGATOR}, True, 64_250),
        ({"transfer_fee_payer": DELEGATOR, "burn_payer": DELEGATOR}, True, 64_650),
        # A single rule says otherwise.
        (
            {
                "transfer_fee_payer": DELEGATOR,
                "delegators": {"d0": DelegatorRule(transfer_fee_payer=CostBearer.BAKER)},
            },
            False,
            0,
        ),
        ({"delegators": {"d0": DelegatorRule(burn_payer=DELEGATOR)}}, True, 64_250),
        # It is another account that is paid, of which nothing is known.
        (
            {"delegators": {"d0": DelegatorRule(burn_payer=DELEGATOR, recipient="vault")}},
            True,
            0,
        ),
    ],
)
def test_what_a_delegator_bears_is_foreseen_and_nothing_is_sent_that_it_would_eat_up(
    cycle_of: CycleOf, settings: dict[str, Any], *, is_emptied: bool, borne: int
) -> None:
    def planned(pool: int) -> tuple[int, str | None]:
        cycle = cycle_of(pool=pool, own=0, balances=[1])
        delegators = tuple(replace(each, emptied=is_emptied) for each in cycle.delegators)
        cycle = replace(cycle, delegators=delegators)
        [row] = plan_payouts(cycle, rules(**settings), costs=COSTS).payouts
        return row.cost_borne, row.carry_reason

    assert planned(max(borne, 1)) == (borne, "below-its-cost" if borne else None)
    assert planned(borne + 1) == (borne, None)


LEFT = {"gone": Mutez(1_199), "lender": Mutez(1_199)}


@pytest.mark.parametrize(
    ("settings", "released"),
    [
        ({}, {"gone", "lender"}),
        ({"minimum_payout": Mutez(1_199)}, {"gone", "lender"}),
        ({"minimum_payout": Mutez(1_200)}, set()),
        ({"minimum_fee_multiple": 3}, set()),
        ({"minimum_payout": Mutez(1_200), "leavers": Leavers.PAY}, {"gone"}),
        ({"minimum_fee_multiple": 3, "leavers": Leavers.PAY}, {"gone"}),
        ({"payout_interval": 1_000, "leavers": Leavers.PAY}, set()),
    ],
)
def test_who_has_left_is_kept_waiting_for_the_same_minimum_or_paid_at_once(
    cycle_of: CycleOf, settings: dict[str, Any], released: set[str]
) -> None:
    cycle = cycle_of(pool=0, own=0, balances=[])

    plan = plan_payouts(cycle, rules(**settings), LEFT, COSTS, frozenset({"lender"}))

    assert set(plan.released) == released
    assert plan.total_due_now == 1_199 * len(released)


@given(
    net=st.integers(0, 2_000),
    carried=st.integers(0, 2_000),
    minimum=st.integers(0, 2_000),
    multiple=st.integers(0, 4),
    bears=st.booleans(),
)
def test_the_sum_and_nothing_else_decides_what_waits(  # noqa: PLR0913 -- all rules of it
    cycle_of: CycleOf, *, net: int, carried: int, minimum: int, multiple: int, bears: bool
) -> None:
    some = rules(
        minimum_payout=Mutez(minimum),
        minimum_fee_multiple=multiple,
        transfer_fee_payer=DELEGATOR if bears else CostBearer.BAKER,
    )
    cycle = cycle_of(pool=net, own=0, balances=[1])

    plan = plan_payouts(cycle, some, {"d0": Mutez(carried)}, COSTS)

    is_sent = net + carried >= max(minimum, multiple * 400) and (not bears or net + carried > 400)
    assert plan.total_due_now == (net + carried if is_sent else 0)
