"""Splitting what one statement cannot name all of. No statements here."""

from collections.abc import Collection, Iterator
from typing import Final, TypeVar

Value = TypeVar("Value")

# SQLite binds at most 32,766 values in one statement.
_VALUES_MAX: Final = 10_000


def in_parts(values: Collection[Value]) -> Iterator[list[Value]]:
    """Give the values in their order, as many at a time as one statement takes."""
    everything = list(values)
    for start in range(0, len(everything), _VALUES_MAX):
        yield everything[start : start + _VALUES_MAX]
