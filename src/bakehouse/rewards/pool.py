"""What of a cycle is shared, and what of that is the baker's own."""

from typing import Final

from bakehouse.errors import RefusalError
from bakehouse.rewards.cycle_rewards import CycleRewards, MissedRewards, Stake
from bakehouse.rewards.money import Mutez, share_floor
from bakehouse.rewards.payout_rules import PayoutRules, RewardBasis

#: Delegation of this many times the own stake counts for rights (octez docs, adaptive issuance).
DELEGATION_OVER_STAKE: Final = 9


def pool_of(rewards: CycleRewards, rules: PayoutRules) -> Mutez:
    """Sum what is shared between the baker's own delegated balance and the delegators, in mutez.

    Raises RefusalError when a rule needs what the indexer did not tell.
    """
    kinds = (
        (rewards.block_rewards, rules.share_block_rewards),
        (rewards.attestation_rewards, rules.share_attestation_rewards),
        (rewards.dal_attestation_rewards, rules.share_dal_rewards),
        (rewards.vdf_revelation_rewards, rules.share_vdf_rewards),
        (rewards.nonce_revelation_rewards, rules.share_nonce_rewards),
        (rewards.block_fees, rules.share_block_fees),
    )
    earned: int = sum(amount for amount, is_shared in kinds if is_shared)
    if rules.share_denunciation_rewards:
        if rewards.denunciation_rewards is None:
            raise _untold("denunciation rewards")
        earned += rewards.denunciation_rewards
    if rules.reward_basis is RewardBasis.IDEAL:
        earned += ideal_addition(rewards, rules)
    return Mutez(earned)


def ideal_addition(rewards: CycleRewards, rules: PayoutRules) -> Mutez:
    """Give the delegated part of what the cycle missed, in mutez, each kind rounded down.

    A missed reward is of the whole baking power: delegation has its part of it.
    """
    missed, stake = rewards.missed, rewards.stake
    if missed is None or stake is None:
        raise _untold("missed rewards and the stake")
    shared = (rules.share_block_rewards, rules.share_attestation_rewards, rules.share_dal_rewards)
    parts = delegated_part(missed, stake)
    return Mutez(sum(part for part, is_shared in zip(parts, shared, strict=True) if is_shared))


def delegated_part(missed: MissedRewards, stake: Stake) -> tuple[Mutez, Mutez, Mutez]:
    """Give the delegated part (mutez, rounded down) of missed blocks, attestations and DAL.

    Raises RefusalError for a baking power that does not hold the stakes.
    """
    delegated = stake.baking_power - stake.own - stake.external
    if delegated < 0 or not stake.baking_power:
        raise RefusalError(
            f"the baking power of {stake.baking_power} does not hold the stakes of {stake.own} and "
            f"{stake.external} mutez: what delegation missed cannot be told"
        )
    blocks, attestations, dal = (
        share_floor(amount, delegated, stake.baking_power)
        for amount in (missed.blocks, missed.attestations, missed.dal)
    )
    return blocks, attestations, dal


def own_part_of(
    pool: Mutez, rewards: CycleRewards, external_counted: Mutez, rules: PayoutRules
) -> Mutez:
    """Give the baker's share of the pool for its own delegated balance, rounded down, in mutez.

    With `over_delegation_protection` the delegation for which the stake has no room thins out the
    delegators' shares, not the baker's.
    """
    if not external_counted:
        return pool
    own = rewards.own_delegated_balance
    base = own + external_counted
    if rules.over_delegation_protection:
        if rewards.stake is None:
            raise _untold("the own stake")
        room = DELEGATION_OVER_STAKE * rewards.stake.own
        base = min(base, room) if room else base
    return share_floor(pool, min(own, base), base)


def _untold(what: str) -> RefusalError:
    return RefusalError(f"the indexer's split does not tell {what}, which the baker's rules need")
