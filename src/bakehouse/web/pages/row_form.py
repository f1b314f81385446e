"""A form of rows with an address each, sent back whole: rows to spare, and what was seen of it.

What a row says beside its address is each page's own.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from bakehouse.errors import ConflictError
from bakehouse.web.pages.filled_form import FilledForm, whole_number

#: Rows for addresses to be added.
SPARE_ROWS: Final = 2
#: More rows than a form of 64 KiB holds.
_ROWS_MAX: Final = 400
_ROWS: Final = "rows"
_SEEN: Final = "seen"


def entered_rows(rows: Sequence[dict[str, str]]) -> dict[str, str]:
    """Write rows as the fields of the form, each with its number, and how many there are."""
    entered = {_ROWS: str(len(rows) + SPARE_ROWS)}
    for number, row in enumerate(rows):
        entered |= {f"{name}-{number}": text for name, text in row.items()}
    return entered


def row_count(form: FilledForm) -> int:
    """Give how many rows the form has."""
    return min(form.read(_ROWS, lambda text: whole_number(text, _ROWS_MAX)) or 0, _ROWS_MAX)


def filled_rows(form: FilledForm) -> list[int]:
    """Give the numbers of rows with an address; one without is none."""
    numbers = range(row_count(form))
    return [each for each in numbers if form.entered.get(f"address-{each}", "").strip()]


def fingerprint(rows: Iterable[Sequence[Any]]) -> str:
    """Tell one state of the rows from another, so that nobody undoes what they did not see."""
    return hashlib.sha256(json.dumps([list(row) for row in rows]).encode()).hexdigest()


def unless_changed(form: FilledForm, seen: str, what: str) -> FilledForm:
    """Give the form, with a complaint if it was made from rows other than those there are."""
    if form.entered.get(_SEEN) == seen:
        return form
    return form.with_trouble(
        ConflictError(
            f"somebody else has changed the {what} since you opened this page: compare, then send "
            "again"
        )
    )
