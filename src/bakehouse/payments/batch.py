"""Grouping what is owed into transfers and batches; pure, and the same for the same ledger."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from bakehouse.ledger.payouts import Payout
from bakehouse.rewards.money import Mutez


@dataclass(frozen=True, slots=True)
class IntentPart:
    """One payout of a transfer, in mutez, and what of the transfer's cost its recipient bears."""

    #: None for what no payout asks for: an order outside any cycle, a mutez to oneself.
    payout_id: int | None
    net: Mutez
    bears_fee: bool = False
    bears_burn: bool = False
    #: A person let it go after it was held.
    is_released: bool = False


@dataclass(frozen=True, slots=True)
class TransferIntent:
    """One transfer that is meant, and the payouts it settles together."""

    destination: str
    parts: tuple[IntentPart, ...]
    #: What payouts bear of its cost, by row, once that is known.
    withheld: Mapping[int, Mutez] = field(default_factory=dict)

    @property
    def amount(self) -> Mutez:
        """What its payouts are owed together."""
        return Mutez(sum(part.net for part in self.parts))

    @property
    def payout_ids(self) -> tuple[int, ...]:
        """The rows of its payouts."""
        return tuple(part.payout_id for part in self.parts if part.payout_id is not None)


def unasked(destination: str, amount: Mutez) -> TransferIntent:
    """Mean a transfer that settles no payout."""
    return TransferIntent(destination, (IntentPart(None, amount),))


def intents(owed: Iterable[Payout]) -> list[TransferIntent]:
    """Merge payouts to one address into one transfer, ordered by address."""
    ordered = sorted(owed, key=lambda payout: (payout.address, payout.id))
    merged = []
    for destination, group in groupby(ordered, key=lambda payout: payout.address):
        parts = [
            IntentPart(
                payout.id,
                payout.net,
                payout.bears_fee,
                payout.bears_burn,
                is_released=payout.released_at is not None,
            )
            for payout in group
        ]
        merged.append(TransferIntent(destination, tuple(parts)))
    return merged


def fitting(gas_limits: Sequence[int], gas_max: int) -> int:
    """Give how many of the first contents stay within `gas_max` together."""
    used = 0
    for count, gas in enumerate(gas_limits):
        used += gas
        if used > gas_max:
            return count
    return len(gas_limits)
