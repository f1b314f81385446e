"""Faults of the way between who asks and who answers: armed by name, and spent on requests.

What was asked is not understood here; what a broken connection looks like to a client is
`transport`'s and `asgi`'s.
"""

import re
from collections import Counter
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, Final

from bakehouse.sandbox.hostile.dice import Dice
from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.sandbox.routing import Question, Reply

INJECTION: Final = "POST /injection/operation"
ANYTHING: Final = ".*"


class Manner(Enum):
    """How a request ends for the one who asked."""

    CUT = auto()  # the connection is closed in the middle of the reply
    RESET = auto()  # the connection is reset while a reply is waited for
    REFUSED = auto()  # there is no connection
    SILENCE = auto()  # nothing ever comes
    HTML = auto()  # a proxy answers instead


def _html(status: HTTPStatus) -> Reply:
    title = f"{status.value} {status.phrase}"
    body = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return Reply(status, "text/html", body.encode())


#: What a proxy answers.
_PAGES: Final = {
    Fault.HTML_429: _html(HTTPStatus.TOO_MANY_REQUESTS),
    Fault.BAD_GATEWAY: _html(HTTPStatus.BAD_GATEWAY),
}
_MANNERS: Final = {
    Fault.REPLY_LOST_AFTER_ACCEPTANCE: (Manner.CUT, Manner.RESET),
    Fault.REPLY_LOST_BEFORE_ACCEPTANCE: (Manner.CUT, Manner.RESET),
    Fault.CONNECTION_RESET: (Manner.RESET, Manner.REFUSED),
    Fault.HANG: (Manner.SILENCE,),
    Fault.HTML_429: (Manner.HTML,),
    Fault.BAD_GATEWAY: (Manner.HTML,),
}
#: Whether the request arrives; where both happen, one of them is drawn.
_ARRIVAL: Final = {
    Fault.REPLY_LOST_AFTER_ACCEPTANCE: (True,),
    Fault.REPLY_LOST_BEFORE_ACCEPTANCE: (False,),
    Fault.CONNECTION_RESET: (False,),
    Fault.HANG: (False, True),
    Fault.HTML_429: (False,),
    Fault.BAD_GATEWAY: (False, True),
}
_LOST_REPLIES: Final = (Fault.REPLY_LOST_AFTER_ACCEPTANCE, Fault.REPLY_LOST_BEFORE_ACCEPTANCE)


@dataclass(frozen=True, slots=True)
class Strike:
    """What happens to one request: whether it arrives, and how it ends."""

    fault: Fault
    arrives: bool
    manner: Manner

    @property
    def page(self) -> Reply:
        """What a proxy answers; of the manner HTML only."""
        return _PAGES[self.fault]


@dataclass(slots=True)
class _Armed:
    strike: Strike
    source: str | None
    request: re.Pattern[str]
    times: int | None

    def is_for(self, source: str, request: str) -> bool:
        return (
            self.times != 0
            and self.source in {None, source}
            and self.request.fullmatch(request) is not None
        )


class Network:
    """The armed faults; the one armed first strikes first."""

    def __init__(self, dice: Dice, struck: Counter[Fault]) -> None:
        self._dice = dice
        self._struck = struck
        self._armed: list[_Armed] = []

    def arm(
        self,
        fault: Fault,
        *,
        source: str | None = None,
        request: str | None = None,
        times: int | None = 1,
        **how: Any,
    ) -> None:
        """Have a fault strike so many requests (None: all) that match, as `METHOD path`.

        `manner` and `arrives` are drawn unless told. Without `request`, a lost reply is that of an
        injection, and any request will do for the others.
        """
        manner = how.pop("manner", None) or self._dice.pick(_MANNERS[fault])
        arrives = how.pop("arrives", None)
        if arrives is None:
            arrives = self._dice.pick(_ARRIVAL[fault])
        if how:
            raise TypeError(f"a fault of the network is not told {sorted(how)}")
        if request is None:
            request = INJECTION if fault in _LOST_REPLIES else ANYTHING
        strike = Strike(fault, arrives, manner)
        self._armed.append(_Armed(strike, source, re.compile(request), times))

    def disarm(self) -> None:
        """Let every request through from now."""
        self._armed.clear()

    def strike(self, source: str, question: Question) -> Strike | None:
        """Tell what happens to a request, if not what should; it is on its way then."""
        if not self._armed:
            return None
        request = f"{question.method} {question.path}"
        for armed in self._armed:
            if armed.is_for(source, request):
                if armed.times is not None:
                    armed.times -= 1
                self._struck[armed.strike.fault] += 1
                return armed.strike
        return None
