"""A recorded `rewards/split` document of TzKT, of any of its versions since 2024.

Only what the simulated chain needs is understood; the document itself is kept and served.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from bakehouse.errors import AddressError, SettingError
from bakehouse.sandbox.issuance import Earnings, RewardParts
from bakehouse.tezos.address import parse_recipient

_PARTS = ("Delegated", "StakedOwn", "StakedEdge", "StakedShared")


@dataclass(frozen=True, slots=True)
class RecordedSplit:
    """One finished cycle of a real baker: balances in mutez, and the document they are from.

    `delegators` and `stakers` are (address, balance), in the order in which they were recorded.
    """

    document: Mapping[str, Any]
    cycle: int
    own_delegated_balance: int
    own_staked_balance: int
    delegators: tuple[tuple[str, int], ...]
    stakers: tuple[tuple[str, int], ...]
    emptied: frozenset[str]
    earnings: Earnings

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read a document; SettingError if something that is needed is missing or malformed."""
        try:
            return cls._read(document)
        except (KeyError, TypeError, ValueError, AddressError) as error:
            raise SettingError(
                f"sandbox: the document to replay is not a rewards/split of TzKT: {error!r}"
            ) from error

    @classmethod
    def _read(cls, document: Mapping[str, Any]) -> Self:
        delegators = document["delegators"]
        return cls(
            document=document,
            cycle=int(document["cycle"]),
            own_delegated_balance=int(document["ownDelegatedBalance"]),
            own_staked_balance=int(document["ownStakedBalance"]),
            delegators=tuple(
                (parse_recipient(row["address"]), int(row["delegatedBalance"]))
                for row in delegators
            ),
            stakers=tuple(
                (parse_recipient(row["address"]), int(row["stakedBalance"]))
                for row in document.get("stakers", ())
            ),
            emptied=frozenset(row["address"] for row in delegators if row.get("emptied")),
            earnings=_earnings(document),
        )


def _earnings(document: Mapping[str, Any]) -> Earnings:
    # TzKT called attestations endorsements until 1.15; at least one of the names is there.
    attestation = (
        "attestationRewards" if "attestationRewardsDelegated" in document else "endorsementRewards"
    )
    return Earnings(
        blocks=int(document["blocks"]),
        block_rewards=_parts(document, "blockRewards"),
        attestation_rewards=_parts(document, attestation),
        dal_attestation_rewards=_parts(document, "dalAttestationRewards")
        if "dalAttestationRewardsDelegated" in document
        else RewardParts(),
        block_fees=int(document["blockFees"]),
    )


def _parts(document: Mapping[str, Any], name: str) -> RewardParts:
    # Without the part that is shared among delegators, a split says nothing about rewards.
    delegated, *others = _PARTS
    return RewardParts(
        int(document[name + delegated]), *(int(document.get(name + part, 0)) for part in others)
    )
