"""When somebody else's balance grows, nobody's share does, but for a mutez of rounding.

The own part is rounded down first, and the fraction cut from it goes to the delegators. That
fraction changes with every balance, so a payout may differ from the exact share by a mutez and
tick up by that mutez although the exact share fell. These tests say exactly when.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise, product
from math import floor

from hypothesis import assume, example, given
from hypothesis import strategies as st

from bakehouse.rewards.cycle_rewards import CycleRewards
from bakehouse.rewards.money import BasisPoints
from bakehouse.rewards.payout_rules import PayoutRules
from bakehouse.rewards.plan import plan_payouts

CycleOf = Callable[..., CycleRewards]

AMOUNT = st.one_of(st.integers(0, 30), st.integers(0, 10**15))
POSITIVE = st.one_of(st.integers(1, 30), st.integers(1, 10**15))
FEE = st.integers(0, 10_000)


@dataclass(frozen=True, slots=True)
class Case:
    """A cycle seen by one delegator: d0 has `mine`, all other delegators have `other`."""

    pool: int
    own: int
    mine: int
    other: int

    @property
    def external(self) -> int:
        return self.mine + self.other

    @property
    def exact_share(self) -> Fraction:
        return Fraction(self.pool * self.mine, self.own + self.external)

    @property
    def part_of_cut(self) -> Fraction:
        """What d0 has of the fraction of a mutez by which the baker's own part is rounded down."""
        own_part = Fraction(self.pool * self.own, self.own + self.external)
        return (own_part - floor(own_part)) * Fraction(self.mine, self.external)


CASE = st.builds(Case, pool=AMOUNT, own=AMOUNT, mine=POSITIVE, other=AMOUNT)


def paid(cycle_of: CycleOf, case: Case, fee: int = 0) -> int:
    """What d0 gets; without a fee that is its gross."""
    cycle = cycle_of(pool=case.pool, own=case.own, balances=[case.mine, case.other])
    payouts = plan_payouts(cycle, PayoutRules(BasisPoints(fee))).payouts
    return next((payout.net for payout in payouts if payout.recipient == "d0"), 0)


@given(case=CASE)
def test_gross_is_the_exact_share_plus_a_part_of_the_cut_rounded_down(
    cycle_of: CycleOf, case: Case
) -> None:
    gross = paid(cycle_of, case)

    assert gross == floor(case.exact_share + case.part_of_cut)
    assert gross - floor(case.exact_share) in {0, 1}


def test_of_all_small_cases_one_ticks_up_and_by_one_mutez(cycle_of: CycleOf) -> None:
    ticks = []
    for pool, own, mine, other, growth in product(
        range(6), range(4), range(1, 4), range(3), range(1, 3)
    ):
        before = paid(cycle_of, Case(pool, own, mine, other))
        after = paid(cycle_of, Case(pool, own, mine, other + growth))
        if after > before:
            ticks.append((pool, own, mine, other, growth, before, after))

    # Of a pool of 2, exactly 2/3 before and 4/7 after; what the baker's rounding leaves differs.
    assert ticks == [(2, 3, 2, 1, 1, 0, 1)]


@given(case=CASE, growth=POSITIVE, fee=FEE)
@example(case=Case(pool=2, own=3, mine=2, other=1), growth=1, fee=0)
def test_when_another_balance_grows_a_payout_grows_by_a_mutez_of_rounding_at_most(
    cycle_of: CycleOf, case: Case, growth: int, fee: int
) -> None:
    grown = replace(case, other=case.other + growth)

    assert grown.exact_share <= case.exact_share
    assert paid(cycle_of, grown, fee) <= paid(cycle_of, case, fee) + 1


@given(case=CASE, growth=POSITIVE)
@example(case=Case(pool=2, own=3, mine=2, other=1), growth=1)
def test_a_share_ticks_up_only_when_its_part_of_the_cut_grew_by_more_than_the_share_fell(
    cycle_of: CycleOf, case: Case, growth: int
) -> None:
    grown = replace(case, other=case.other + growth)
    ticked = paid(cycle_of, grown) > paid(cycle_of, case)

    fell = case.exact_share - grown.exact_share
    assert not ticked or grown.part_of_cut - case.part_of_cut > fell


@given(case=CASE, growth=POSITIVE, fee=FEE)
def test_once_the_exact_share_fell_by_a_whole_mutez_the_payout_never_grows(
    cycle_of: CycleOf, case: Case, growth: int, fee: int
) -> None:
    grown = replace(case, other=case.other + growth)
    assume(case.exact_share - grown.exact_share >= 1)

    assert paid(cycle_of, grown, fee) <= paid(cycle_of, case, fee)


@given(case=CASE, growth=POSITIVE, fee=FEE)
def test_a_baker_without_a_balance_of_its_own_has_no_rounding_so_nobody_gains_from_growth(
    cycle_of: CycleOf, case: Case, growth: int, fee: int
) -> None:
    alone = replace(case, own=0)
    grown = replace(alone, other=case.other + growth)

    assert paid(cycle_of, grown, fee) <= paid(cycle_of, alone, fee)


@given(case=CASE, growth=POSITIVE, fee=FEE)
def test_where_the_own_part_comes_out_even_nobody_gains_from_growth(
    cycle_of: CycleOf, case: Case, growth: int, fee: int
) -> None:
    even = replace(case, pool=case.pool * (case.own + case.external + growth))
    grown = replace(even, other=case.other + growth)

    assert grown.part_of_cut == 0
    assert paid(cycle_of, grown, fee) <= paid(cycle_of, even, fee)


@given(case=CASE, growth=POSITIVE, fee=FEE)
def test_when_the_bakers_own_balance_grows_no_delegator_gains(
    cycle_of: CycleOf, case: Case, growth: int, fee: int
) -> None:
    grown = replace(case, own=case.own + growth)

    assert paid(cycle_of, grown, fee) <= paid(cycle_of, case, fee)


@given(case=CASE, growth=POSITIVE, fee=FEE)
def test_a_delegator_whose_own_balance_grows_never_gets_less(
    cycle_of: CycleOf, case: Case, growth: int, fee: int
) -> None:
    grown = replace(case, mine=case.mine + growth)

    assert paid(cycle_of, grown, fee) >= paid(cycle_of, case, fee)


@given(case=CASE, moved=AMOUNT)
def test_balances_that_move_between_others_change_nothing(
    cycle_of: CycleOf, case: Case, moved: int
) -> None:
    moved = min(moved, case.other)
    cycle = cycle_of(pool=case.pool, own=case.own, balances=[case.mine, case.other - moved, moved])
    payouts = plan_payouts(cycle, PayoutRules(BasisPoints(0))).payouts

    assert paid(cycle_of, case) == sum(p.net for p in payouts if p.recipient == "d0")


@given(pool=AMOUNT, own=AMOUNT, balances=st.lists(AMOUNT, min_size=2, max_size=8), fee=FEE)
def test_among_equal_fees_a_larger_balance_is_never_paid_less_and_an_equal_one_the_same(
    cycle_of: CycleOf, pool: int, own: int, balances: list[int], fee: int
) -> None:
    cycle = cycle_of(pool=pool, own=own, balances=sorted(balances))
    payouts = plan_payouts(cycle, PayoutRules(BasisPoints(fee))).payouts

    for poorer, richer in pairwise(payouts):
        assert richer.net >= poorer.net
        assert richer.delegated_balance > poorer.delegated_balance or richer.net == poorer.net
