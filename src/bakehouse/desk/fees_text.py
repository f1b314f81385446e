"""Fees of single delegators as a text, JSON or CSV; every line is checked before one counts."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from bakehouse.errors import InputError
from bakehouse.rewards.money import BasisPoints, parse_percentage
from bakehouse.tezos.address import parse_recipient

_KEY: Final = re.compile(r'"(?:[^"\\]|\\.)*"\s*:')


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    address: str
    percent: str


def parse_fees(text: str, name: str) -> dict[str, BasisPoints]:
    """Read fees by address: a JSON object address → percent, or CSV lines `address,percent`.

    In CSV a first line `address,…` is a header; blank lines and lines that begin with # are
    skipped. Raises InputError with the name of the text and the line of the first mistake: an
    address whose checksum is wrong, something that is no percentage, an address given a second
    time.
    """
    is_json = text.lstrip().startswith(("{", "["))
    fees: dict[str, BasisPoints] = {}
    for row in _json_rows(name, text) if is_json else _csv_rows(name, text):
        try:
            address, fee = parse_recipient(row.address), parse_percentage(row.percent)
        except InputError as error:
            raise _mistake(name, row.line, error.message) from error
        if address in fees:
            raise _mistake(name, row.line, f"{address} has a fee already, further up")
        fees[address] = fee
    return fees


def _mistake(name: str, line: int, message: str) -> InputError:
    return InputError(f"{name}, line {line}: {message}")


def _csv_rows(name: str, text: str) -> Iterator[_Row]:
    is_first = True
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip() or content.lstrip().startswith("#"):
            continue
        try:
            cells = [cell.strip() for cell in next(csv.reader([content.strip()], strict=True))]
        except csv.Error as error:
            raise _mistake(name, line, f"this is not CSV: {error}") from error
        is_header = is_first and cells[0].casefold() == "address"
        is_first = False
        if is_header:
            continue
        try:
            address, percent = cells
        except ValueError as error:
            raise _mistake(
                name, line, "a line is `address,percent`, the percentage with a point"
            ) from error
        yield _Row(line, address, percent)


def _json_rows(name: str, text: str) -> Iterator[_Row]:
    # Numbers stay the text they are: no float ever stands for a fee. Objects become tuples of
    # pairs, so that an address given twice is still there twice.
    decoder = json.JSONDecoder(
        object_pairs_hook=tuple, parse_float=str, parse_int=str, parse_constant=str
    )
    document: Any
    try:
        document = decoder.decode(text)
    except json.JSONDecodeError as error:
        raise _mistake(name, error.lineno, f"this is not JSON: {error.msg}") from error
    except RecursionError as error:
        raise InputError(f"{name} is nested too deep to be a list of fees") from error
    if not isinstance(document, tuple):
        raise InputError(f"{name} must be one JSON object, with a percentage for each address")
    line, position = 1, 0
    # Each row is checked before the next key is looked for, so no odd text can pass for a key.
    for (address, percent), key in zip(document, _KEY.finditer(text), strict=False):
        line += text.count("\n", position, key.start())
        position = key.start()
        if not isinstance(percent, str):
            raise _mistake(name, line, f"the fee of {address} must be a percentage")
        yield _Row(line, address, percent)
