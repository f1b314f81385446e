"""Tables of another tool's database, each cell with its line. Cells of secrets are never kept."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bakehouse.errors import InputError
from bakehouse.importers.place import Place

#: Columns that hold passwords, phrases and what opens wallets: they are dropped as they are read.
SECRET_COLUMNS: Final = frozenset(
    {
        *("USER_NAME", "PASS_HASH", "HASH_SALT", "WALLET_HASH", "WALLET_SALT"),
        *("PHRASE", "APP_PHRASE"),
    }
)


@dataclass(frozen=True, slots=True)
class OldRow:
    """A row: its cells by the columns' names in capitals; NULL is None."""

    place: Place
    cells: Mapping[str, str | None] = field(repr=False)

    def text(self, column: str) -> str:
        """Give a cell that must not be empty; raises InputError with its place."""
        value = self.cells.get(column)
        if value is None or not value.strip():
            raise self.place.mistake(f"{column} is missing")
        return value.strip()

    def optional(self, column: str) -> str | None:
        """Give a cell, or None where it is empty, NULL, or not there at all."""
        return (self.cells.get(column) or "").strip() or None

    def yes_or_no(self, column: str) -> bool:
        """Give a cell of TRUE or FALSE; NULL is no."""
        value = (self.optional(column) or "false").lower()
        if value not in {"true", "false", "1", "0"}:
            raise self.place.mistake(f"{column} must be TRUE or FALSE")
        return value in {"true", "1"}

    def whole_number(self, column: str) -> int:
        """Give a cell that is a whole number of 0 or more."""
        value = self.text(column)
        if not (value.isascii() and value.isdigit() and len(value) < 10):  # noqa: PLR2004
            raise self.place.mistake(f"{column} must be a whole number of 0 or more")
        return int(value)


@dataclass(frozen=True, slots=True)
class OldTable:
    """A table: its columns in capitals, secret ones among them, and its rows."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[OldRow, ...]

    def require(self, *columns: str) -> None:
        """Raise InputError for a column that is not there."""
        missing = [each for each in columns if each not in self.columns]
        if missing:
            raise InputError(f"the table {self.name} has no column {missing[0]}")


def row_of(place: Place, columns: Sequence[str], values: Sequence[str | None]) -> OldRow:
    """Make a row, leaving secrets out; raises InputError for too many or too few values."""
    if len(values) != len(columns):
        raise place.mistake(f"a row has {len(values)} values for {len(columns)} columns")
    return OldRow(
        place,
        {
            column: value
            for column, value in zip(columns, values, strict=True)
            if column not in SECRET_COLUMNS
        },
    )


def csv_table(name: str, text: str, file: str) -> OldTable:
    """Read one table from CSV with a header; raises InputError with file and line."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines = _csv_lines(reader, file)
    _, header = next(lines, (1, []))
    columns = tuple(each.strip().upper() for each in header)
    if not columns or len(set(columns)) != len(columns):
        raise InputError(f"{file}, line 1: the first line must name each column once")
    rows = tuple(
        row_of(Place(file, line), columns, [cell or None for cell in cells])
        for line, cells in lines
        if cells
    )
    return OldTable(name, columns, rows)


def _csv_lines(reader: "Iterator[list[str]]", file: str) -> Iterator[tuple[int, list[str]]]:
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"{file}, line {line}: this is not CSV: {error}") from error
        yield line, cells
        line = reader.line_num + 1  # type: ignore[attr-defined]
