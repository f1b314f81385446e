"""A memory of transfers that an address has sent and this ledger does not know. Values only.

Who asks reads the chain and the ledger; this only spares reading final blocks twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bakehouse.rewards.money import Mutez


@dataclass(frozen=True, slots=True)
class ForeignTransfer:
    """A transfer from our own payout address that was not signed here; `amount` in mutez."""

    level: int
    operation_hash: str
    destination: str
    amount: Mutez


@dataclass(slots=True)
class Searched:
    """The levels of one address that were searched, all final, and what was found there."""

    after_level: int
    to_level: int
    found: tuple[ForeignTransfer, ...] = ()


@dataclass(slots=True)
class SentElsewhere:
    """What was searched so far, by network and address."""

    _by_source: dict[tuple[str, str], Searched] = field(default_factory=dict)

    def searched(self, network: str, source: str, after_level: int) -> Searched:
        """Give what is known of the levels after one; nothing, when those were not all searched."""
        known = self._by_source.get((network, source))
        if known is not None and known.after_level <= after_level:
            return known
        return Searched(after_level, after_level)

    def remember(self, network: str, source: str, searched: Searched) -> None:
        """Keep what was searched now."""
        self._by_source[network, source] = searched


def by_destination(
    transfers: Iterable[ForeignTransfer],
) -> Mapping[str, tuple[ForeignTransfer, ...]]:
    """Group transfers by whom they paid."""
    grouped: dict[str, list[ForeignTransfer]] = {}
    for transfer in transfers:
        grouped.setdefault(transfer.destination, []).append(transfer)
    return {destination: tuple(several) for destination, several in grouped.items()}
