"""Recorded reward splits as the arithmetic takes them, with old names of fields, and excerpts."""

import json
from pathlib import Path
from typing import Any, Final

from bakehouse.rewards.cycle_rewards import CycleRewards, DelegatorBalance
from bakehouse.rewards.money import Mutez

_DENUNCIATIONS: Final = (
    "doubleBakingRewards",
    "doubleEndorsingRewards",
    "doublePreendorsingRewards",
)


def recorded(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def rewards_of(split: dict[str, Any]) -> CycleRewards:
    """Read what the arithmetic needs; delegators missing from an excerpt become one more."""

    def rewards(*names: str) -> Mutez:
        return Mutez(next((split[name] for name in names if name in split), 0))

    delegators = [
        DelegatorBalance(row["address"], Mutez(row["delegatedBalance"]), emptied=row["emptied"])
        for row in split["delegators"]
    ]
    listed = sum(delegator.delegated_balance for delegator in delegators)
    if missing := split["externalDelegatedBalance"] - listed:
        delegators.append(DelegatorBalance("everyone else", Mutez(missing)))
    return CycleRewards(
        cycle=split["cycle"],
        own_delegated_balance=Mutez(split["ownDelegatedBalance"]),
        external_delegated_balance=Mutez(split["externalDelegatedBalance"]),
        block_rewards=rewards("blockRewardsDelegated"),
        attestation_rewards=rewards("attestationRewardsDelegated", "endorsementRewardsDelegated"),
        dal_attestation_rewards=rewards("dalAttestationRewardsDelegated"),
        vdf_revelation_rewards=rewards("vdfRevelationRewardsDelegated"),
        nonce_revelation_rewards=rewards("nonceRevelationRewardsDelegated"),
        block_fees=Mutez(split["blockFees"]),
        denunciation_rewards=Mutez(sum(split.get(name, 0) for name in _DENUNCIATIONS)),
        delegators=tuple(delegators),
    )
