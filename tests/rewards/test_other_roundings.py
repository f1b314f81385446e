"""How far other tools' orders of rounding are from ours: a mutez or two a head, never more."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.rewards.cycle_rewards import CycleRewards
from bakehouse.rewards.money import WHOLE, BasisPoints
from bakehouse.rewards.payout_rules import PayoutRules, Rounding
from bakehouse.rewards.plan import plan_payouts

CycleOf = Callable[..., CycleRewards]

AMOUNT = st.one_of(st.integers(0, 30), st.integers(0, 10**15))
POSITIVE = st.one_of(st.integers(1, 30), st.integers(1, 10**15))
BALANCES = st.tuples(POSITIVE, AMOUNT)
FEE = st.integers(0, WHOLE).map(BasisPoints)


def net_of_first(
    cycle: CycleRewards, fee: BasisPoints, rounding: Rounding = Rounding.NET_FLOOR
) -> int:
    payouts = plan_payouts(cycle, PayoutRules(fee, rounding=rounding)).payouts
    return next((payout.net for payout in payouts if payout.recipient == "d0"), 0)


@pytest.mark.parametrize(("rounding", "net"), [(Rounding.NET_FLOOR, 29), (Rounding.FEE_FLOOR, 30)])
def test_ten_percent_of_33_mutez(cycle_of: CycleOf, rounding: Rounding, net: int) -> None:
    """The fee is 3.3 mutez, what is left 29.7."""
    cycle = cycle_of(pool=33, own=0, balances=[1])

    [row] = plan_payouts(cycle, PayoutRules(BasisPoints(1_000), rounding=rounding)).payouts

    assert (row.gross, row.fee, row.net) == (33, 33 - net, net)


@given(pool=AMOUNT, own=AMOUNT, balances=BALANCES, fee=FEE)
def test_rounding_the_fee_down_instead_of_the_payout_pays_at_most_a_mutez_more(
    cycle_of: CycleOf, pool: int, own: int, balances: tuple[int, int], fee: BasisPoints
) -> None:
    """TezPay's order: a fee is rounded down, and the payout is what it leaves of the gross."""
    cycle = cycle_of(pool=pool, own=own, balances=balances)
    gross = net_of_first(cycle, BasisPoints(0))
    theirs = net_of_first(cycle, fee, Rounding.FEE_FLOOR)

    difference = theirs - net_of_first(cycle, fee)
    assert theirs == gross - gross * fee // WHOLE

    assert difference == (gross * fee % WHOLE != 0)


@given(pool=AMOUNT, own=AMOUNT, balances=BALANCES, fee=FEE)
def test_taking_the_fee_off_the_whole_pool_first_pays_up_to_2_mutez_more(
    cycle_of: CycleOf, pool: int, own: int, balances: tuple[int, int], fee: BasisPoints
) -> None:
    cycle = cycle_of(pool=pool, own=own, balances=balances)
    external_pool = pool - pool * own // (own + sum(balances))
    payable = external_pool - external_pool * fee // WHOLE
    theirs = payable * balances[0] // sum(balances)

    assert 0 <= theirs - net_of_first(cycle, fee) <= 2


@given(pool=AMOUNT, own=AMOUNT, balances=BALANCES, fee=FEE)
def test_rounding_once_to_the_nearest_pays_from_1_mutez_less_to_2_more(
    cycle_of: CycleOf, pool: int, own: int, balances: tuple[int, int], fee: BasisPoints
) -> None:
    """TRD's order: the exact share less the fee, halves rounded down."""
    cycle = cycle_of(pool=pool, own=own, balances=balances)
    exact = Fraction(pool * balances[0], own + sum(balances)) * Fraction(WHOLE - fee, WHOLE)
    theirs = ceil(exact - Fraction(1, 2))

    assert theirs in {floor(exact), ceil(exact)}
    assert -1 <= theirs - net_of_first(cycle, fee) <= 2
