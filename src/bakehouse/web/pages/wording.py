"""How pages write times, ids, JSON and their own addresses. Pure text; templates place it."""

import json
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from bakehouse.jobs.job_types import JSON
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.rewards.money import Mutez, format_tez

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
#: Up to two days are told in hours: "36 h" says more than "1 d".
_HOURS_UP_TO: Final = 2 * _DAY

_SHORT_HEAD: Final = 7
_SHORT_TAIL: Final = 5


def iso(moment: datetime) -> str:
    """Write a time as ISO 8601 in UTC, to the second: 2026-11-24T12:30:15Z."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def clock(moment: datetime) -> str:
    """Write the same for reading: 2026-11-24 12:30:15Z."""
    return iso(moment).replace("T", " ")


def span(seconds: float) -> str:
    """Write a length of time in its largest unit, rounded down: 42 s, 3 min, 36 h, 5 d."""
    whole = int(abs(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < _HOURS_UP_TO:
        return f"{whole // _HOUR} h"
    return f"{whole // _DAY} d"


def ago(moment: datetime, now: datetime) -> str:
    """Write how long ago a time was, or in how long it comes."""
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"{span(seconds)} ago" if seconds > 0 else f"in {span(seconds)}"


def plain(name: str) -> str:
    """Write a state or kind as words: rewards_pending as rewards pending."""
    return name.replace("_", " ").replace("-", " ")


def sentence(text: str) -> str:
    """Write a message as a sentence: errors begin small, for a line that names them first."""
    told = text[:1].upper() + text[1:]
    return told if told.endswith((".", "!", "?", "…")) else f"{told}."


def short(text: str) -> str:
    """Shorten a hash or an address to its ends, which is what people compare."""
    if len(text) <= _SHORT_HEAD + _SHORT_TAIL + 1:
        return text
    return f"{text[:_SHORT_HEAD]}…{text[-_SHORT_TAIL:]}"


def cut(text: str, length_max: int) -> str:
    """Cut a text off where it gets long."""
    return text if len(text) <= length_max else f"{text[:length_max]}…"


def brief(value: JSON, length_max: int) -> str:
    """Write JSON on one line, cut off where it gets long."""
    return cut(json.dumps(value, ensure_ascii=False), length_max)


def tez_brief(amount: Mutez) -> str:
    """Write mutez as tez with two decimals, rounded down: for the eye, where the exact is near."""
    return format_tez(amount)[:-4]


def count(number: int, one: str, several: str | None = None) -> str:
    """Write a number with what is counted: 1 cycle, 1,234 cycles."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def delegator_path(baker_id: str, address: str) -> str:
    """Give the page of what one person is owed and was paid."""
    return f"/bakers/{baker_id}/delegators/{address}"


def plan_path(key: DistributionKey, *, export: str = "", **wanted: str | int) -> str:
    """Give the page of how a cycle was planned, or the file of whom it excludes."""
    chosen = {name: value for name, value in wanted.items() if value}
    query = urlencode({"mode": key.mode} | chosen)
    path = f"/bakers/{key.baker_id}/cycles/{key.cycle}"
    return f"{path}/exclusions.{export}?{query}" if export else f"{path}/plan?{query}"


def cycle_path(
    key: DistributionKey, cycle: int | None = None, *, export: str = "", **wanted: str | int
) -> str:
    """Give the page of a distribution, or of the same one of another cycle, or its export.

    What is `wanted` of its payouts (state, to, offset) is left out where it is empty.
    """
    shown = key.cycle if cycle is None else cycle
    chosen = {name: value for name, value in wanted.items() if value}
    query = urlencode({"kind": key.kind, "mode": key.mode} | chosen)
    path = f"/bakers/{key.baker_id}/cycles/{shown}"
    return f"{path}/payouts.{export}?{query}" if export else f"{path}?{query}"
