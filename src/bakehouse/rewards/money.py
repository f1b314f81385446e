"""Mutez and percentages as exact integers, and how people write them."""

import re
from typing import NewType

from bakehouse.errors import InputError, PercentageError

#: One millionth of a tez; the only unit of money in this code.
Mutez = NewType("Mutez", int)

#: One hundredth of a percent: 10 % is 1000. Two decimals of a percent are exact.
BasisPoints = NewType("BasisPoints", int)

NO_MUTEZ = Mutez(0)
NO_SHARE = BasisPoints(0)
WHOLE = BasisPoints(10_000)
MUTEZ_PER_TEZ = 1_000_000

_TEZ = re.compile(r"(\d{1,12})(?:\.(\d{1,6}))?", re.ASCII)
_PERCENT = re.compile(r"(\d{1,3})(?:\.(\d{1,2}))?", re.ASCII)


def parse_percentage(text: str) -> BasisPoints:
    """Read a percentage from 0 to 100 with at most two decimals; raises PercentageError.

    >>> parse_percentage("9.95")
    995
    """
    match = _PERCENT.fullmatch(text.strip().removesuffix("%").rstrip())
    points = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else -1
    if not 0 <= points <= WHOLE:
        raise PercentageError(
            f"{text!r} is not a percentage from 0 to 100 with at most two decimals (such as 9.95)"
        )
    return BasisPoints(points)


def parse_tez(text: str) -> Mutez:
    """Read an amount of tez with at most six decimals as mutez; raises InputError.

    >>> parse_tez("1.25")
    1250000
    """
    match = _TEZ.fullmatch(text.strip())
    if match is None:
        raise InputError(f"{text!r} is not an amount of tez with at most six decimals")
    return Mutez(int(match[1]) * MUTEZ_PER_TEZ + int((match[2] or "").ljust(6, "0")))


def format_percentage(points: BasisPoints) -> str:
    """Write basis points as a percentage without trailing zeros: 995 as '9.95'."""
    whole, hundredths = divmod(points, 100)
    return f"{whole}.{hundredths:02d}".rstrip("0").rstrip(".")


def format_tez(amount: Mutez) -> str:
    """Write mutez as tez with six decimals and grouped thousands: 1234567890 as 1,234.567890."""
    sign = "-" if amount < 0 else ""
    tez, rest = divmod(abs(amount), MUTEZ_PER_TEZ)
    return f"{sign}{tez:,}.{rest:06d}"


def share_floor(amount: Mutez, part: int, whole: int) -> Mutez:
    """Give `amount * part / whole`, rounded down; the residue stays with whoever divides.

    Python's integers do not overflow, so the product is exact at any size.
    """
    return Mutez(amount * part // whole)


def plain_tez(amount: Mutez) -> str:
    """Write mutez as a person enters tez, without grouping and trailing zeros: 1250000 as 1.25."""
    return format_tez(amount).replace(",", "").rstrip("0").rstrip(".")
