"""Deducting what somebody was paid too much from what they are owed now: pure arithmetic of mutez.

A deduction never makes a payout negative, and never takes more than was agreed to; what is left of
it is taken from later cycles.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bakehouse.rewards.money import Mutez


@dataclass(frozen=True, slots=True)
class OpenDeduction:
    """What is still to be deducted from whom; `left` in mutez."""

    id: int
    owed_to: str
    left: Mutez


@dataclass(frozen=True, slots=True)
class DeductedPart:
    """What one payout gives towards a deduction; `amount` in mutez, more than 0."""

    deduction_id: int
    amount: Mutez


@dataclass(frozen=True, slots=True)
class DeductedPayout:
    """A payout after deductions: `net == remaining + the parts`, to the mutez."""

    remaining: Mutez
    parts: tuple[DeductedPart, ...]

    @property
    def deducted(self) -> Mutez:
        """Sum the parts."""
        return Mutez(sum(part.amount for part in self.parts))


def deduct(net: Mutez, open_ones: Sequence[OpenDeduction]) -> DeductedPayout:
    """Take deductions off a payout in their order, each as far as there is something left.

    >>> deduct(Mutez(100), [OpenDeduction(1, "tz1", Mutez(30)), OpenDeduction(2, "tz1", Mutez(90))])
    DeductedPayout(remaining=0, parts=(DeductedPart(deduction_id=1, amount=30), \
DeductedPart(deduction_id=2, amount=70)))
    """
    remaining = net
    parts: list[DeductedPart] = []
    for each in open_ones:
        amount = Mutez(min(remaining, each.left))
        if amount <= 0:
            continue
        parts.append(DeductedPart(each.id, amount))
        remaining = Mutez(remaining - amount)
    return DeductedPayout(remaining, tuple(parts))


def by_recipient(open_ones: Iterable[OpenDeduction]) -> dict[str, list[OpenDeduction]]:
    """Group deductions by whom they are taken from, each in their order."""
    grouped: dict[str, list[OpenDeduction]] = {}
    for each in open_ones:
        grouped.setdefault(each.owed_to, []).append(each)
    return grouped
