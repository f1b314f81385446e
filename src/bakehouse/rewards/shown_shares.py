"""Shares of a whole as people are shown them: in basis points that add up to 100 % exactly.

For the eye only; nothing is paid by these.
"""

from collections.abc import Sequence

from bakehouse.rewards.money import WHOLE, BasisPoints, Mutez


def shown_shares(amounts: Sequence[Mutez]) -> list[BasisPoints]:
    """Give each amount's share of the sum, rounded by largest remainder.

    >>> shown_shares([Mutez(1), Mutez(1), Mutez(1)])
    [3334, 3333, 3333]
    """
    total = sum(amounts)
    if total <= 0:
        return [BasisPoints(0) for _ in amounts]
    floors = [amount * WHOLE // total for amount in amounts]
    by_remainder = sorted(
        range(len(amounts)), key=lambda index: (-(amounts[index] * WHOLE % total), index)
    )
    lifted = set(by_remainder[: WHOLE - sum(floors)])
    return [BasisPoints(floor + (index in lifted)) for index, floor in enumerate(floors)]
