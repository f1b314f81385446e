"""What a baker's own program may change of a plan: take from one, give to another. Pure.

Nothing is ever added: what is taken goes to another recipient of the plan or stays with the baker.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bakehouse.errors import RefusalError
from bakehouse.rewards.money import NO_MUTEZ, Mutez


@dataclass(frozen=True, slots=True)
class Owed:
    """What a recipient is owed net for the cycle, in mutez."""

    recipient: str
    net: Mutez


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One change: so many mutez are taken from a recipient, and given to another or to nobody."""

    recipient: str
    amount: Mutez
    #: Who gets it; None leaves it with the baker.
    to: str | None
    #: In the words of whoever proposed it.
    why: str


@dataclass(frozen=True, slots=True)
class AdjustedNet:
    """What becomes of one recipient, in mutez: `net == before - lowered - sent + received`."""

    recipient: str
    before: Mutez
    #: Stays with the baker.
    lowered: Mutez = NO_MUTEZ
    #: Goes to other recipients.
    sent: Mutez = NO_MUTEZ
    #: Comes from other recipients.
    received: Mutez = NO_MUTEZ

    @property
    def net(self) -> Mutez:
        """What is owed now."""
        return Mutez(self.before - self.lowered - self.sent + self.received)

    @property
    def is_changed(self) -> bool:
        """Whether anything was taken or given."""
        return bool(self.lowered or self.sent or self.received)


def adjust(
    owed: Sequence[Owed], proposed: Iterable[Adjustment], *, pool: Mutez
) -> tuple[AdjustedNet, ...]:
    """Apply proposed changes, all of them or none; gives every recipient in its old order.

    The order of the changes does not matter: what one receives cannot be taken from it again.
    Raises RefusalError, which names the change, for an address that is not in the plan, an amount
    below one mutez, more than somebody is owed, or a sum beyond the pool.
    """
    before = {each.recipient: each.net for each in owed}
    if len(before) != len(owed):
        raise RefusalError("a recipient is twice in the plan: nothing of it can be adjusted")
    lowered: dict[str, int] = {}
    sent: dict[str, int] = {}
    received: dict[str, int] = {}
    for change in proposed:
        _refuse_impossible(change, before)
        if change.to is None:
            _count(lowered, change.recipient, change.amount)
        else:
            _count(sent, change.recipient, change.amount)
            _count(received, change.to, change.amount)
        taken = lowered.get(change.recipient, 0) + sent.get(change.recipient, 0)
        if taken > before[change.recipient]:
            raise RefusalError(
                f"{taken} mutez would be taken from {change.recipient}, which is owed "
                f"{before[change.recipient]}"
            )
    adjusted = tuple(
        AdjustedNet(
            each.recipient,
            each.net,
            Mutez(lowered.get(each.recipient, 0)),
            Mutez(sent.get(each.recipient, 0)),
            Mutez(received.get(each.recipient, 0)),
        )
        for each in owed
    )
    _prove(adjusted, pool)
    return adjusted


def _count(sums: dict[str, int], recipient: str, amount: int) -> None:
    sums[recipient] = sums.get(recipient, 0) + amount


def _refuse_impossible(change: Adjustment, before: dict[str, Mutez]) -> None:
    for address in (change.recipient, change.to):
        if address is not None and address not in before:
            raise RefusalError(f"{address} is not in the plan")
    if change.amount < 1:
        raise RefusalError(f"an adjustment of {change.amount} mutez is not 1 or more")
    if change.to == change.recipient:
        raise RefusalError(f"what is taken from {change.recipient} cannot be given to itself")


def _prove(adjusted: Sequence[AdjustedNet], pool: Mutez) -> None:
    """Add up anew, whatever was computed above."""
    before = sum(each.before for each in adjusted)
    after = sum(each.net for each in adjusted)
    kept = sum(each.lowered for each in adjusted)
    if after + kept != before:
        raise RefusalError(f"{after} and {kept} mutez do not add up to the {before} of the plan")
    if any(each.net < 0 for each in adjusted):
        raise RefusalError("an adjusted payout would be negative")
    if after > pool:
        raise RefusalError(f"the adjusted payouts of {after} mutez are more than the pool, {pool}")
