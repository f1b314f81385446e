"""What was found when the ledger was matched with the chain. Values only."""

from dataclasses import dataclass, field
from enum import StrEnum


class DifferenceKind(StrEnum):
    """In what ways ledger and chain can differ."""

    BLOCK = "block"  # the block that paid is not the chain's, or not agreed on
    RECEIPT = "receipt"  # the operation is not in it, or not as it was signed
    PAYOUT = "payout"  # called paid, and its operation is not final and applied
    PLAN = "plan"  # the payouts do not add up to the plan
    TRANSFER = "transfer"  # the indexer shows other transfers of the operation
    UNKNOWN = "unknown"  # a recipient was paid from the wallet, and not from here
    AUDIT = "audit"  # the audit trail was changed


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which ledger and chain differ, in words."""

    kind: DifferenceKind
    cycle: int | None
    words: str


@dataclass(slots=True)
class Verification:
    """What was compared, and what differs. `other_transfers` paid nobody who is owed anything."""

    distributions: int = 0
    payouts: int = 0
    transfers: int = 0
    mutez: int = 0
    other_transfers: int = 0
    #: Payouts that another tool paid, and that name no operation: nothing can be matched.
    unproven: int = 0
    differences: list[Difference] = field(default_factory=list)

    def differ(self, kind: DifferenceKind, cycle: int | None, words: str) -> None:
        """Note a difference."""
        self.differences.append(Difference(kind, cycle, words))

    def add(self, other: "Verification") -> None:
        """Take in what was found of orders outside any cycle."""
        self.transfers += other.transfers
        self.differences += other.differences
