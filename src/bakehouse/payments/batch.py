"""Grouping what is owed into transfers and batches; pure, and the same for the same ledger."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from bakehouse.ledger.payouts import Payout
from bakehouse.rewards.money import Mutez


@dataclass(frozen=True, slots=True)
class TransferIntent:
    """One transfer that is meant, and the payouts it settles together."""

    destination: str
    amount: Mutez
    payout_ids: tuple[int, ...]


def intents(owed: Iterable[Payout]) -> list[TransferIntent]:
    """Merge payouts to one address into one transfer, ordered by address."""
    ordered = sorted(owed, key=lambda payout: (payout.address, payout.id))
    merged = []
    for destination, group in groupby(ordered, key=lambda payout: payout.address):
        together = list(group)
        amount = Mutez(sum(payout.net for payout in together))
        merged.append(TransferIntent(destination, amount, tuple(payout.id for payout in together)))
    return merged


def fitting(gas_limits: Sequence[int], gas_max: int) -> int:
    """Give how many of the first contents stay within `gas_max` together."""
    used = 0
    for count, gas in enumerate(gas_limits):
        used += gas
        if used > gas_max:
            return count
    return len(gas_limits)
