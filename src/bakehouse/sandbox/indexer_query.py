"""How questions to TzKT choose, sort and page rows: the parameters of its API.

Which rows there are is not known here.
"""

from collections.abc import Iterable
from typing import Any, Final

from bakehouse.sandbox.routing import Query

Row = dict[str, Any]

LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 10_000
NUMBER_MAX: Final = 2**31 - 1
_CURSOR_MAX: Final = 2**63 - 1
_STATUSES: Final = ("applied", "failed", "backtracked", "skipped")


class BadParameterError(Exception):
    """A parameter of a question is not what the API takes."""

    def __init__(self, parameter: str, message: str) -> None:
        self.parameter = parameter
        super().__init__(message)


def number(query: Query, name: str, default: int, *, largest: int = NUMBER_MAX) -> int:
    """Read a number, from 0 to `largest`."""
    text = query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.removeprefix("-").isdecimal():
        raise BadParameterError(name, f"The value '{text}' is not valid.")
    if not 0 <= int(text) <= largest:
        raise BadParameterError(name, f"The value must be between 0 and {largest}.")
    return int(text)


def page(query: Query) -> slice:
    """Read which elements are wanted: `limit`, and `offset` by elements or by pages."""
    limit = number(query, "limit", LIMIT_DEFAULT, largest=LIMIT_MAX)
    skipped = number(query, "offset", number(query, "offset.el", 0))
    skipped = number(query, "offset.pg", 0) * limit if "offset.pg" in query else skipped
    return slice(skipped, skipped + limit)


def levels(query: Query) -> tuple[int, int]:
    """Read the first and the last of the levels that are wanted."""
    exact = ("level", "level.eq")
    for name in exact:
        if name in query:
            level = number(query, name, 0)
            return level, level
    first = max(number(query, "level.ge", 0), number(query, "level.gt", -1) + 1)
    last = min(number(query, "level.le", NUMBER_MAX), number(query, "level.lt", NUMBER_MAX) - 1)
    return first, last


def chosen(rows: Iterable[Row], query: Query) -> list[Row]:
    """Choose, sort and page operations, which come by ascending id."""
    matching = [row for row in rows if _matches(row, query)]
    descending = _is_descending(query)
    if descending:
        matching.reverse()
    if "offset.cr" in query:
        cursor = number(query, "offset.cr", 0, largest=_CURSOR_MAX)
        matching = [
            row for row in matching if (row["id"] < cursor if descending else row["id"] > cursor)
        ]
    return matching[page(query)]


def _is_descending(query: Query) -> bool:
    for name in ("sort", "sort.asc", "sort.desc"):
        # Ids grow with levels, so both give one order.
        if query.get(name, "id") not in {"id", "level"}:
            raise BadParameterError(name, "Sorting by this field is not supported.")
    return "sort.desc" in query


def _matches(row: Row, query: Query) -> bool:
    status = query.get("status", query.get("status.eq"))
    if status is not None and status not in _STATUSES:
        raise BadParameterError("status", "Invalid operation status.")
    values = {
        "sender": row["sender"]["address"],
        "target": row["target"]["address"],
        "status": row["status"],
    }
    return all(
        query.get(name, query.get(f"{name}.eq", value)) == value
        and query.get(f"{name}.ne") != value
        and value in _listed(query, f"{name}.in", value)
        for name, value in values.items()
    )


def _listed(query: Query, name: str, default: str) -> list[str]:
    text = query.get(name)
    return [default] if text is None else text.split(",")
