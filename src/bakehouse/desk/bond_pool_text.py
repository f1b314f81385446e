"""Bond-pool members as CSV with a header; every line is checked before one counts."""

import csv
from collections.abc import Mapping
from typing import Final

from bakehouse.errors import InputError
from bakehouse.rewards.bond_pool import BondPoolMember, check_members
from bakehouse.rewards.money import parse_percentage, parse_tez
from bakehouse.tezos.address import parse_recipient

COLUMNS: Final = ("address", "amount", "adm_charge", "is_manager")
#: Where the reader puts cells beyond the columns; no column can be named so.
_TOO_MANY: Final = "\n"
_YES: Final = frozenset({"yes", "true", "1"})
_NO: Final = frozenset({"no", "false", "0", ""})


def parse_bond_pool(text: str, name: str) -> list[BondPoolMember]:
    """Read members: bonds in tez, charges in percent, one of them the manager.

    Raises InputError with the name of the text and the line of the first mistake, SettingError for
    members that cannot be a pool together.
    """
    lines = text.splitlines()
    # Strict: else a quote that is never closed would swallow the members after it.
    reader = csv.DictReader(lines, restkey=_TOO_MANY, skipinitialspace=True, strict=True)
    try:
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise InputError(f"{name}: the first line must name the column {missing[0]}")
        members = [_member(name, reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise InputError(f"{name}, line {reader.line_num}: this is not CSV: {error}") from error
    check_members(members)
    return members


def _member(name: str, line: int, row: Mapping[str, str | None]) -> BondPoolMember:
    if _TOO_MANY in row:
        raise InputError(
            f"{name}, line {line}: it has more cells than the first line names; "
            "amounts are written with a point"
        )
    cells = {column: (row.get(column) or "").strip() for column in (*COLUMNS, "name")}
    try:
        return BondPoolMember(
            address=parse_recipient(cells["address"]),
            amount=parse_tez(cells["amount"]),
            adm_charge=parse_percentage(cells["adm_charge"]),
            is_manager=_yes_or_no(cells["is_manager"]),
            name=cells["name"],
        )
    except InputError as error:
        raise InputError(f"{name}, line {line}: {error.message}") from error


def _yes_or_no(text: str) -> bool:
    if text.lower() not in _YES | _NO:
        raise InputError(f"is_manager is yes or no, not {text!r}")
    return text.lower() in _YES
