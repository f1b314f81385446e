"""The rule of sharing by small examples that a person can check by hand."""

from collections.abc import Callable

import pytest

from bakehouse.errors import RefusalError, SettingError
from bakehouse.rewards.cycle_rewards import CycleRewards, DelegatorBalance
from bakehouse.rewards.money import NO_MUTEZ, BasisPoints, Mutez
from bakehouse.rewards.payout_rules import PayoutRules
from bakehouse.rewards.plan import plan_payouts

TEN_PERCENT = BasisPoints(1000)
CycleOf = Callable[..., CycleRewards]


def test_the_baker_keeps_the_share_of_its_own_balance_and_a_fee_of_the_rest(
    cycle_of: CycleOf,
) -> None:
    plan = plan_payouts(
        cycle_of(pool=1_000, own=100, balances=[600, 300]), PayoutRules(TEN_PERCENT)
    )

    assert plan.own_part == 100
    assert [(payout.gross, payout.fee, payout.net) for payout in plan.payouts] == [
        (600, 60, 540),
        (300, 30, 270),
    ]
    assert (plan.total_gross, plan.total_fees, plan.total_net) == (900, 90, 810)
    assert plan.dust == 0
    assert plan.baker_share == 190
    assert plan.total_due_now == 810


def test_every_rounding_is_down_for_the_payee_and_the_rest_stays_with_the_baker(
    cycle_of: CycleOf,
) -> None:
    plan = plan_payouts(cycle_of(pool=100, own=1, balances=[1, 1]), PayoutRules(TEN_PERCENT))

    assert plan.own_part == 33
    # 67 are left for the two: 33 each, of which 90 % are 29.7.
    assert [(payout.gross, payout.fee, payout.net) for payout in plan.payouts] == [
        (33, 4, 29),
        (33, 4, 29),
    ]
    assert plan.dust == 1
    assert plan.baker_share == 33 + 8 + 1


def test_a_payout_names_the_balance_and_the_fee_it_came_from(cycle_of: CycleOf) -> None:
    rules = PayoutRules(TEN_PERCENT, fees={"d1": BasisPoints(995)})
    first, second = plan_payouts(cycle_of(pool=1_000, own=0, balances=[600, 400]), rules).payouts

    assert (first.recipient, first.delegated_balance, first.fee_basis_points) == ("d0", 600, 1000)
    assert (second.recipient, second.delegated_balance, second.fee_basis_points) == ("d1", 400, 995)
    assert second.net == 360
    assert second.fee == 40


def test_a_fee_of_0_leaves_everything_and_a_fee_of_100_percent_nothing(cycle_of: CycleOf) -> None:
    cycle = cycle_of(pool=1_000, own=0, balances=[600, 400])

    assert plan_payouts(cycle, PayoutRules(BasisPoints(0))).total_net == 1_000
    everything = plan_payouts(cycle, PayoutRules(BasisPoints(10_000)))
    assert (everything.total_net, everything.total_fees) == (0, 1_000)
    assert (everything.payouts, everything.zero_payouts) == ((), 2)


def test_payouts_of_0_mutez_are_counted_not_listed(cycle_of: CycleOf) -> None:
    plan = plan_payouts(
        cycle_of(pool=10, own=0, balances=[1_000_000, 1, 0]), PayoutRules(TEN_PERCENT)
    )

    assert [payout.recipient for payout in plan.payouts] == ["d0"]
    assert plan.zero_payouts == 2


def test_the_fee_of_a_delegator_whose_payout_came_to_nothing_is_the_bakers(
    cycle_of: CycleOf,
) -> None:
    plan = plan_payouts(cycle_of(pool=2, own=0, balances=[1, 1]), PayoutRules(TEN_PERCENT))

    assert (plan.total_gross, plan.total_fees, plan.total_net) == (2, 2, 0)
    assert plan.zero_payouts == 2
    assert plan.baker_share == 2


@pytest.mark.parametrize("own", [0, 5])
def test_without_delegators_everything_stays_with_the_baker(cycle_of: CycleOf, own: int) -> None:
    plan = plan_payouts(cycle_of(pool=1_000, own=own, balances=[]), PayoutRules(TEN_PERCENT))

    assert (plan.own_part, plan.total_net, plan.dust, plan.payouts) == (1_000, 0, 0, ())


@pytest.mark.parametrize("own", [0, 5])
def test_delegators_without_any_balance_get_nothing(cycle_of: CycleOf, own: int) -> None:
    plan = plan_payouts(cycle_of(pool=1_000, own=own, balances=[0, 0]), PayoutRules(TEN_PERCENT))

    assert (plan.own_part, plan.total_net, plan.zero_payouts) == (1_000, 0, 2)


def test_a_cycle_without_rewards_pays_nothing(cycle_of: CycleOf) -> None:
    plan = plan_payouts(cycle_of(pool=0, own=10, balances=[10, 20]), PayoutRules(TEN_PERCENT))

    assert (plan.pool, plan.baker_share, plan.total_net, plan.zero_payouts) == (0, 0, 0, 2)


def test_the_pool_is_every_delegated_reward_and_block_fees_only_when_shared() -> None:
    cycle = CycleRewards(
        cycle=1336,
        own_delegated_balance=NO_MUTEZ,
        external_delegated_balance=Mutez(1),
        block_rewards=Mutez(1),
        attestation_rewards=Mutez(20),
        dal_attestation_rewards=Mutez(300),
        vdf_revelation_rewards=Mutez(4_000),
        nonce_revelation_rewards=Mutez(50_000),
        block_fees=Mutez(600_000),
        delegators=(DelegatorBalance("d0", Mutez(1)),),
    )

    kept = plan_payouts(cycle, PayoutRules(BasisPoints(0)))
    shared = plan_payouts(cycle, PayoutRules(BasisPoints(0), share_block_fees=True))

    assert (kept.cycle, kept.pool, kept.total_net) == (1336, 54_321, 54_321)
    assert (shared.pool, shared.total_net) == (654_321, 654_321)


def test_amounts_of_10_to_the_15_mutez_stay_exact(cycle_of: CycleOf) -> None:
    plan = plan_payouts(
        cycle_of(pool=10**15, own=1, balances=[10**15, 10**15 - 1]), PayoutRules(BasisPoints(1))
    )

    # 10^15 over a base of 2·10^15: half a mutez, rounded down to nothing for the baker.
    assert plan.own_part == 0
    assert [payout.gross for payout in plan.payouts] == [500_000_000_000_000, 499_999_999_999_999]
    assert [payout.net for payout in plan.payouts] == [499_950_000_000_000, 499_949_999_999_999]
    assert plan.dust == 1


def test_a_delegator_is_not_emptied_unless_the_indexer_says_so() -> None:
    assert not DelegatorBalance("d0", Mutez(1)).emptied


@pytest.mark.parametrize("fee", [-1, 10_001])
def test_a_fee_outside_0_to_100_percent_is_refused(fee: int) -> None:
    with pytest.raises(SettingError, match=f"a fee of {fee} basis points is outside 0 to 10000"):
        PayoutRules(BasisPoints(fee))
    with pytest.raises(SettingError, match=f"a fee of {fee} basis points is outside 0 to 10000"):
        PayoutRules(TEN_PERCENT, fees={"d0": BasisPoints(fee)})


def test_a_negative_minimum_is_refused() -> None:
    with pytest.raises(SettingError, match="a minimum payout of -1 mutez is negative"):
        PayoutRules(TEN_PERCENT, minimum_payout=Mutez(-1))


@pytest.mark.parametrize("off", [-1, 1])
def test_balances_that_miss_the_total_by_a_mutez_are_refused(cycle_of: CycleOf, off: int) -> None:
    whole = cycle_of(pool=1_000, own=100, balances=[600, 300])
    cycle = CycleRewards(
        whole.cycle,
        whole.own_delegated_balance,
        Mutez(whole.external_delegated_balance + off),
        *(whole.block_rewards, NO_MUTEZ, NO_MUTEZ, NO_MUTEZ, NO_MUTEZ, NO_MUTEZ),
        delegators=whole.delegators,
    )

    with pytest.raises(RefusalError, match=f"add up to 900 mutez, the split says {900 + off}"):
        plan_payouts(cycle, PayoutRules(TEN_PERCENT))


@pytest.mark.parametrize(("own", "balances"), [(-1, [600, 300]), (100, [600, -300])])
def test_a_negative_balance_is_refused(cycle_of: CycleOf, own: int, balances: list[int]) -> None:
    with pytest.raises(RefusalError, match="a delegated balance is negative"):
        plan_payouts(cycle_of(pool=1_000, own=own, balances=balances), PayoutRules(TEN_PERCENT))


@pytest.mark.parametrize("fee", [0, 1_000, 10_000])
@pytest.mark.parametrize("balances", [[], [900]])
def test_negative_rewards_are_refused(cycle_of: CycleOf, fee: int, balances: list[int]) -> None:
    with pytest.raises(RefusalError, match="-1 mutez is negative"):
        plan_payouts(cycle_of(pool=-1, own=0, balances=balances), PayoutRules(BasisPoints(fee)))


def test_a_delegator_listed_twice_is_refused_or_it_would_get_its_carried_amount_twice(
    cycle_of: CycleOf,
) -> None:
    cycle = cycle_of(pool=1_000, own=0, balances=[500, 500], names=["d0", "d0"])

    with pytest.raises(RefusalError, match="listed twice"):
        plan_payouts(cycle, PayoutRules(TEN_PERCENT), {"d0": Mutez(77)})
