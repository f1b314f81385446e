"""Parts of the baker's own part and fees for named addresses, and one address in several roles."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.rewards.bond_pool import BondPoolMember, plan_bond_pool
from bakehouse.rewards.cycle_rewards import CycleRewards
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.rewards.payout_rules import DelegatorRule, IncomeShare, PayoutRules
from bakehouse.rewards.plan import plan_payouts

CycleOf = Callable[..., CycleRewards]
TEN_PERCENT = BasisPoints(1_000)


def share(address: str, *, bonds: int = 0, fees: int = 0) -> IncomeShare:
    return IncomeShare(address, of_bonds=BasisPoints(bonds), of_fees=BasisPoints(fees))


def test_each_gets_its_part_of_the_whole_rounded_down_and_the_baker_keeps_the_rest(
    cycle_of: CycleOf,
) -> None:
    cycle = cycle_of(pool=1_000, own=100, balances=[900])
    income = (share("a", bonds=3_333, fees=2_500), share("b", bonds=3_333, fees=7_500))

    plan = plan_payouts(cycle, PayoutRules(TEN_PERCENT, income=income))

    # 33.33 % of the own part of 100; a quarter and three of the fees of 90.
    assert [(row.recipient, row.kind.value, row.net) for row in plan.payouts] == [
        ("d0", "delegator", 810),
        ("a", "bond-share", 33),
        ("a", "fee-share", 22),
        ("b", "bond-share", 33),
        ("b", "fee-share", 67),
    ]
    assert (plan.own_part, plan.total_fees, plan.baker_share) == (34, 1, 35)
    assert plan.total_net == 1_000 - 35


def test_fees_of_those_who_get_nothing_are_fees_too(cycle_of: CycleOf) -> None:
    cycle = cycle_of(pool=10, own=0, balances=[1] * 10)
    everything = (share("a", fees=10_000),)

    plan = plan_payouts(cycle, PayoutRules(BasisPoints(9_999), income=everything))

    assert (plan.zero_payouts, plan.total_net, plan.total_fees) == (10, 10, 0)


def test_the_bond_pool_shares_what_is_left(cycle_of: CycleOf) -> None:
    cycle = cycle_of(pool=1_000, own=100, balances=[900])
    income = (share("a", bonds=5_000, fees=5_000),)
    plan = plan_payouts(cycle, PayoutRules(TEN_PERCENT, income=income))
    lender = BondPoolMember("a", Mutez(1), BasisPoints(0), is_manager=True)

    pool = plan_bond_pool(plan.baker_share, [lender])

    assert pool.total_net == plan.baker_share == 50 + 45


def test_all_that_one_address_is_owed_is_one_sum_and_goes_where_it_is_redirected(
    cycle_of: CycleOf,
) -> None:
    cycle = cycle_of(pool=1_000, own=100, balances=[900])

    def planned(minimum: int) -> list[tuple[str, int, int, str, bool]]:
        rules = PayoutRules(
            TEN_PERCENT,
            minimum_payout=Mutez(minimum),
            delegators={"d0": DelegatorRule(recipient="vault")},
            income=(share("d0", bonds=10_000, fees=10_000),),
        )
        rows = plan_payouts(cycle, rules, {"d0": Mutez(5)}).payouts
        return [(row.kind, row.net, row.carried_in, row.address, row.is_carried) for row in rows]

    # 810 + 100 + 90 of the cycle, and 5 from before: with the first row, and once.
    assert planned(1_005) == [
        ("delegator", 810, 5, "vault", False),
        ("bond-share", 100, 0, "vault", False),
        ("fee-share", 90, 0, "vault", False),
    ]
    assert {is_carried for *_, is_carried in planned(1_006)} == {True}


@given(
    pool=st.integers(0, 10**12),
    own=st.integers(0, 10**12),
    bonds=st.lists(st.integers(0, 2_500), min_size=1, max_size=4),
    fee=st.integers(0, 10_000),
)
def test_the_parts_never_exceed_what_they_are_of(
    cycle_of: CycleOf, pool: int, own: int, bonds: list[int], fee: int
) -> None:
    cycle = cycle_of(pool=pool, own=own, balances=[10**6])
    income = tuple(share(f"n{i}", bonds=part, fees=part) for i, part in enumerate(bonds))
    before = plan_payouts(cycle, PayoutRules(BasisPoints(fee)))

    plan = plan_payouts(cycle, PayoutRules(BasisPoints(fee), income=income))

    given_away = plan.total_net - before.total_net
    assert plan.baker_share + given_away == before.baker_share
    whole = sum(bonds) * (before.own_part + before.total_fees)
    assert 0 <= whole - given_away * 10_000 < 10_000 * 2 * len(bonds)


@pytest.mark.parametrize("part", [1, 9_999, 10_000])
def test_a_baker_without_delegators_shares_all_of_the_pool(cycle_of: CycleOf, part: int) -> None:
    cycle = cycle_of(pool=10_000, own=1, balances=[])

    plan = plan_payouts(cycle, PayoutRules(TEN_PERCENT, income=(share("a", bonds=part),)))

    assert (plan.total_net, plan.own_part) == (part, 10_000 - part)
