"""A baker's reward split as TzKT (or tezindex) documents it, read so strictly that it can be paid.

Pure and offline. A document that is incomplete, contradicts itself, or does not add up to the
mutez is refused; nothing absent is taken for 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from bakehouse.errors import AddressError, SourceMalformedError, SplitRefusedError
from bakehouse.rewards.cycle_rewards import (
    CycleRewards,
    DelegatorBalance,
    MissedRewards,
    Stake,
)
from bakehouse.rewards.money import Mutez
from bakehouse.tezos.address import parse_recipient
from bakehouse.tezos.strict_json import Fields, decode_unique, read_objects

DELEGATORS: Final = "delegators"

_STAKE_FIELDS: Final = ("ownStakedBalance", "externalStakedBalance", "bakingPower")


@dataclass(frozen=True, slots=True)
class SplitTotals:
    """A split without its members. Amounts in mutez; rewards are the baker's liquid ones."""

    cycle: int
    own_delegated_balance: Mutez
    external_delegated_balance: Mutez
    #: Those who delegate; who left with unstaked funds still counted is a member without being one.
    delegators_count: int
    block_rewards: Mutez
    attestation_rewards: Mutez
    dal_attestation_rewards: Mutez
    vdf_revelation_rewards: Mutez
    nonce_revelation_rewards: Mutez
    block_fees: Mutez
    future_blocks: int
    future_attestations: int
    #: What the cycle is still expected to bring.
    future_rewards: Mutez
    denunciation_rewards: Mutez | None
    missed: MissedRewards | None
    stake: Stake | None


@dataclass(frozen=True, slots=True)
class RewardSplit:
    """A split whose members are complete: their balances add up to what the totals say."""

    rewards: CycleRewards
    totals: SplitTotals

    @property
    def is_closed(self) -> bool:
        """Tell whether the cycle can bring no more: it expects neither blocks nor rewards."""
        totals = self.totals
        return not (totals.future_blocks or totals.future_attestations or totals.future_rewards)


def parse_split_text(data: bytes) -> RewardSplit:
    """Read a split from the bytes of a file; raises SplitRefusedError, as `parse_split` does."""
    try:
        document = decode_unique(data)
    except SourceMalformedError as error:
        raise SplitRefusedError(f"this is not a reward split: {error.message}") from error
    return parse_split(document)


def parse_split(document: Any) -> RewardSplit:
    """Read a whole split.

    Raises SplitRefusedError, which names the field that is missing or wrong, or the gap between
    the members' balances and their total.
    """
    try:
        totals = parse_totals(document)
        delegators = parse_delegators(document)
    except SourceMalformedError as error:
        raise SplitRefusedError(f"this reward split must not be paid: {error.message}") from error
    return complete(totals, delegators)


def parse_totals(document: Any) -> SplitTotals:
    """Read the totals of a split, whole or a page of it; raises SourceMalformedError."""
    fields = Fields.of(document)
    has_dal = _knows_dal(fields)
    return SplitTotals(
        cycle=fields.natural("cycle"),
        own_delegated_balance=_mutez(fields, "ownDelegatedBalance"),
        external_delegated_balance=_mutez(fields, "externalDelegatedBalance"),
        delegators_count=fields.natural("delegatorsCount"),
        block_rewards=_mutez(fields, "blockRewardsDelegated"),
        attestation_rewards=Mutez(_attestation(fields, "attestationRewardsDelegated")),
        dal_attestation_rewards=(
            _mutez(fields, "dalAttestationRewardsDelegated") if has_dal else Mutez(0)
        ),
        vdf_revelation_rewards=_mutez(fields, "vdfRevelationRewardsDelegated"),
        nonce_revelation_rewards=_mutez(fields, "nonceRevelationRewardsDelegated"),
        block_fees=_mutez(fields, "blockFees"),
        future_blocks=fields.natural("futureBlocks"),
        future_attestations=_attestation(fields, "futureAttestations"),
        future_rewards=Mutez(
            fields.natural("futureBlockRewards")
            + _attestation(fields, "futureAttestationRewards")
            + (fields.natural("futureDalAttestationRewards") if has_dal else 0)
        ),
        denunciation_rewards=_denunciations(fields),
        missed=_missed(fields, has_dal=has_dal),
        stake=_stake(fields),
    )


def parse_delegators(document: Any, first: int = 0) -> tuple[DelegatorBalance, ...]:
    """Read the members of a split, or of its page that begins with member number `first`."""
    entries = read_objects(Fields.of(document).value(DELEGATORS), DELEGATORS, first=first)
    return tuple(
        DelegatorBalance(
            address=_delegator_address(entry),
            delegated_balance=_mutez(entry, "delegatedBalance"),
            emptied=entry.boolean("emptied"),
        )
        for entry in entries
    )


def complete(totals: SplitTotals, delegators: Sequence[DelegatorBalance]) -> RewardSplit:
    """Join totals and all members.

    Raises SplitRefusedError when a member is named twice, or they do not add up to the totals.
    """
    _refuse_duplicates(delegators)
    _check_sum(totals, delegators)
    return RewardSplit(
        rewards=CycleRewards(
            cycle=totals.cycle,
            own_delegated_balance=totals.own_delegated_balance,
            external_delegated_balance=totals.external_delegated_balance,
            block_rewards=totals.block_rewards,
            attestation_rewards=totals.attestation_rewards,
            dal_attestation_rewards=totals.dal_attestation_rewards,
            vdf_revelation_rewards=totals.vdf_revelation_rewards,
            nonce_revelation_rewards=totals.nonce_revelation_rewards,
            block_fees=totals.block_fees,
            delegators=tuple(delegators),
            denunciation_rewards=totals.denunciation_rewards,
            missed=totals.missed,
            stake=totals.stake,
        ),
        totals=totals,
    )


def _mutez(fields: Fields, name: str) -> Mutez:
    return Mutez(fields.natural(name))


def _attestation(fields: Fields, name: str) -> int:
    """Read a field of attestations, which TzKT before 1.16 called endorsements.

    Later versions still emit the old names as well; then the two must agree.
    """
    old_name = name.replace("attestation", "endorsement").replace("Attestation", "Endorsement")
    names = [each for each in (name, old_name) if each in fields] or [name]
    values = {fields.natural(each) for each in names}
    if len(values) > 1:
        raise SourceMalformedError(f"{name} and {old_name} mean the same, but differ")
    return values.pop()


def _denunciations(fields: Fields) -> Mutez | None:
    """Sum the rewards for denouncing; None where an indexer does not tell all of them.

    TzKT before 1.16 told double attesting and double preattesting apart.
    """
    consensus: tuple[str, ...] = ("doubleConsensusRewards",)
    if consensus[0] not in fields:
        consensus = ("doubleEndorsingRewards", "doublePreendorsingRewards")
    names = ("doubleBakingRewards", *consensus)
    if any(name not in fields for name in names):
        return None
    return Mutez(sum(fields.natural(name) for name in names))


def _missed(fields: Fields, *, has_dal: bool) -> MissedRewards | None:
    attestations = ("missedAttestationRewards", "missedEndorsementRewards")
    if "missedBlockRewards" not in fields or not any(each in fields for each in attestations):
        return None
    if has_dal and "missedDalAttestationRewards" not in fields:
        return None
    return MissedRewards(
        blocks=_mutez(fields, "missedBlockRewards"),
        attestations=Mutez(_attestation(fields, attestations[0])),
        dal=_mutez(fields, "missedDalAttestationRewards") if has_dal else Mutez(0),
    )


def _stake(fields: Fields) -> Stake | None:
    if any(name not in fields for name in _STAKE_FIELDS):
        return None
    own, external, power = (fields.natural(name) for name in _STAKE_FIELDS)
    return Stake(Mutez(own), Mutez(external), power)


def _knows_dal(fields: Fields) -> bool:
    """Tell whether the document is of a time that rewards data availability (DAL).

    TzKT got these fields in 1.14.8 (Rio), before it spoke of attestations: only a document that
    speaks of endorsements alone may be without.
    """
    return "attestationRewardsDelegated" in fields or any(
        name.startswith("dal") or "Dal" in name for name in fields.values
    )


def _delegator_address(entry: Fields) -> str:
    try:
        return parse_recipient(entry.text("address"))
    except AddressError as error:
        raise SourceMalformedError(f"{entry.path_to('address')}: {error.message}") from error


def _refuse_duplicates(delegators: Sequence[DelegatorBalance]) -> None:
    seen: set[str] = set()
    for delegator in delegators:
        if delegator.address in seen:
            raise SplitRefusedError(
                f"this reward split must not be paid: it names delegator {delegator.address} twice"
            )
        seen.add(delegator.address)


def _check_sum(totals: SplitTotals, delegators: Sequence[DelegatorBalance]) -> None:
    expected = totals.external_delegated_balance
    found = sum(delegator.delegated_balance for delegator in delegators)
    if found == expected:
        return
    gap = f"{abs(expected - found)} mutez are {'missing' if found < expected else 'too many'}"
    raise SplitRefusedError(
        f"this reward split is not payable: the balances of its {len(delegators)} delegators add "
        f"up to {found} mutez, but externalDelegatedBalance is {expected}: {gap}",
        found=found,
        expected=expected,
    )
