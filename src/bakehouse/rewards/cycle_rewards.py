"""What a baker earned in one cycle, as the payout rules need it; not how it was fetched."""

from dataclasses import dataclass

from bakehouse.rewards.money import Mutez


@dataclass(frozen=True, slots=True)
class DelegatorBalance:
    """One delegator of the cycle and the balance (mutez) that counted for its baking rights."""

    address: str
    delegated_balance: Mutez
    #: The indexer says the account has been emptied since; paying it burns storage anew.
    emptied: bool = False


@dataclass(frozen=True, slots=True)
class MissedRewards:
    """Rewards (mutez) that the cycle's rights would have brought, of the whole baking power."""

    blocks: Mutez
    attestations: Mutez
    dal: Mutez


@dataclass(frozen=True, slots=True)
class Stake:
    """What was staked with the baker when the cycle's rights were given out, in mutez."""

    own: Mutez
    external: Mutez
    #: Stake and delegation together, as the protocol weighs them for the cycle's rights.
    baking_power: int


@dataclass(frozen=True, slots=True)
class CycleRewards:
    """Liquid rewards of one finished cycle and the balances they are shared by, in mutez.

    Only the *delegated* part of rewards is here: stakers are paid by the protocol, and what is
    staked or is the edge on staking stays with the baker (octez docs, adaptive issuance). What is
    None was not told: a rule that needs it refuses, nothing is taken for 0.
    """

    cycle: int
    own_delegated_balance: Mutez
    external_delegated_balance: Mutez
    block_rewards: Mutez
    attestation_rewards: Mutez
    dal_attestation_rewards: Mutez
    vdf_revelation_rewards: Mutez
    nonce_revelation_rewards: Mutez
    block_fees: Mutez
    delegators: tuple[DelegatorBalance, ...]
    #: For denouncing other bakers' double baking, attesting and preattesting.
    denunciation_rewards: Mutez | None = None
    missed: MissedRewards | None = None
    stake: Stake | None = None
