"""A part of a long list, and how a text is looked for. Values only, no statements."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Self, TypeVar

from sqlalchemy import ColumnElement

from bakehouse.errors import InputError
from bakehouse.ledger.column_types import storable

Row = TypeVar("Row")
Other = TypeVar("Other")

OFFSET_MAX: Final = 2**31 - 1
LIMIT_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Slice:
    """Where a part begins and how long it is at most. Raises InputError for one out of bounds."""

    offset: int = 0
    limit: int = 100

    def __post_init__(self) -> None:
        if not 0 <= self.offset <= OFFSET_MAX:
            raise InputError(f"a page begins at 0 to {OFFSET_MAX}, not at {self.offset}")
        if not 1 <= self.limit <= LIMIT_MAX:
            raise InputError(f"a page has 1 to {LIMIT_MAX} rows, not {self.limit}")

    @property
    def limit_and_one(self) -> int:
        """Ask for one row more than is wanted: it tells whether there is a further page."""
        return self.limit + 1


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """The rows of one part, and where the next one begins; None on the last."""

    rows: Sequence[Row]
    next_offset: int | None

    @classmethod
    def of(cls, found: Sequence[Row], wanted: Slice) -> Self:
        """Cut what was found for `limit_and_one` down to the page."""
        is_last = len(found) <= wanted.limit
        return cls(found[: wanted.limit], None if is_last else wanted.offset + wanted.limit)

    def of_each(self, make: Callable[[Row], Other]) -> "Page[Other]":
        """Give the same page of something made of each row."""
        return Page([make(row) for row in self.rows], self.next_offset)


def holds(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Make the condition that a column holds a text somewhere, whatever the case."""
    return column.icontains(storable(text), autoescape=True)
