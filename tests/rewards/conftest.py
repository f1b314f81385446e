"""What the tests of the arithmetic share: short ways to describe a cycle."""

from collections.abc import Callable, Sequence

import pytest

from bakehouse.rewards.cycle_rewards import CycleRewards, DelegatorBalance
from bakehouse.rewards.money import NO_MUTEZ, Mutez


@pytest.fixture(scope="session")
def cycle_of() -> Callable[..., CycleRewards]:
    """Build a cycle whose whole pool is block rewards; delegators are called d0, d1, …"""

    def build(
        *, pool: int, own: int, balances: Sequence[int], names: Sequence[str] = ()
    ) -> CycleRewards:
        chosen = names or [f"d{index}" for index in range(len(balances))]
        return CycleRewards(
            cycle=750,
            own_delegated_balance=Mutez(own),
            external_delegated_balance=Mutez(sum(balances)),
            block_rewards=Mutez(pool),
            attestation_rewards=NO_MUTEZ,
            dal_attestation_rewards=NO_MUTEZ,
            vdf_revelation_rewards=NO_MUTEZ,
            nonce_revelation_rewards=NO_MUTEZ,
            block_fees=NO_MUTEZ,
            delegators=tuple(
                DelegatorBalance(name, Mutez(balance))
                for name, balance in zip(chosen, balances, strict=True)
            ),
        )

    return build
