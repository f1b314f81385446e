"""Numbers of other tools, often written by floats, as exact mutez and basis points.

Nothing is rounded: what is no whole number of them is refused.
"""

from decimal import Decimal, InvalidOperation
from typing import Final

from bakehouse.errors import InputError
from bakehouse.ledger.setting import MUTEZ_MAX
from bakehouse.rewards.money import MUTEZ_PER_TEZ, WHOLE, BasisPoints, Mutez, parse_percentage

_DIGITS_MAX: Final = 40


def mutez_of_tez(text: str) -> Mutez:
    """Read an amount of tez; raises InputError for what is no whole number of mutez.

    >>> mutez_of_tez("0.003970")
    3970
    """
    exact = _decimal(text) * MUTEZ_PER_TEZ
    if exact != exact.to_integral_value():
        raise InputError(f"{text} tez is not a whole number of mutez")
    if not 0 <= exact <= MUTEZ_MAX:
        raise InputError(f"{text} tez is not an amount that there can be")
    return Mutez(int(exact))


def mutez(text: str) -> Mutez:
    """Read an amount of mutez; raises InputError for what is no whole number of them."""
    exact = _decimal(text)
    if exact != exact.to_integral_value() or not 0 <= exact <= MUTEZ_MAX:
        raise InputError(f"{text!r} is not a whole number of mutez")
    return Mutez(int(exact))


def points_of_portion(text: str) -> BasisPoints:
    """Read a part of 1 as basis points; raises InputError for one that is finer, or out of range.

    >>> points_of_portion("0.0525")
    525
    """
    exact = _decimal(text) * WHOLE
    if not 0 <= exact <= WHOLE:
        raise InputError(f"{text} must be from 0 to 1")
    if exact != exact.to_integral_value():
        raise InputError(
            f"{text} is {(exact / 100).normalize():f} %: percentages have two decimals here"
        )
    return BasisPoints(int(exact))


def nearest_points(text: str) -> BasisPoints:
    """Read a part of 1 that is only shown, beside the exact fee: a float may be off at its end."""
    exact = _decimal(text) * WHOLE
    if not 0 <= exact <= WHOLE:
        raise InputError(f"{text} must be from 0 to 1")
    return BasisPoints(int(exact.to_integral_value()))


def points_of_percent(text: str) -> BasisPoints:
    """Read a percentage of at most two decimals, however many zeros follow them.

    >>> points_of_percent("5.250")
    525
    """
    exact = _decimal(text)
    return parse_percentage(f"{exact.normalize():f}")


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        number = Decimal("NaN")
    # An exponent may ask for more digits than there is memory for.
    if not number.is_finite() or abs(number.adjusted()) > _DIGITS_MAX or len(text) > _DIGITS_MAX:
        raise InputError(f"{text[:_DIGITS_MAX]!r} is not a number")
    return number
