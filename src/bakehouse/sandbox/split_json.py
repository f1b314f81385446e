"""TzKT's `rewards/split` of one cycle, derived from the chain's own accounts, or as recorded.

The fields are those of TzKT 1.17, with the deprecated names it still gives.
"""

from typing import Any, Final

from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.issuance import BAKER_SHARE, Earnings, RewardParts, Snapshot
from bakehouse.sandbox.protocol import COMMITTEE_SIZE, CONSENSUS_RIGHTS_DELAY
from bakehouse.sandbox.recorded_split import RecordedSplit

Json = dict[str, Any]

_PART_FIELDS: Final = ("Delegated", "StakedOwn", "StakedEdge", "StakedShared")
_LOST_FIELDS: Final = ("Staked", "Unstaked", "ExternalStaked", "ExternalUnstaked")

#: New names and the deprecated ones that carry the same number.
_RENAMED: Final = {
    "expectedAttestations": "expectedEndorsements",
    "futureAttestations": "futureEndorsements",
    "futureAttestationRewards": "futureEndorsementRewards",
    "attestations": "endorsements",
    **{f"attestationRewards{part}": f"endorsementRewards{part}" for part in _PART_FIELDS},
    "missedAttestations": "missedEndorsements",
    "missedAttestationRewards": "missedEndorsementRewards",
    "expectedDalAttestations": "expectedDalShards",
    "doubleConsensusRewards": "doubleEndorsingRewards",
    **{f"doubleConsensusLost{part}": f"doubleEndorsingLost{part}" for part in _LOST_FIELDS},
}


def split_json(chain: Chain, cycle: int, *, offset: int, limit: int) -> Json | None:
    """Give the split of a cycle, with a page of its delegators and stakers; None if not known.

    Known are the cycles since the chain began, and those whose rights are given out already.
    """
    newest = chain.cycle_length.cycle_of(chain.head.level) + CONSENSUS_RIGHTS_DELAY
    if not chain.settings.starting_cycle <= cycle <= newest:
        return None
    recorded = chain.world.recorded
    if recorded and cycle == recorded.cycle:
        totals, delegators, stakers = _recorded(chain, recorded)
    else:
        totals, delegators, stakers = _derived(chain, cycle)
    page = slice(offset, offset + limit)
    return {
        **totals,
        "delegators": delegators[page],
        "stakers": stakers[page],
        "actualStakers": _actual_stakers(chain, cycle)[page],
    }


def _derived(chain: Chain, cycle: int) -> tuple[Json, list[Json], list[Json]]:
    snapshot = chain.rights.snapshot(cycle)
    totals = {
        **_balances(snapshot, cycle),
        **_rewards(chain.earnings(cycle)),
        **_expectations(chain, cycle),
    }
    delegators = [
        {"address": address, "delegatedBalance": balance, "emptied": _is_emptied(chain, address)}
        for address, balance in snapshot.delegators
    ]
    stakers = [
        {"address": address, "stakedPseudotokens": str(balance), "stakedBalance": balance}
        for address, balance in snapshot.stakers
    ]
    return _with_old_names(totals), delegators, stakers


def _balances(snapshot: Snapshot, cycle: int) -> Json:
    return {
        "cycle": cycle,
        "ownDelegatedBalance": snapshot.own_delegated,
        "externalDelegatedBalance": snapshot.external_delegated,
        "delegatorsCount": len(snapshot.delegators),
        "ownStakedBalance": snapshot.own_staked,
        "externalStakedBalance": snapshot.external_staked,
        "stakersCount": len(snapshot.stakers),
        "issuedPseudotokens": str(snapshot.external_staked) if snapshot.stakers else None,
        "bakingPower": snapshot.baking_power,
        "totalBakingPower": snapshot.baking_power * BAKER_SHARE,
    }


def _rewards(earnings: Earnings) -> Json:
    nothing = RewardParts()
    return {
        "blocks": earnings.blocks,
        **_parts("blockRewards", earnings.block_rewards),
        **_parts("attestationRewards", earnings.attestation_rewards),
        **_parts("dalAttestationRewards", earnings.dal_attestation_rewards),
        **_parts("vdfRevelationRewards", nothing),
        **_parts("nonceRevelationRewards", nothing),
        "nonceRevelationLosses": 0,
        "blockFees": earnings.block_fees,
        "missedBlocks": 0,
        "missedBlockRewards": 0,
        "missedBlockFees": 0,
        "missedAttestations": 0,
        "missedAttestationRewards": 0,
        "missedDalAttestationRewards": 0,
        "doubleBakingRewards": 0,
        **{f"doubleBakingLost{part}": 0 for part in _LOST_FIELDS},
        "doubleConsensusRewards": 0,
        **{f"doubleConsensusLost{part}": 0 for part in _LOST_FIELDS},
        "doublePreendorsingRewards": 0,
        **{f"doublePreendorsingLost{part}": 0 for part in _LOST_FIELDS},
    }


def _parts(name: str, parts: RewardParts) -> dict[str, int]:
    values = (parts.delegated, parts.staked_own, parts.staked_edge, parts.staked_shared)
    return {name + part: value for part, value in zip(_PART_FIELDS, values, strict=True)}


def _expectations(chain: Chain, cycle: int) -> Json:
    """Give what the baker could expect of the cycle, and what of it is still to come."""
    first, last = chain.cycle_length.first_level(cycle), chain.cycle_length.last_level(cycle)
    to_come = range(max(first, chain.head.level + 1), last + 1)
    blocks_to_come = sum(chain.rights.may_bake(level) for level in to_come)
    rates = chain.rights.rates(cycle)
    attestations = COMMITTEE_SIZE // BAKER_SHARE * chain.cycle_length.blocks
    # Attestation rewards come all at once, in the last block.
    is_open = bool(to_come)
    return {
        "expectedBlocks": chain.cycle_length.blocks / BAKER_SHARE,
        "futureBlocks": blocks_to_come,
        "futureBlockRewards": blocks_to_come * rates.block.total,
        "expectedAttestations": attestations,
        "futureAttestations": attestations if is_open else 0,
        "futureAttestationRewards": rates.attestation.total if is_open else 0,
        "attestations": 0 if is_open else attestations,
        "expectedDalAttestations": attestations,
        "futureDalAttestationRewards": rates.dal_attestation.total if is_open else 0,
    }


def _with_old_names(totals: Json) -> Json:
    return {**totals, **{old: totals[new] for new, old in _RENAMED.items()}}


def _is_emptied(chain: Chain, address: str) -> bool:
    account = chain.account(address, chain.head.level)
    return account is None or account.balance == 0


def _recorded(chain: Chain, recorded: RecordedSplit) -> tuple[Json, list[Json], list[Json]]:
    """Give a recorded cycle: the numbers as they are in the document, once the cycle is closed."""
    derived, _, __ = _derived(chain, recorded.cycle)
    document = dict(recorded.document)
    delegators = document.pop("delegators")
    stakers = document.pop("stakers", [])
    document.pop("actualStakers", None)
    for new, old in _RENAMED.items():
        value = document.get(new, document.get(old, derived[new]))
        document |= {new: value, old: value}
    totals = {**derived, **document}
    if chain.head.level < chain.cycle_length.last_level(recorded.cycle):
        totals |= _still_to_come(recorded.earnings)
    return totals, delegators, stakers


def _still_to_come(earnings: Earnings) -> Json:
    """Give the rewards of a recorded cycle as if none of them had come yet."""
    attestations = earnings.attestation_rewards.total
    return _with_old_names(
        {
            **_rewards(Earnings()),
            "expectedAttestations": 1,
            "attestations": 0,
            "futureBlocks": max(earnings.blocks, 1),
            "futureBlockRewards": earnings.block_rewards.total,
            "futureAttestations": 1,
            "futureAttestationRewards": attestations,
            "expectedDalAttestations": 1,
            "futureDalAttestationRewards": earnings.dal_attestation_rewards.total,
        }
    )


def _actual_stakers(chain: Chain, cycle: int) -> list[Json]:
    before = max(chain.cycle_length.first_level(cycle) - 1, 0)
    after = min(chain.cycle_length.last_level(cycle), chain.head.level)
    rows = []
    for address, _ in chain.rights.snapshot(cycle).stakers:
        initial, final = (chain.account(address, level) for level in (before, after))
        if initial is None or final is None or before > after:
            continue
        rows.append(
            {
                "address": address,
                "initialStake": initial.staked,
                "finalStake": final.staked,
                "rewards": final.staked - initial.staked,
            }
        )
    return rows
