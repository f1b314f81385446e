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
class CycleRewards:
    """Liquid rewards of one finished cycle and the balances they are shared by, in mutez.

    Only the *delegated* part of rewards is here: stakers are paid by the protocol, and what is
    staked or is the edge on staking stays with the baker (octez docs, adaptive issuance).
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

    def pool(self, *, share_block_fees: bool) -> Mutez:
        """Sum what is shared between the baker's own delegated balance and the delegators."""
        rewards = (
            self.block_rewards
            + self.attestation_rewards
            + self.dal_attestation_rewards
            + self.vdf_revelation_rewards
            + self.nonce_revelation_rewards
        )
        return Mutez(rewards + (self.block_fees if share_block_fees else 0))
