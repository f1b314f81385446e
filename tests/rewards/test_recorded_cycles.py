"""Recorded cycles of real bakers, planned to the mutez, and numbers that other tools pinned."""

from pathlib import Path

import pytest

from bakehouse.rewards.cycle_rewards import CycleRewards
from bakehouse.rewards.money import BasisPoints
from bakehouse.rewards.payout_rules import PayoutRules
from bakehouse.rewards.plan import plan_payouts
from bakehouse.rewards.plan_values import PayoutPlan
from tests.rewards.recorded_splits import recorded, rewards_of

pytestmark = pytest.mark.conformance

TEN_PERCENT = PayoutRules(BasisPoints(1000))
TEN_PERCENT_WITH_BLOCK_FEES = PayoutRules(BasisPoints(1000), share_block_fees=True)


def split_750(chain_fixtures: Path) -> CycleRewards:
    return rewards_of(recorded(chain_fixtures / "tzkt/rewards-split/trd-tz1NRGxX-750.json"))


def nets(plan: PayoutPlan) -> dict[str, int]:
    return {payout.recipient: payout.net for payout in plan.payouts}


def test_cycle_420_with_two_delegators(chain_fixtures: Path) -> None:
    split = recorded(chain_fixtures / "tzkt/rewards-split/trd-tz1fikAG-420.json")
    plan = plan_payouts(rewards_of(split), TEN_PERCENT)

    assert (plan.cycle, plan.pool, plan.own_part) == (420, 2_265_625, 2_230_327)
    assert [(p.recipient, p.gross, p.fee, p.net) for p in plan.payouts] == [
        ("tz2FwCaeDYJHJBuE5Gayqpo9fkUMDB3Z6AGY", 32_643, 3_265, 29_378),
        ("tz2UD7tXJyBrfDBHnFzhnaeL8ZGHxcDZuDa3", 2_654, 266, 2_388),
    ]
    assert (plan.total_fees, plan.total_net, plan.dust) == (3_531, 31_766, 1)
    assert plan.baker_share == 2_233_859


def test_cycle_750_with_36_delegators_of_whom_four_earn_nothing(chain_fixtures: Path) -> None:
    plan = plan_payouts(split_750(chain_fixtures), TEN_PERCENT)

    assert (plan.pool, plan.own_part) == (23_846_700, 1_632_814)
    assert (plan.total_gross, plan.dust) == (22_213_872, 14)
    assert (plan.total_fees, plan.total_net, plan.baker_share) == (2_221_402, 19_992_470, 3_854_230)
    assert (len(plan.payouts), plan.zero_payouts) == (32, 4)
    assert nets(plan)["KT1UkUKJNwhQPJW99m2ax7MErGKTBTf84jfu"] == 17_443_442
    assert nets(plan)["tz1QKNjpkDm443z9EJ7uo7WVjZhjy3F3drTM"] == 2_235_955
    assert nets(plan)["tz1Y1MhPRqRbLjvJRoguQXCe5bUKp43vvqgN"] == 73_410


def test_cycle_750_shares_13536_mutez_more_when_block_fees_are_shared(chain_fixtures: Path) -> None:
    plan = plan_payouts(split_750(chain_fixtures), TEN_PERCENT_WITH_BLOCK_FEES)

    assert (plan.pool, plan.own_part) == (23_846_700 + 13_536, 1_633_741)
    assert (plan.total_fees, plan.total_net, plan.dust) == (2_222_662, 20_003_819, 14)


def test_cycle_750_is_the_pool_of_trd_and_its_owners_part_to_the_nearest_mutez(
    chain_fixtures: Path,
) -> None:
    vectors = recorded(chain_fixtures / "peers/trd-vectors.json")["vectors"]
    pinned = next(v["expected"] for v in vectors if v["id"] == "split-750-founders-owner")

    plan = plan_payouts(split_750(chain_fixtures), TEN_PERCENT)

    assert plan.pool == pinned["pool"]
    # The exact part is 1,632,814.79: TRD rounds to the nearest, we round down.
    assert plan.own_part == pinned["owner_amount"] - 1


def test_bake_nug_1336_has_the_published_pool_own_part_and_two_of_the_top_three(
    chain_fixtures: Path,
) -> None:
    example = recorded(chain_fixtures / "tzkt/rewards-split/taps-bake-nug-1336-excerpt.json")
    cycle, published = rewards_of(example["split"]), example["expected"]

    plan = plan_payouts(cycle, TEN_PERCENT)

    assert plan.pool == published["pool_delegated"] == 31_233_278
    assert plan.own_part == published["own_part"] == 58_366
    external_pool = plan.pool - plan.own_part
    assert external_pool == published["external_gross"] == 31_174_912
    top_three = [(payout.recipient, payout.net) for payout in plan.payouts[:3]]
    assert [net for _, net in top_three] == [2_461_373, 1_509_539, 1_467_074]
    # The published example takes the fee off the pool first, which gives the third a mutez more.
    assert [published["top3"][address] - net for address, net in top_three] == [0, 0, 1]


def test_bake_nug_1336_with_the_fee_off_the_pool_first_is_the_published_example(
    chain_fixtures: Path,
) -> None:
    example = recorded(chain_fixtures / "tzkt/rewards-split/taps-bake-nug-1336-excerpt.json")
    cycle, published = rewards_of(example["split"]), example["expected"]
    payable = 31_174_912 - 31_174_912 * 1000 // 10_000
    assert payable == published["payable"] == 28_057_421

    theirs = {
        delegator.address: payable * delegator.delegated_balance // cycle.external_delegated_balance
        for delegator in cycle.delegators[:12]
    }
    ours = nets(plan_payouts(cycle, TEN_PERCENT))

    assert {address: theirs[address] for address in published["top3"]} == published["top3"]
    more = [address for address, amount in theirs.items() if amount > ours[address]]
    assert more == [
        "tz1a4XMNsQgtw5i5PJ2ifQ9wWWJ6cbdEPLsx",
        "tz1QcqnzZ8pa6VuE4MSeMjsJkiW94wNrPbgX",
        "tz1Rr91iTi7KU1biTGYABEGmvQE3s9G7TA5i",
    ]
    assert sum(theirs.values()) == sum(ours[address] for address in theirs) + len(more)
