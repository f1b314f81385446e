"""Amounts below the minimum wait, cycle after cycle, and nothing of them is ever lost."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bakehouse.rewards.cycle_rewards import CycleRewards, DelegatorBalance
from bakehouse.rewards.money import NO_MUTEZ, BasisPoints, Mutez
from bakehouse.rewards.payout_rules import PayoutRules
from bakehouse.rewards.plan import plan_payouts
from bakehouse.rewards.plan_values import PayoutPlan

CycleOf = Callable[..., CycleRewards]
NO_FEE = BasisPoints(0)


def carried_after(plan: PayoutPlan, carried: Mapping[str, Mutez]) -> dict[str, Mutez]:
    """What waits after a plan: what it carries, and what of the absent it did not release."""
    planned = {payout.recipient for payout in plan.payouts} | set(plan.released)
    waiting = {address: amount for address, amount in carried.items() if address not in planned}
    return waiting | {payout.recipient: payout.due for payout in plan.payouts if payout.is_carried}


def test_what_is_below_the_minimum_is_listed_as_carried_and_not_paid_now(
    cycle_of: CycleOf,
) -> None:
    plan = plan_payouts(
        cycle_of(pool=1_000, own=0, balances=[900, 100]),
        PayoutRules(NO_FEE, minimum_payout=Mutez(101)),
    )

    assert [(payout.recipient, payout.is_carried) for payout in plan.payouts] == [
        ("d0", False),
        ("d1", True),
    ]
    assert plan.total_due_now == 900
    assert plan.total_net == 1_000


def test_exactly_the_minimum_is_paid(cycle_of: CycleOf) -> None:
    plan = plan_payouts(
        cycle_of(pool=1_000, own=0, balances=[900, 100]),
        PayoutRules(NO_FEE, minimum_payout=Mutez(100)),
    )

    assert not any(payout.is_carried for payout in plan.payouts)


def test_carried_amounts_count_towards_the_minimum(cycle_of: CycleOf) -> None:
    cycle = cycle_of(pool=1_000, own=0, balances=[900, 100])
    rules = PayoutRules(NO_FEE, minimum_payout=Mutez(150))

    one_short = plan_payouts(cycle, rules, {"d1": Mutez(49)})
    reached = plan_payouts(cycle, rules, {"d1": Mutez(50)})

    assert [(p.net, p.carried_in, p.due, p.is_carried) for p in one_short.payouts[1:]] == [
        (100, 49, 149, True)
    ]
    assert [(p.net, p.carried_in, p.due, p.is_carried) for p in reached.payouts[1:]] == [
        (100, 50, 150, False)
    ]
    assert one_short.total_due_now == 900
    assert reached.total_due_now == 1_050
    assert one_short.total_net == reached.total_net == 1_000


def test_who_earned_nothing_is_still_listed_while_an_amount_waits(cycle_of: CycleOf) -> None:
    cycle = cycle_of(pool=1_000, own=0, balances=[900, 0, 0])
    plan = plan_payouts(cycle, PayoutRules(NO_FEE), {"d1": Mutez(5)})

    assert [(p.recipient, p.net, p.due) for p in plan.payouts] == [
        ("d0", 1_000, 1_000),
        ("d1", 0, 5),
    ]
    assert plan.zero_payouts == 1


def test_who_left_is_released_the_amount_once_it_reaches_the_minimum(cycle_of: CycleOf) -> None:
    cycle = cycle_of(pool=1_000, own=0, balances=[1])
    carried = {"gone": Mutez(100), "gone too": Mutez(99), "d0": Mutez(100)}

    plan = plan_payouts(cycle, PayoutRules(NO_FEE, minimum_payout=Mutez(100)), carried)

    assert plan.released == {"gone": 100}
    assert plan.total_due_now == 1_000 + 100 + 100


def test_without_a_minimum_a_single_mutez_is_released_and_none_is_not(cycle_of: CycleOf) -> None:
    carried = {"gone": Mutez(1), "nothing": NO_MUTEZ}

    plan = plan_payouts(cycle_of(pool=0, own=0, balances=[]), PayoutRules(NO_FEE), carried)

    assert plan.released == {"gone": 1}


def test_carried_amounts_change_no_share_of_the_cycle(cycle_of: CycleOf) -> None:
    cycle = cycle_of(pool=1_000, own=100, balances=[900, 100])
    without = plan_payouts(cycle, PayoutRules(BasisPoints(995)))
    carried = plan_payouts(cycle, PayoutRules(BasisPoints(995)), {"d0": Mutez(10**15)})

    assert carried.baker_share == without.baker_share
    assert carried.total_net == without.total_net
    assert carried.total_due_now == without.total_due_now + 10**15


ADDRESSES = [f"d{index}" for index in range(6)]


class CarryOver(RuleBasedStateMachine):
    """Cycles come and go, delegators too, the baker changes its minimum and fee at will."""

    @initialize()
    def open_the_books(self) -> None:
        self.carried: dict[str, Mutez] = {}
        self.earned: Counter[str] = Counter()
        self.paid: Counter[str] = Counter()

    @rule(
        pool=st.one_of(st.integers(0, 50), st.integers(0, 10**9)),
        own=st.integers(0, 10**6),
        balances=st.dictionaries(
            st.sampled_from(ADDRESSES), st.one_of(st.integers(0, 20), st.integers(0, 10**9))
        ),
        fee=st.integers(0, 10_000).map(BasisPoints),
        minimum=st.one_of(st.just(0), st.integers(0, 100), st.integers(0, 10**9)).map(Mutez),
    )
    def turn_a_cycle(
        self,
        pool: int,
        own: int,
        balances: Mapping[str, int],
        fee: BasisPoints,
        minimum: Mutez,
    ) -> None:
        rules = PayoutRules(fee, minimum_payout=minimum)
        plan = plan_payouts(_cycle(pool, own, list(balances.items())), rules, self.carried)

        paid_before = self.paid.total()
        for payout in plan.payouts:
            self.earned[payout.recipient] += payout.net
            if not payout.is_carried:
                assert payout.due >= minimum
                self.paid[payout.recipient] += payout.due
        self.paid.update(plan.released)
        assert self.paid.total() - paid_before == plan.total_due_now
        self.carried = carried_after(plan, self.carried)
        assert all(amount < minimum for amount in self.carried.values())

    @invariant()
    def everyone_was_paid_or_awaits_exactly_what_they_earned(self) -> None:
        assert self.earned == self.paid + Counter(self.carried)

    def teardown(self) -> None:
        """A last cycle without a minimum and without anyone left settles every book."""
        last = plan_payouts(_cycle(0, 0, ()), PayoutRules(NO_FEE), self.carried)
        self.paid.update(last.released)
        assert carried_after(last, self.carried) == {}
        assert self.paid == self.earned


def _cycle(pool: int, own: int, balances: Sequence[tuple[str, int]]) -> CycleRewards:
    delegators = tuple(DelegatorBalance(name, Mutez(balance)) for name, balance in balances)
    external = Mutez(sum(delegator.delegated_balance for delegator in delegators))
    nothing = (NO_MUTEZ,) * 5
    return CycleRewards(1, Mutez(own), external, Mutez(pool), *nothing, delegators)


CarryOver.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestCarryOverOfManyCycles = CarryOver.TestCase
