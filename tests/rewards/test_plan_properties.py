"""What holds of every plan, whatever the cycle: sums, signs, order, fees, the formula itself."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import floor
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bakehouse.rewards.cycle_rewards import CycleRewards
from bakehouse.rewards.money import WHOLE, BasisPoints, Mutez
from bakehouse.rewards.payout_rules import PayoutRules
from bakehouse.rewards.plan import plan_payouts
from bakehouse.rewards.plan_values import PayoutPlan
from bakehouse.rewards.proof import prove

CycleOf = Callable[..., CycleRewards]
Rows = list[tuple[str, int]]

# Small numbers meet the edges of rounding, large ones the size of real money.
AMOUNT = st.one_of(st.integers(0, 30), st.integers(0, 10**15))
BALANCES = st.lists(AMOUNT, max_size=12)
FEE = st.one_of(st.sampled_from((0, 1, 995, 1_000, 9_999, 10_000)), st.integers(0, WHOLE)).map(
    BasisPoints
)
ROW_FEES = st.dictionaries(st.sampled_from([f"d{index}" for index in range(12)]), FEE)
TWO_FEES = st.tuples(FEE, FEE)
RULES = st.builds(PayoutRules, FEE, ROW_FEES)


NAMED = BALANCES.map(lambda all_: [(f"d{index}", one) for index, one in enumerate(all_)])


def two_orders(rows: Rows) -> st.SearchStrategy[tuple[Rows, Rows]]:
    return st.tuples(st.just(rows), st.permutations(rows))


def formula(
    pool: int, own: int, balances: Sequence[int], fees: Sequence[int]
) -> tuple[int, list[tuple[int, int]]]:
    """The rule as docs/rewards.md words it, in exact fractions; own part and (gross, net) rows."""
    external = sum(balances)
    if external == 0:
        return pool, [(0, 0) for _ in balances]
    own_part = floor(Fraction(pool) * Fraction(own, own + external))
    for_delegators = Fraction(pool - own_part)
    gross = [floor(for_delegators * Fraction(balance, external)) for balance in balances]
    net = [
        floor(amount * (1 - Fraction(fee, 10_000))) for amount, fee in zip(gross, fees, strict=True)
    ]
    return own_part, list(zip(gross, net, strict=True))


def nets(plan: PayoutPlan) -> dict[str, int]:
    return {payout.recipient: payout.net for payout in plan.payouts}


@given(pool=AMOUNT, own=AMOUNT, balances=BALANCES, rules=RULES)
@example(pool=0, own=0, balances=[0], rules=PayoutRules(BasisPoints(0)))
@example(pool=10**15, own=10**15, balances=[10**15] * 3, rules=PayoutRules(BasisPoints(1)))
def test_a_plan_is_the_formula_to_the_mutez(
    cycle_of: CycleOf, pool: int, own: int, balances: list[int], rules: PayoutRules
) -> None:
    plan = plan_payouts(cycle_of(pool=pool, own=own, balances=balances), rules)

    names = [f"d{index}" for index in range(len(balances))]
    own_part, rows = formula(
        pool, own, balances, [rules.fees.get(name, rules.default_fee) for name in names]
    )
    assert plan.own_part == own_part
    assert [
        (payout.recipient, payout.delegated_balance, payout.gross, payout.net, payout.fee)
        for payout in plan.payouts
    ] == [
        (names[index], balances[index], gross, net, gross - net)
        for index, (gross, net) in enumerate(rows)
        if net
    ]
    assert plan.total_gross == sum(gross for gross, _ in rows)
    assert plan.total_net == sum(net for _, net in rows)
    assert plan.zero_payouts == sum(not net for _, net in rows)


@given(pool=AMOUNT, own=AMOUNT, balances=BALANCES, rules=RULES)
def test_a_plan_adds_up_to_the_mutez_and_nothing_in_it_is_negative(
    cycle_of: CycleOf, pool: int, own: int, balances: list[int], rules: PayoutRules
) -> None:
    plan = plan_payouts(cycle_of(pool=pool, own=own, balances=balances), rules)

    prove(plan)
    assert plan.pool == pool == plan.own_part + plan.total_fees + plan.total_net + plan.dust
    assert plan.pool == plan.baker_share + plan.total_net
    assert plan.total_gross == plan.total_fees + plan.total_net
    assert plan.total_net == plan.total_due_now == sum(nets(plan).values())
    assert len(balances) == len(plan.payouts) + plan.zero_payouts
    assert 0 <= plan.dust < max(1, len(balances))
    assert min(plan.own_part, plan.total_fees, plan.total_net, plan.baker_share) >= 0
    for payout in plan.payouts:
        assert payout.gross == payout.fee + payout.net
        assert payout.fee >= 0
        assert payout.net == payout.due > 0
        assert not payout.is_carried


@given(pool=AMOUNT, own=AMOUNT, named=NAMED.flatmap(two_orders), rules=RULES)
def test_the_order_of_delegators_changes_no_amount(
    cycle_of: CycleOf, pool: int, own: int, named: tuple[Rows, Rows], rules: PayoutRules
) -> None:
    plan, other = (
        plan_payouts(
            cycle_of(
                pool=pool,
                own=own,
                balances=[balance for _, balance in rows],
                names=[name for name, _ in rows],
            ),
            rules,
        )
        for rows in named
    )

    assert set(plan.payouts) == set(other.payouts)
    assert plan.baker_share == other.baker_share
    assert plan.dust == other.dust


@given(pool=AMOUNT, own=AMOUNT, balances=st.lists(AMOUNT, min_size=1, max_size=6), fees=TWO_FEES)
def test_a_higher_fee_never_pays_its_delegator_more_and_touches_nobody_else(
    cycle_of: CycleOf,
    pool: int,
    own: int,
    balances: list[int],
    fees: tuple[BasisPoints, BasisPoints],
) -> None:
    cycle = cycle_of(pool=pool, own=own, balances=balances)
    low, high = sorted(fees)

    cheap = nets(plan_payouts(cycle, PayoutRules(BasisPoints(500), {"d0": low})))
    dear = nets(plan_payouts(cycle, PayoutRules(BasisPoints(500), {"d0": high})))

    assert dear.pop("d0", 0) <= cheap.pop("d0", 0)
    assert dear == cheap


@given(
    pool=AMOUNT,
    more=AMOUNT,
    own=AMOUNT,
    balances=st.lists(AMOUNT, min_size=1, max_size=6),
)
def test_a_larger_pool_never_pays_anyone_less(
    cycle_of: CycleOf, pool: int, more: int, own: int, balances: list[int]
) -> None:
    rules = PayoutRules(BasisPoints(995))
    before = plan_payouts(cycle_of(pool=pool, own=own, balances=balances), rules)
    after = plan_payouts(cycle_of(pool=pool + more, own=own, balances=balances), rules)

    assert after.own_part >= before.own_part
    assert all(nets(after).get(name, 0) >= net for name, net in nets(before).items())


@given(
    gross_pool=AMOUNT,
    balances=st.lists(AMOUNT, min_size=1, max_size=6),
    fee=FEE,
    minimum=AMOUNT.map(Mutez),
)
def test_what_is_paid_now_or_carried_is_all_of_what_is_due(
    cycle_of: CycleOf, gross_pool: int, balances: list[int], fee: BasisPoints, minimum: Mutez
) -> None:
    rules = PayoutRules(fee, minimum_payout=minimum)
    plan = plan_payouts(cycle_of(pool=gross_pool, own=7, balances=balances), rules)

    carried = sum(payout.due for payout in plan.payouts if payout.is_carried)
    assert plan.total_due_now + carried == plan.total_net
    assert all(payout.is_carried == (payout.due < minimum) for payout in plan.payouts)


@pytest.mark.parametrize("count", [1, 2, 100, 10_000])
def test_plans_of_1_to_10000_delegators_are_the_formula_to_the_mutez(
    cycle_of: CycleOf, count: int
) -> None:
    chance = Random(count)  # noqa: S311 - a repeatable crowd, not a secret
    balances = [chance.randrange(10 ** chance.randrange(1, 13)) for _ in range(count)]
    pool, own = 31_233_278_917, 931_097_498

    plan = plan_payouts(
        cycle_of(pool=pool, own=own, balances=balances), PayoutRules(BasisPoints(995))
    )

    own_part, rows = formula(pool, own, balances, [995] * count)
    assert plan.own_part == own_part
    assert nets(plan) == {f"d{index}": net for index, (_, net) in enumerate(rows) if net}
    assert plan.dust == pool - own_part - sum(gross for gross, _ in rows)
