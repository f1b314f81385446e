"""What is noted of every request: its id, a line in the log, how long it took. Nothing decided."""

import re
import time
import uuid
from typing import Final

import structlog
from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from bakehouse.observability.instruments import Instruments
from bakehouse.observability.tracing import UNTRACED, Tracer

_log = structlog.get_logger(__name__)

HEADER: Final = "X-Request-ID"
#: Anything else could write lines of its own into logs that take an id as it is.
_VALID_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: Asked every few seconds by machines, of no interest to people.
_UNLOGGED: Final = ("/health", "/metrics", "/static/")
_LOGGED_LENGTH_MAX: Final = 200


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
                    status, route = message["status"], _route_of(scope)
                    span.update_name(f"{method} {route}")
                    span.set_attribute("http.route", route)
                    span.set_attribute("http.response.status_code", status)
                    self._note(scope, (method, route, status), time.perf_counter() - started)
                await send(message)

            await self._app(scope, receive, send_noting)

    def _note(self, scope: Scope, what: tuple[str, str, int], seconds: float) -> None:
        method, _, status = what
        if self._instruments is not None:
            self._instruments.answered(*what, seconds)
        path: str = scope["path"]
        if path.startswith(_UNLOGGED):
            return
        say = _log.debug if method in _SAFE_METHODS else _log.info
        say(
            "request-answered",
            method=method,
            path=path[:_LOGGED_LENGTH_MAX],
            status=status,
            milliseconds=round(seconds * 1000),
        )


def _request_id(request: Request) -> str:
    given = request.headers.get(HEADER, "")
    return given if _VALID_ID.fullmatch(given) else uuid.uuid4().hex


def _route_of(scope: Scope) -> str:
    # The route's pattern, not the path: a label for each path would be a series for each.
    return getattr(scope.get("route"), "path", "none")
