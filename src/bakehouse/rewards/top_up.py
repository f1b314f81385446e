"""How much a payout wallet is topped up by: pure arithmetic of mutez, no wallet and no clock."""

from typing import Final

from bakehouse.rewards.money import NO_MUTEZ, Mutez

#: Below this part of its target a wallet is topped up: not after every payment of a few mutez.
_LOW_TENTHS: Final = 9


def is_low(balance: Mutez, target: Mutez, owed: Mutez) -> bool:
    """Whether a wallet wants a top-up: under nine tenths of its target, or of what it owes.

    A wallet that owes more than its target is not filled beyond that.
    """
    return 10 * balance < _LOW_TENTHS * target or balance < min(owed, target)


def top_up_amount(balance: Mutez, *, target: Mutez, owed: Mutez, spent: Mutez, cap: Mutez) -> Mutez:
    """Give what fills a wallet to its target, within what is left of a day's cap; 0 for nothing.

    `spent` is what was topped up in the same day. The balance and the amount never pass the target,
    and a day's amounts never pass the cap.
    """
    if not is_low(balance, target, owed):
        return NO_MUTEZ
    return Mutez(max(0, min(target - balance, cap - spent)))
