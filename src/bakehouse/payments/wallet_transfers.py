"""A memory of what a wallet has sent, by which final blocks need not be read twice. Values only.

Whose transfers they were is asked of the ledger each time: what it says of an operation may change.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bakehouse.rewards.money import Mutez


@dataclass(frozen=True, slots=True)
class WalletTransfer:
    """A transfer that a payout address has sent, applied; `amount` in mutez."""

    level: int
    operation_hash: str
    destination: str
    amount: Mutez


@dataclass(frozen=True, slots=True)
class Searched:
    """The levels of one wallet that were searched, all final, and what it sent in them."""

    after_level: int
    to_level: int
    sent: tuple[WalletTransfer, ...] = ()


@dataclass(slots=True)
class WalletTransfers:
    """What was searched so far, by network and address."""

    _by_wallet: dict[tuple[str, str], Searched] = field(default_factory=dict)

    def searched(self, network: str, source: str, after_level: int) -> Searched:
        """Give what is known of the levels after one; nothing, when those were not all searched."""
        known = self._by_wallet.get((network, source))
        if known is None or known.after_level > after_level:
            return Searched(after_level, after_level)
        # Older transfers are asked for no more once everybody of their cycle is paid.
        recent = tuple(each for each in known.sent if each.level > after_level)
        return Searched(after_level, max(after_level, known.to_level), recent)

    def remember(self, network: str, source: str, searched: Searched) -> None:
        """Keep what was searched now."""
        self._by_wallet[network, source] = searched


def by_destination(
    transfers: Iterable[WalletTransfer],
) -> Mapping[str, tuple[WalletTransfer, ...]]:
    """Group transfers by whom they paid."""
    grouped: dict[str, list[WalletTransfer]] = {}
    for transfer in transfers:
        grouped.setdefault(transfer.destination, []).append(transfer)
    return {destination: tuple(several) for destination, several in grouped.items()}
