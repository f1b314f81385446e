"""What of a cycle is shared, kind by kind, and the own part under over-delegation protection."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.errors import RefusalError
from bakehouse.rewards.cycle_rewards import CycleRewards, DelegatorBalance, MissedRewards, Stake
from bakehouse.rewards.money import NO_SHARE, Mutez
from bakehouse.rewards.payout_rules import PayoutRules, RewardBasis
from bakehouse.rewards.plan import plan_payouts

#: Each kind is a power of ten of its own, so that a pool tells what is in it.
CYCLE = CycleRewards(
    cycle=750,
    own_delegated_balance=Mutez(0),
    external_delegated_balance=Mutez(1),
    block_rewards=Mutez(1),
    attestation_rewards=Mutez(10),
    dal_attestation_rewards=Mutez(100),
    vdf_revelation_rewards=Mutez(1_000),
    nonce_revelation_rewards=Mutez(10_000),
    block_fees=Mutez(100_000),
    delegators=(DelegatorBalance("d", Mutez(1)),),
    denunciation_rewards=Mutez(1_000_000),
    missed=MissedRewards(Mutez(99), Mutez(50), Mutez(7)),
    # 60 of 100 are delegated.
    stake=Stake(own=Mutez(30), external=Mutez(10), baking_power=100),
)
IDEAL = RewardBasis.IDEAL


def pool(cycle: CycleRewards = CYCLE, **rules: bool | RewardBasis) -> int:
    return plan_payouts(cycle, PayoutRules(NO_SHARE, **rules)).pool  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, 11_111),
        ({"share_block_fees": True}, 111_111),
        ({"share_denunciation_rewards": True}, 1_011_111),
        ({"share_block_rewards": False}, 11_110),
        ({"share_attestation_rewards": False}, 11_101),
        ({"share_dal_rewards": False}, 11_011),
        ({"share_vdf_rewards": False}, 10_111),
        ({"share_nonce_rewards": False}, 1_111),
    ],
)
def test_each_kind_is_shared_or_kept_by_a_rule_of_its_own(
    rules: dict[str, bool], expected: int
) -> None:
    assert pool(CYCLE, **rules) == expected


def test_ideal_adds_the_delegated_part_of_what_was_missed_each_kind_rounded_down() -> None:
    # 60 % of 99, 50 and 7 are 59.4, 30 and 4.2.
    assert pool(reward_basis=IDEAL) == 11_111 + 59 + 30 + 4
    assert pool(reward_basis=IDEAL, share_dal_rewards=False) == 11_011 + 59 + 30


@pytest.mark.parametrize(
    ("rules", "untold", "named"),
    [
        ({"share_denunciation_rewards": True}, "denunciation_rewards", "denunciation rewards"),
        ({"reward_basis": IDEAL}, "missed", "missed rewards"),
        ({"reward_basis": IDEAL}, "stake", "the stake"),
        ({"over_delegation_protection": True}, "stake", "the own stake"),
    ],
)
def test_a_number_that_was_not_told_is_never_taken_for_0(
    rules: dict[str, bool | RewardBasis], untold: str, named: str
) -> None:
    cycle = replace(CYCLE, **{untold: None})  # type: ignore[arg-type]

    assert pool(cycle) == 11_111
    with pytest.raises(RefusalError, match=named):
        pool(cycle, **rules)


@pytest.mark.parametrize("power", [0, 39])
def test_a_baking_power_that_does_not_hold_the_stakes_is_refused(power: int) -> None:
    cycle = replace(CYCLE, stake=replace(CYCLE.stake, baking_power=power))  # type: ignore[type-var]

    with pytest.raises(RefusalError, match="does not hold the stakes"):
        pool(cycle, reward_basis=IDEAL)


def cycle_of(*, pool: int, own: int, others: int, stake: int) -> CycleRewards:
    return replace(
        CYCLE,
        own_delegated_balance=Mutez(own),
        external_delegated_balance=Mutez(others),
        block_rewards=Mutez(pool - 11_110),
        delegators=(DelegatorBalance("d", Mutez(others)),),
        stake=Stake(Mutez(stake), Mutez(0), 1),
    )


@pytest.mark.parametrize(
    ("stake", "own_part"),
    [
        # 9 x 200 is room for all 1,000 that are delegated: a tenth is the baker's.
        (200, 10_000),
        # Room for 900: the baker's 100 are a ninth of those, whoever else came.
        (100, 11_111),
        # Room for 450, for 99: its own 100 fill the last of it alone.
        (50, 22_222),
        (11, 100_000),
        # Without a stake there is nothing to protect.
        (0, 10_000),
    ],
)
def test_delegation_without_room_thins_out_the_delegators_alone(stake: int, own_part: int) -> None:
    cycle = cycle_of(pool=100_000, own=100, others=900, stake=stake)

    plan = plan_payouts(cycle, PayoutRules(NO_SHARE, over_delegation_protection=True))

    assert plan.own_part == own_part
    assert plan.total_net == 100_000 - own_part
    assert plan_payouts(cycle, PayoutRules(NO_SHARE)).own_part == 10_000


@given(
    pool=st.integers(11_110, 10**15),
    own=st.integers(0, 10**15),
    others=st.integers(0, 10**15),
    stake=st.integers(0, 10**15),
)
def test_protection_never_takes_from_the_baker_nor_more_than_there_is(
    pool: int, own: int, others: int, stake: int
) -> None:
    cycle = cycle_of(pool=pool, own=own, others=others, stake=stake)

    open_part = plan_payouts(cycle, PayoutRules(NO_SHARE)).own_part
    protected = plan_payouts(cycle, PayoutRules(NO_SHARE, over_delegation_protection=True))

    assert open_part <= protected.own_part <= pool
    if own + others <= 9 * stake:
        assert protected.own_part == open_part
