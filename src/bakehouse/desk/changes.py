"""What a simulated cycle changes for each recipient, against the last one. Integers only."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bakehouse.rewards.money import Mutez


class ChangeKind(StrEnum):
    """What became of a recipient."""

    NEW = "new"
    LEFT = "left"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Change:
    """One recipient then and now, in mutez; `per_mille` is of what it was, None for a new one."""

    owed_to: str
    before: Mutez
    now: Mutez

    @property
    def kind(self) -> ChangeKind:
        """Tell a new recipient from one that left, and from one that gets something else."""
        if self.before == self.now:
            return ChangeKind.SAME
        if not self.before:
            return ChangeKind.NEW
        return ChangeKind.CHANGED if self.now else ChangeKind.LEFT

    @property
    def difference(self) -> Mutez:
        """Give how much more it gets; less is negative."""
        return Mutez(self.now - self.before)

    @property
    def per_mille(self) -> int | None:
        """Give the difference in parts per thousand, rounded towards zero."""
        if not self.before:
            return None
        size = abs(self.difference) * 1_000 // self.before
        return size if self.difference > 0 else -size


@dataclass(frozen=True, slots=True)
class ChangeSummary:
    """How many changed in which way, and the difference of all together in mutez."""

    counts: Mapping[ChangeKind, int]
    difference: Mutez


def changes_of(document: Mapping[str, Any]) -> list[Change]:
    """Read the changes from a simulation's document, the largest first."""
    return [
        Change(each["owed_to"], Mutez(int(each["before"])), Mutez(int(each["now"])))
        for each in document["changes"]
    ]


def summary_of(changes: Iterable[Change]) -> ChangeSummary:
    """Count changes by kind, every kind named, and add them up."""
    several = list(changes)
    counted = Counter(each.kind for each in several)
    return ChangeSummary(
        {kind: counted[kind] for kind in ChangeKind},
        Mutez(sum(each.difference for each in several)),
    )
