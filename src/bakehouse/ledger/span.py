"""Which part of a baker's history is wanted: some cycles, or a year. Conditions, no statements."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Column, ColumnElement

from bakehouse.errors import InputError

#: Years that a date can be in.
_YEAR_MAX: Final = 9_998


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which cycles are wanted, both ends included, or which year (UTC). None: no limit there.

    A year takes what was settled in it: payouts whose operation was signed in that year, and
    distributions that changed last in it. Raises InputError for a span that cannot be.
    """

    first_cycle: int | None = None
    last_cycle: int | None = None
    year: int | None = None

    def __post_init__(self) -> None:
        if self.year is not None and not 1 <= self.year <= _YEAR_MAX:
            raise InputError(f"{self.year} is not a year")
        first, last = self.first_cycle, self.last_cycle
        if first is not None and last is not None and first > last:
            raise InputError(f"cycles {first} to {last} run backwards")

    def has_cycle(self, cycle: int) -> bool:
        """Whether a cycle is within the cycles that are wanted."""
        return (self.first_cycle is None or cycle >= self.first_cycle) and (
            self.last_cycle is None or cycle <= self.last_cycle
        )

    def of_cycle(self, column: Column[int]) -> list[ColumnElement[bool]]:
        """Give the conditions that the cycles make on a column."""
        conditions: list[ColumnElement[bool]] = []
        if self.first_cycle is not None:
            conditions.append(column >= self.first_cycle)
        if self.last_cycle is not None:
            conditions.append(column <= self.last_cycle)
        return conditions

    def of_year(self, column: ColumnElement[datetime]) -> list[ColumnElement[bool]]:
        """Give the conditions that the year makes on a column."""
        if self.year is None:
            return []
        begin = datetime(self.year, 1, 1, tzinfo=UTC)
        return [column >= begin, column < begin.replace(year=self.year + 1)]
