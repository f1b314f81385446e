"""Old payments against what wallets have sent: which were made, and by which operations. Pure.

A payment that the chain does not show is never called unpaid by itself: it waits for a person.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bakehouse.importers.moving_in import OldPayment, Outcome, Tool
from bakehouse.rewards.money import Mutez, format_tez

#: Operations of others to the same recipient that are named in a reason.
_NAMED_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Sent:
    """A transfer that was applied in a final block."""

    level: int
    operation_hash: str
    destination: str
    amount: Mutez


@dataclass(frozen=True, slots=True)
class Searched:
    """All that these wallets have sent, up to a level, and the last level of each cycle asked."""

    to_level: int
    wallets: tuple[str, ...]
    sent: tuple[Sent, ...]
    cycle_ends: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Checked:
    """An old payment, and what is known of it now."""

    payment: OldPayment
    #: Why it waits for a person; None: it was paid.
    held_because: str | None
    #: The block it is in; of one that is held, the newest that was searched; None: none was.
    level: int | None = None
    #: In words, where the chain tells more than the file, or other than it.
    found: str | None = None

    @property
    def is_paid(self) -> bool:
        """Whether it was paid, by the files or by the chain."""
        return self.held_because is None


def unchecked(payments: Sequence[OldPayment], tool: Tool) -> list[Checked]:
    """Take the files at their word, for want of a chain; what they are unsure of is held."""
    return [
        Checked(
            each,
            None
            if each.outcome is Outcome.PAID
            else f"{tool.label} says {each.said!r}, and the chain was not asked: look there before "
            "you release it",
        )
        for each in payments
    ]


def check(payments: Sequence[OldPayment], searched: Searched, tool: Tool) -> list[Checked]:
    """Tell of each payment, in the same order, whether it was made."""
    matching = _Matching(searched, tool)
    found: dict[int, Checked] = {}
    groups: dict[tuple[str, str], list[int]] = {}
    for index, payment in enumerate(payments):
        if payment.operation_hash is not None:
            groups.setdefault((payment.operation_hash, payment.address), []).append(index)
    for (operation_hash, address), indexes in groups.items():
        together = [payments[index] for index in indexes]
        named = matching.by_name(operation_hash, address, together)
        found |= dict(zip(indexes, named, strict=False))
    rest = [index for index in range(len(payments)) if index not in found]
    for index in sorted(rest, key=lambda index: (payments[index].cycle, index)):
        by_amount = matching.by_amount(payments[index])
        if by_amount is not None:
            found[index] = by_amount
    # Only now is it known which transfers explain no payment at all.
    for index in rest:
        if index not in found:
            found[index] = matching.held(payments[index])
    return [found[index] for index in range(len(payments))]


class _Matching:
    """Transfers by whom they paid, each explaining one payment at most, or those of one name."""

    def __init__(self, searched: Searched, tool: Tool) -> None:
        self._searched = searched
        self._tool = tool
        self._unclaimed: dict[str, list[Sent]] = {}
        self._by_name: dict[tuple[str, str], list[Sent]] = {}
        for each in searched.sent:
            self._unclaimed.setdefault(each.destination, []).append(each)
            self._by_name.setdefault((each.operation_hash, each.destination), []).append(each)

    def by_name(
        self, operation_hash: str, address: str, together: Sequence[OldPayment]
    ) -> list[Checked]:
        """Tell of payments that name one operation and recipient; none, when it paid it nothing."""
        sent = self._by_name.get((operation_hash, address), [])
        if not sent:
            return []
        for each in sent:
            self._unclaimed[address].remove(each)
        total = sum(each.amount for each in sent)
        difference = abs(total - sum(each.amount for each in together))
        level = sent[0].level
        if difference == 0:
            return [Checked(each, None, level) for each in together]
        if len(together) == 1 and difference <= together[0].tolerance:
            # The file has it rounded; the chain has it exactly.
            exact = replace(together[0], amount=Mutez(total))
            return [Checked(exact, None, level)]
        words = f"{operation_hash} paid {format_tez(Mutez(total))} tez to {address}, and not what "
        return [Checked(each, None, level, f"{words}{each.place} says") for each in together]

    def by_amount(self, payment: OldPayment) -> Checked | None:
        """Tell of a payment by its recipient and amount, when a transfer fits that is nobody's."""
        for each in self._after_cycle(payment):
            if abs(each.amount - payment.amount) <= payment.tolerance:
                self._unclaimed[payment.address].remove(each)
                exact = replace(payment, amount=each.amount, operation_hash=each.operation_hash)
                words = (
                    f"{self._tool.label} says {payment.said!r} without an operation that is on "
                    f"chain: {format_tez(each.amount)} tez went to it by {each.operation_hash}"
                )
                return Checked(exact, None, each.level, words)
        return None

    def held(self, payment: OldPayment) -> Checked:
        """Tell of a payment that the chain does not show: a person decides about it."""
        to_level = self._searched.to_level
        by = f"{self._tool.label} says {payment.said!r}"
        if payment.operation_hash is not None:
            by += f" by {payment.operation_hash}, which has not paid it"
        others = self._after_cycle(payment)
        if not others:
            words = (
                f"{by}; provably not paid: {' and '.join(self._searched.wallets)} sent it nothing "
                f"that is not another payment of this history, from the cycle's end to block "
                f"{to_level}"
            )
        else:
            words = (
                f"{by}; unsure: no transfer has this amount, but it got {_named(others)}, which "
                "this history does not explain"
            )
        return Checked(payment, words, to_level)

    def _after_cycle(self, payment: OldPayment) -> list[Sent]:
        end = self._searched.cycle_ends[payment.cycle]
        return [each for each in self._unclaimed.get(payment.address, ()) if each.level > end]


def _named(transfers: Iterable[Sent]) -> str:
    several = list(transfers)
    named = "; ".join(
        f"{format_tez(each.amount)} tez in {each.operation_hash} (block {each.level})"
        for each in several[:_NAMED_MAX]
    )
    more = len(several) - _NAMED_MAX
    return named if more <= 0 else f"{named} and {more} more"
