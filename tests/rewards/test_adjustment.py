"""What a baker's hook may change of a plan: less for one, more for another, never more in all."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.errors import RefusalError
from bakehouse.rewards.adjusted_plan import adjusted_plan
from bakehouse.rewards.adjustment import Adjustment, Owed, adjust
from bakehouse.rewards.cycle_rewards import CycleRewards
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.rewards.payout_rules import PayoutRules
from bakehouse.rewards.plan import plan_payouts
from bakehouse.rewards.plan_values import NO_COSTS, PayoutPlan
from bakehouse.rewards.proof import prove

CycleOf = Callable[..., CycleRewards]
TENTH = PayoutRules(BasisPoints(1_000))

OWED = [Owed("anna", Mutez(100)), Owed("ben", Mutez(40)), Owed("carl", Mutez(0))]
POOL = Mutez(200)
NAMES = [f"d{index}" for index in range(5)]

PROPOSED = st.builds(
    Adjustment,
    st.sampled_from([*NAMES, "nobody"]),
    st.integers(-2, 60).map(Mutez),
    st.none() | st.sampled_from([*NAMES, "nobody"]),
    st.just("why"),
)


def change(recipient: str, amount: int, to: str | None = None) -> Adjustment:
    return Adjustment(recipient, Mutez(amount), to, "agreed")


def nets(*proposed: Adjustment) -> dict[str, int]:
    return {each.recipient: each.net for each in adjust(OWED, proposed, pool=POOL)}


def test_without_changes_everybody_is_owed_the_same() -> None:
    assert nets() == {"anna": 100, "ben": 40, "carl": 0}


def test_what_is_lowered_stays_with_the_baker() -> None:
    adjusted = adjust(OWED, [change("anna", 30)], pool=POOL)

    assert [(each.net, each.lowered) for each in adjusted] == [(70, 30), (40, 0), (0, 0)]


def test_what_is_redirected_is_owed_to_another() -> None:
    assert nets(change("anna", 100, "carl"), change("ben", 1, "carl")) == {
        "anna": 0,
        "ben": 39,
        "carl": 101,
    }


def test_the_order_of_changes_does_not_matter() -> None:
    changes = [change("anna", 60, "ben"), change("ben", 40), change("anna", 40, "carl")]

    assert nets(*changes) == nets(*reversed(changes)) == {"anna": 0, "ben": 60, "carl": 40}


@pytest.mark.parametrize(
    ("proposed", "complaint"),
    [
        ([change("anna", 100)], "101 mutez would be taken from anna, which is owed 100"),
        ([change("ben", 20), change("ben", 21, "anna")], "41 mutez would be taken from ben"),
        # What somebody receives is not theirs to be taken.
        ([change("anna", 50, "carl"), change("carl", 1)], "1 mutez would be taken from carl"),
        ([change("dora", 1)], "dora is not in the plan"),
        ([change("anna", 1, "dora")], "dora is not in the plan"),
        ([change("anna", 0)], "an adjustment of 0 mutez"),
        ([change("anna", -5, "ben")], "an adjustment of -5 mutez"),
        ([change("anna", 5, "anna")], "cannot be given to itself"),
    ],
)
def test_what_cannot_be_is_refused_whole(proposed: list[Adjustment], complaint: str) -> None:
    with pytest.raises(RefusalError, match=complaint):
        adjust(OWED, [change("anna", 1), *proposed], pool=POOL)


def test_a_recipient_that_is_twice_in_the_plan_is_refused() -> None:
    with pytest.raises(RefusalError, match="twice in the plan"):
        adjust([*OWED, OWED[0]], [], pool=POOL)


def test_more_than_the_pool_is_refused() -> None:
    with pytest.raises(RefusalError, match="more than the pool"):
        adjust(OWED, [], pool=Mutez(139))


@given(st.lists(st.integers(0, 100), min_size=1, max_size=5), st.lists(PROPOSED, max_size=8))
def test_nothing_is_made_or_lost_whatever_is_proposed(
    amounts: list[int], proposed: list[Adjustment]
) -> None:
    owed = [Owed(name, Mutez(net)) for name, net in zip(NAMES, amounts, strict=False)]
    try:
        adjusted = adjust(owed, proposed, pool=Mutez(sum(amounts)))
    except RefusalError:
        return
    assert [each.recipient for each in adjusted] == [each.recipient for each in owed]
    assert all(each.net >= 0 for each in adjusted)
    taken = sum(each.amount for each in proposed if each.to is None)
    assert sum(each.net for each in adjusted) == sum(amounts) - taken
    for each in adjusted:
        own = [one for one in proposed if one.recipient == each.recipient]
        given_to = [one for one in proposed if one.to == each.recipient]
        change_of = sum(one.amount for one in given_to) - sum(one.amount for one in own)
        assert each.net - each.before == change_of


@pytest.fixture
def plan(cycle_of: CycleOf) -> PayoutPlan:
    """Five delegators; nets 90, 180, 270, 0 and 360 of a pool of 1,000."""
    rewards = cycle_of(pool=1_000, own=0, balances=[100, 200, 300, 0, 400])
    return plan_payouts(rewards, TENTH)


def net_of(plan: PayoutPlan) -> dict[str, int]:
    return {payout.recipient: payout.net for payout in plan.payouts}


def test_an_adjusted_plan_still_adds_up_with_every_row(plan: PayoutPlan) -> None:
    proposed = [change("d0", 90, "d1"), change("d4", 60)]

    adjusted = adjusted_plan(plan, proposed, TENTH, NO_COSTS)

    prove(adjusted)
    assert net_of(adjusted) == {"d1": 270, "d2": 270, "d4": 300}
    assert (adjusted.pool, adjusted.own_part, adjusted.dust) == (1_000, 0, 0)
    assert (adjusted.total_fees, adjusted.total_net) == (160, 840)
    # d0 is owed nothing now: it is counted, as d3 is.
    assert (plan.zero_payouts, adjusted.zero_payouts) == (1, 2)
    assert adjusted.total_gross == plan.total_gross


def test_a_plan_without_proposals_is_the_same_plan(plan: PayoutPlan) -> None:
    assert adjusted_plan(plan, [], TENTH, NO_COSTS) is plan


def test_the_minimum_is_held_against_the_adjusted_sums(cycle_of: CycleOf) -> None:
    rewards = cycle_of(pool=1_000, own=0, balances=[100, 200, 300, 0, 400])
    rules = PayoutRules(BasisPoints(0), minimum_payout=Mutez(250))
    carried = {"d0": Mutez(7)}
    plan = plan_payouts(rewards, rules, carried)
    assert {each.recipient for each in plan.payouts if each.is_carried} == {"d0", "d1"}

    adjusted = adjusted_plan(plan, [change("d2", 60, "d1")], rules, NO_COSTS)

    assert {each.recipient for each in adjusted.payouts if each.is_carried} == {"d0", "d2"}
    # What waits from earlier cycles is nobody's to adjust, and stays in the plan.
    emptied = adjusted_plan(plan, [change("d0", 100)], rules, NO_COSTS)
    [waiting] = [each for each in emptied.payouts if each.recipient == "d0"]
    assert (waiting.net, waiting.due, waiting.is_carried) == (0, 7, True)


@given(st.lists(PROPOSED, max_size=8), st.integers(0, 10_000), st.integers(0, 100))
def test_an_adjusted_plan_is_proven_or_refused(
    cycle_of: CycleOf, proposed: list[Adjustment], fee: int, minimum: int
) -> None:
    rewards = cycle_of(pool=997, own=31, balances=[7, 0, 101, 333, 77])
    rules = PayoutRules(BasisPoints(fee), minimum_payout=Mutez(minimum))
    plan = plan_payouts(rewards, rules)
    try:
        adjusted = adjusted_plan(plan, proposed, rules, NO_COSTS)
    except RefusalError:
        return
    prove(adjusted)
    assert adjusted.total_net <= plan.total_net
    assert adjusted.total_net + adjusted.total_fees == plan.total_net + plan.total_fees
    same = {"payouts", "total_fees", "total_net", "zero_payouts"}
    kept = {name: getattr(plan, name) for name in plan.__slots__ if name in same}
    assert replace(adjusted, **kept) == plan
