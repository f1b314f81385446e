"""Pages of an indexer that come short, broken, or otherwise than the time before."""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final

from bakehouse.sandbox.hostile.dice import Dice
from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.sandbox.routing import Question, Reply, json_reply

SPLIT: Final = "GET /v1/rewards/split/.*"

_ROWS: Final = "delegators"
_ROW_BALANCE: Final = "delegatedBalance"
_TOTAL_BALANCE: Final = "externalDelegatedBalance"
_REWARDS: Final = "attestationRewardsDelegated"
_CHANGE_MAX: Final = 1_000_000

Json = dict[str, Any]
Alteration = Callable[[Reply], Reply]


@dataclass(slots=True)
class _Armed:
    fault: Fault
    request: re.Pattern[str]
    alter: Alteration
    times: int | None
    spared: int
    #: Leaves something that cannot be read, so that nothing else can be done to it.
    cuts: bool


class PageFaults:
    """The armed faults; each strikes a reply that it can do something to."""

    def __init__(self, dice: Dice, struck: Counter[Fault]) -> None:
        self._dice = dice
        self._struck = struck
        self._armed: list[_Armed] = []

    def arm(self, fault: Fault, **how: Any) -> None:
        """Have pages altered.

        TRUNCATED_PAGES takes `mode` ("short" or "cut") and, when short, how many `rows` are
        missing. CHANGING_PAGES takes `mode`: "rewards" and "totals" change alone, "rows" change
        against the totals, "moved" both together, and "gone" leaves a row out of both; the first
        `after` reads are not changed. `times` is 1 for the first, and without end for the second.
        """
        changes = fault is Fault.CHANGING_PAGES
        modes = tuple(_CHANGES) if changes else ("short", "cut")
        mode = how.pop("mode", None) or self._dice.pick(modes)
        request = re.compile(how.pop("request", SPLIT))
        times = how.pop("times", None if changes else 1)
        spared = how.pop("after", self._dice.between(1, 2) if changes else 0)
        amount = how.pop("amount", None) or self._dice.between(1, _CHANGE_MAX)
        rows = how.pop("rows", None) or self._dice.between(1, 2)
        if how:
            raise TypeError(f"a fault of pages is not told {sorted(how)}")
        alter: Alteration
        if mode == "cut":
            alter = _cut
        elif mode == "short":
            alter = lambda reply: _shortened(reply, rows)  # noqa: E731 - one of three ways
        else:
            alter = lambda reply: _changed(reply, _CHANGES[mode], amount)  # noqa: E731
        self._armed.append(_Armed(fault, request, alter, times, spared, mode == "cut"))
        self._armed.sort(key=lambda armed: armed.cuts)

    def disarm(self) -> None:
        """Leave every page as it is from now."""
        self._armed.clear()

    def alter(self, question: Question, reply: Reply) -> Reply:
        """Give what arrives of a reply."""
        if not self._armed or reply.status != HTTPStatus.OK:
            return reply
        request = f"{question.method} {question.path}"
        for armed in self._armed:
            if armed.times != 0 and armed.request.fullmatch(request):
                reply = self._strike(armed, reply)
                if armed.cuts:
                    break
        return reply

    def _strike(self, armed: _Armed, reply: Reply) -> Reply:
        if armed.spared:
            armed.spared -= 1
            return reply
        altered = armed.alter(reply)
        if altered is not reply:
            self._struck[armed.fault] += 1
            if armed.times is not None:
                armed.times -= 1
        return altered


def _cut(reply: Reply) -> Reply:
    return replace(reply, body=reply.body[: len(reply.body) * 2 // 3])


def _shortened(reply: Reply, count: int) -> Reply:
    document = json.loads(reply.body)
    rows = document.get(_ROWS) if isinstance(document, dict) else document
    if not isinstance(rows, list) or not rows:
        return reply
    del rows[max(len(rows) - count, 0) :]
    return json_reply(document, reply.status, reply.headers)


def _changed(reply: Reply, change: Callable[[Json, int], bool], amount: int) -> Reply:
    document = json.loads(reply.body)
    is_split = isinstance(document, dict) and document.keys() >= {_ROWS, _TOTAL_BALANCE}
    if not is_split or not change(document, amount):
        return reply
    return json_reply(document, reply.status, reply.headers)


def _change_rewards(document: Json, amount: int) -> bool:
    for name in (_REWARDS, _REWARDS.replace("attestation", "endorsement")):
        document[name] += amount
    return True


def _change_totals(document: Json, amount: int) -> bool:
    document[_TOTAL_BALANCE] += amount
    return True


def _change_row(document: Json, amount: int) -> bool:
    if not document[_ROWS]:
        return False
    document[_ROWS][0][_ROW_BALANCE] += amount
    return True


def _change_both(document: Json, amount: int) -> bool:
    return _change_row(document, amount) and _change_totals(document, amount)


def _drop_row(document: Json, _: int) -> bool:
    if not document[_ROWS]:
        return False
    row = document[_ROWS].pop()
    document["delegatorsCount"] -= 1
    return _change_totals(document, -row[_ROW_BALANCE])


_CHANGES: Final[dict[str, Callable[[Json, int], bool]]] = {
    "rewards": _change_rewards,
    "totals": _change_totals,
    "rows": _change_row,
    "moved": _change_both,
    "gone": _drop_row,
}
