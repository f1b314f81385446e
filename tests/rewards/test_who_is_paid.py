"""Who is excluded and why, and where the share goes: one small example for each rule."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bakehouse.rewards.cycle_rewards import CycleRewards, DelegatorBalance
from bakehouse.rewards.money import NO_SHARE, BasisPoints, Mutez
from bakehouse.rewards.payout_rules import (
    DelegatorRule,
    ExcludedShare,
    IncomeShare,
    Listing,
    PayoutRules,
)
from bakehouse.rewards.plan import plan_payouts
from bakehouse.rewards.plan_values import PayoutPlan

CycleOf = Callable[..., CycleRewards]
BAKER, EVERYONE, NAMED = ExcludedShare.BAKER, ExcludedShare.EVERYONE, ExcludedShare.NAMED
IGNORED = DelegatorRule(listing=Listing.IGNORED)
TWO_NAMED = (
    IncomeShare("n0", of_excluded=BasisPoints(6_667)),
    IncomeShare("n1", of_excluded=BasisPoints(3_333)),
)


@pytest.fixture
def cycle(cycle_of: CycleOf) -> CycleRewards:
    """A pool of 1,000 for balances of 100 of the baker, 500, 300 and 100."""
    return cycle_of(pool=1_000, own=100, balances=[500, 300, 100])


def rules(fee: int = 0, **settings: Any) -> PayoutRules:
    return PayoutRules(BasisPoints(fee), **settings)


def nets(plan: PayoutPlan) -> dict[str, int]:
    return {row.recipient: row.net for row in plan.payouts}


def reasons(plan: PayoutPlan) -> dict[str, str]:
    return {each.recipient: each.reason.value for each in plan.exclusions}


def test_the_share_of_who_is_ignored_stays_with_the_baker_without_a_fee(
    cycle: CycleRewards,
) -> None:
    plan = plan_payouts(cycle, rules(1_000, delegators={"d1": IGNORED}))

    assert nets(plan) == {"d0": 450, "d2": 90}
    assert (plan.own_part, plan.total_fees, plan.excluded_kept) == (100, 60, 300)
    [one] = plan.exclusions
    assert (one.recipient, one.delegated_balance, one.gross) == ("d1", 300, 300)
    assert (one.reason, one.share_goes_to) == ("ignored", BAKER)
    assert plan.baker_share == 100 + 60 + 300


def test_a_share_for_everyone_lets_all_others_grow_the_baker_too(cycle: CycleRewards) -> None:
    plan = plan_payouts(cycle, rules(excluded_share=EVERYONE, delegators={"d1": IGNORED}))

    # 700 are left: a seventh is the baker's, and of the other 858 a sixth the smaller one's.
    assert plan.own_part == 142
    assert nets(plan) == {"d0": 715, "d2": 143}
    assert (plan.exclusions[0].gross, plan.excluded_kept, plan.dust) == (0, 0, 0)


def test_a_share_for_named_addresses_is_divided_and_what_rounding_leaves_is_dust(
    cycle: CycleRewards,
) -> None:
    plan = plan_payouts(
        cycle, rules(5_000, excluded_share=NAMED, income=TWO_NAMED, delegators={"d2": IGNORED})
    )

    # 66.67 and 33.33 of 100.
    assert nets(plan) == {"d0": 250, "d1": 150, "n0": 66, "n1": 33}
    assert (plan.excluded_kept, plan.dust) == (0, 1)
    assert {row.kind for row in plan.payouts if row.recipient in {"n0", "n1"}} == {"excluded-share"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"minimum_balance": Mutez(100)}, {}),
        ({"minimum_balance": Mutez(101)}, {"d2": "below-minimum-balance"}),
        (
            {
                "minimum_balance": Mutez(101),
                "delegators": {
                    "d1": DelegatorRule(minimum_balance=Mutez(301)),
                    "d2": DelegatorRule(minimum_balance=Mutez(0)),
                },
            },
            {"d1": "below-minimum-balance"},
        ),
        (
            {"only_allowed": True, "delegators": {"d0": DelegatorRule(listing=Listing.ALLOWED)}},
            {"d1": "not-allowed", "d2": "not-allowed"},
        ),
        ({"pay_emptied": False}, {"d0": "emptied"}),
        # The first that holds is told.
        (
            {"only_allowed": True, "minimum_balance": Mutez(10**6), "delegators": {"d0": IGNORED}},
            {"d0": "ignored", "d1": "not-allowed", "d2": "not-allowed"},
        ),
        (
            {"minimum_balance": Mutez(10**6), "pay_emptied": False},
            dict.fromkeys(("d0", "d1", "d2"), "below-minimum-balance"),
        ),
    ],
)
def test_each_reason_is_named(
    cycle: CycleRewards, settings: dict[str, Any], expected: dict[str, str]
) -> None:
    first, *others = cycle.delegators
    cycle = replace(cycle, delegators=(replace(first, emptied=True), *others))

    plan = plan_payouts(cycle, rules(**settings))

    assert reasons(plan) == expected
    assert plan.excluded_kept == sum(each.gross for each in plan.exclusions)
    assert nets(plan).keys() == {"d0", "d1", "d2"} - expected.keys()


def test_those_below_the_minimum_have_a_rule_of_their_own_and_a_single_one_another(
    cycle: CycleRewards,
) -> None:
    plan = plan_payouts(
        cycle,
        rules(
            minimum_balance=Mutez(400),
            below_minimum_share=EVERYONE,
            income=TWO_NAMED,
            delegators={"d0": IGNORED, "d2": DelegatorRule(excluded_share=NAMED)},
        ),
    )

    assert {each.recipient: each.share_goes_to for each in plan.exclusions} == {
        "d0": BAKER,
        "d1": EVERYONE,
        "d2": NAMED,
    }


def test_only_so_much_of_a_balance_counts_and_all_others_grow(cycle: CycleRewards) -> None:
    at_most = DelegatorRule(maximum_balance=Mutez(100))

    single = plan_payouts(cycle, rules(delegators={"d0": at_most}))
    for_all = plan_payouts(cycle, rules(maximum_balance=Mutez(100)))

    # 100 + 100 + 300 + 100 count; 167 of the pool are the baker's, 833 for the others.
    assert single.own_part == 1_000 * 100 // 600
    assert nets(single) == {"d0": 166, "d1": 500, "d2": 166}
    assert [row.delegated_balance for row in single.payouts] == [500, 300, 100]
    assert for_all.own_part == 250
    assert set(nets(for_all).values()) == {250}


def test_a_supporter_is_somebody_with_a_fee_of_0(cycle: CycleRewards) -> None:
    plan = plan_payouts(cycle, rules(2_000, fees={"d1": NO_SHARE}))

    assert nets(plan) == {"d0": 400, "d1": 300, "d2": 80}


def test_when_nobody_counts_the_baker_has_all(cycle: CycleRewards) -> None:
    plan = plan_payouts(cycle, rules(only_allowed=True, excluded_share=EVERYONE))

    assert (plan.own_part, plan.total_net, plan.baker_share) == (1_000, 0, 1_000)
    assert len(plan.exclusions) == 3


def test_what_waits_for_who_is_excluded_goes_on_waiting_however_much_it_is(
    cycle: CycleRewards,
) -> None:
    excluding = rules(delegators={"d1": IGNORED})
    carried = {"d1": Mutez(10**9)}

    away = plan_payouts(cycle, excluding, carried)
    still_a_member = plan_payouts(cycle, excluding, carried, staying=frozenset({"d1"}))
    let_in_again = plan_payouts(cycle, rules(), carried)

    assert away.released == {}
    assert away.total_due_now == away.total_net
    # In another role than that of a delegator it is owed as before.
    assert still_a_member.released == carried
    assert let_in_again.total_due_now == let_in_again.total_net + 10**9


def test_who_is_excluded_and_has_an_income_share_is_paid_all_it_is_owed(
    cycle: CycleRewards,
) -> None:
    share = IncomeShare("d1", of_bonds=BasisPoints(5_000))
    plan = plan_payouts(cycle, rules(delegators={"d1": IGNORED}, income=(share,)), {"d1": Mutez(7)})

    [row] = [row for row in plan.payouts if row.recipient == "d1"]
    assert (row.kind, row.net, row.carried_in, row.due) == ("bond-share", 50, 7, 57)


def test_an_emptied_account_is_paid_unless_told_otherwise(cycle: CycleRewards) -> None:
    emptied = replace(
        cycle, delegators=tuple(replace(each, emptied=True) for each in cycle.delegators)
    )

    assert nets(plan_payouts(emptied, rules())) == nets(plan_payouts(cycle, rules()))
    assert DelegatorBalance("d", Mutez(1)).emptied is False
