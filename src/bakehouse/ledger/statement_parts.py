"""Splitting what one statement cannot name all of. No statements here."""

from collections.abc import Collection, Iterator
from typing import Final, TypeVar

Value = TypeVar("Value")

# SQLite binds at most 32,766 values in one statement.
_VALUES_MAX: Final = 10_000


def in_parts(values: Collection[Value], *, most: int = _VALUES_MAX) -> Iterator[list[Value]]:
    """Give the values in their order, as many at a time as one statement takes, or `most`."""
    everything = list(values)
    for start in range(0, len(everything), most):
        yield everything[start : start + most]
