"""What is noted of every request: its id, a line in the log, how long it took. Nothing decided."""

import re
import time
import uuid
from dataclasses import dataclass
from typing import Final

import structlog
from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from bakehouse.observability.instruments import Instruments
from bakehouse.observability.tracing import UNTRACED, Span, Tracer

_log = structlog.get_logger(__name__)

HEADER: Final = "X-Request-ID"
#: Anything else could write lines of its own into logs that take an id as it is.
_VALID_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: Reading changes nothing, and a line for each read would drown the lines that matter.
_LOGGED_METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_LOGGED_LENGTH_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class _Answered:
    method: str
    route: str
    status: int
    seconds: float


class RequestObservation:
    """Gives each request an id, which its answer and every line logged meanwhile carry."""

    def __init__(
        self, app: ASGIApp, instruments: Instruments | None = None, tracer: Tracer = UNTRACED
    ) -> None:
        self._app = app
        self._instruments = instruments
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and note how the request fared until its answer began."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Request(scope))
        method = scope["method"] if scope["method"] in _METHODS else "other"
        started = time.perf_counter()
        with (
            bound_contextvars(request_id=request_id),
            self._tracer.span(method, {"http.request.method": method}) as span,
        ):

            async def send_noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    MutableHeaders(scope=message)[HEADER] = request_id
                    seconds = time.perf_counter() - started
                    answered = _Answered(method, _route_of(scope), message["status"], seconds)
                    self._note(answered, scope["path"], span)
                await send(message)

            await self._app(scope, receive, send_noting)

    def _note(self, answered: _Answered, path: str, span: Span) -> None:
        span.update_name(f"{answered.method} {answered.route}")
        span.set_attribute("http.route", answered.route)
        span.set_attribute("http.response.status_code", answered.status)
        if self._instruments is not None:
            self._instruments.answered(
                answered.method, answered.route, answered.status, answered.seconds
            )
        if answered.method in _LOGGED_METHODS:
            _log.info(
                "request-answered",
                method=answered.method,
                path=path[:_LOGGED_LENGTH_MAX],
                status=answered.status,
                milliseconds=round(answered.seconds * 1000),
            )


def _request_id(request: Request) -> str:
    given = request.headers.get(HEADER, "")
    return given if _VALID_ID.fullmatch(given) else uuid.uuid4().hex


def _route_of(scope: Scope) -> str:
    # The route's pattern, not the path: a label for each path would be a series for each.
    return getattr(scope.get("route"), "path", "none")
