"""Tables by address as texts, CSV with a header or JSON: cells with their lines, not yet read."""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from bakehouse.errors import InputError

Value = TypeVar("Value")

#: The column that every table has, and what it is in JSON: the key of a row.
ADDRESS: Final = "address"
_KEY: Final = re.compile(r'"(?:[^"\\]|\\.)*"\s*:')
#: Whatever a cell may say; nothing in it can be taken for a key of JSON.
_PLAIN: Final = re.compile(r"[\w .,%+-]*")


class Import(StrEnum):
    """What happens to addresses that an import does not name."""

    REPLACE = "replace"  # what is theirs goes: they are as everybody
    MERGE = "merge"  # it stays


@dataclass(frozen=True, slots=True)
class Cell:
    """What one cell says, and where it stands."""

    name: str
    line: int
    text: str

    def read(self, parse: Callable[[str], Value]) -> Value:
        """Make something of it; raises InputError naming the text and the line."""
        try:
            return parse(self.text)
        except InputError as error:
            raise mistake(self.name, self.line, error.message) from error


@dataclass(frozen=True, slots=True)
class AddressRow:
    """One row: whose it is, and its cells by column; a cell that is empty or null is left out."""

    address: Cell
    cells: Mapping[str, Cell]


def is_json(text: str) -> bool:
    """Tell JSON from CSV."""
    return text.lstrip().startswith(("{", "["))


def address_rows(text: str, name: str, columns: Sequence[str]) -> Iterator[AddressRow]:
    """Give the rows of a table one after another, so that the first mistake is the first told.

    CSV names its columns in its first line, `address` and any of the others; blank lines and lines
    that begin with # are skipped. JSON is an object address → object of the others. Raises
    InputError with the name of the text and the line of a mistake.
    """
    return _json_rows(text, name, columns) if is_json(text) else _csv_rows(text, name, columns)


def mistake(name: str, line: int, message: str) -> InputError:
    """Make the error that tells where a text is wrong."""
    return InputError(f"{name}, line {line}: {message}")


def _csv_rows(text: str, name: str, columns: Sequence[str]) -> Iterator[AddressRow]:
    header: list[str] = []
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip() or content.lstrip().startswith("#"):
            continue
        try:
            cells = [cell.strip() for cell in next(csv.reader([content.strip()], strict=True))]
        except csv.Error as error:
            raise mistake(name, line, f"this is not CSV: {error}") from error
        if not header:
            header = cells
            _check_header(name, line, header, columns)
            continue
        if len(cells) > len(header):
            raise mistake(
                name,
                line,
                "it has more cells than the first line names; amounts are written with a point",
            )
        filled = {
            column: Cell(name, line, cell)
            for column, cell in zip(header, cells, strict=False)
            if cell
        }
        if ADDRESS not in filled:
            raise mistake(name, line, "it has no address")
        yield AddressRow(filled.pop(ADDRESS), filled)


def _check_header(name: str, line: int, header: Sequence[str], columns: Sequence[str]) -> None:
    known = (ADDRESS, *columns)
    if ADDRESS not in header:
        raise mistake(name, line, f"the first line must name the columns, of {', '.join(known)}")
    for column in header:
        if column not in known:
            raise mistake(name, line, f"{column!r} is no column: they are {', '.join(known)}")
        if header.count(column) > 1:
            raise mistake(name, line, f"the column {column} is named twice")


def _json_rows(text: str, name: str, columns: Sequence[str]) -> Iterator[AddressRow]:
    # Numbers stay the text they are: no float ever stands for an amount. Objects become tuples of
    # pairs, so that what is given twice is still there twice.
    decoder = json.JSONDecoder(
        object_pairs_hook=tuple, parse_float=str, parse_int=str, parse_constant=str
    )
    try:
        document: Any = decoder.decode(text)
    except json.JSONDecodeError as error:
        raise mistake(name, error.lineno, f"this is not JSON: {error.msg}") from error
    except RecursionError as error:
        raise InputError(f"{name} is nested too deep to be a table") from error
    if not isinstance(document, tuple):
        raise InputError(f"{name} must be one JSON object, with an object for each address")
    lines = _key_lines(text)
    for address, row in document:
        # Each text is found to be plain before the next key is looked for.
        line = next(lines)
        own = Cell(name, line, _plain(name, line, address))
        if not isinstance(row, tuple):
            raise mistake(name, own.line, f"what {own.text} has must be an object")
        cells: dict[str, Cell] = {}
        for column, value in row:
            line = next(lines)
            if column not in columns:
                raise mistake(name, line, f"{column!r} is none of {', '.join(columns)}")
            if column in cells:
                raise mistake(name, line, f"{column} is given twice")
            if value is not None and not isinstance(value, str):
                raise mistake(name, line, f"{column} must be a text")
            cells[column] = Cell(name, line, _plain(name, line, value or ""))
        yield AddressRow(own, {column: cell for column, cell in cells.items() if cell.text})


def _plain(name: str, line: int, text: str) -> str:
    if not _PLAIN.fullmatch(text):
        raise mistake(name, line, f"{text[:64]!r} has signs that nothing here is written with")
    return text.strip()


def _key_lines(text: str) -> Iterator[int]:
    line, position = 1, 0
    for key in _KEY.finditer(text):
        line += text.count("\n", position, key.start())
        position = key.start()
        yield line
