"""What holds for every request and every answer: headers, the host's name, size, no tracebacks."""

import ipaddress
import re
import traceback
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

import structlog
from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bakehouse.web.problems import UNEXPECTED, Problem, answer
from bakehouse.web.services import services_of

_log = structlog.get_logger(__name__)

#: Most routes have a use for a few hundred bytes.
BODY_BYTES_MAX: Final = 64 * 1024
#: The fees of sixty thousand delegators.
IMPORT_BYTES_MAX: Final = 4 * 1024 * 1024
_IMPORTS: Final = re.compile(r"(/api)?/bakers/[^/]+/[^/]+/import")

_CONTENT_SOURCES: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def content_security_policy(changes: Mapping[str, str] = MappingProxyType({})) -> str:
    """Say from where a page may load what: from here, unless `changes` says otherwise."""
    sources = {**_CONTENT_SOURCES, **changes}
    return "; ".join(f"{directive} {allowed}" for directive, allowed in sources.items())


SECURITY_HEADERS: Final = {
    "Content-Security-Policy": content_security_policy(),
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: with it browsers send the Origin of our own forms as null.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}

_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")


class SecurityHeaders:
    """Adds the headers to every answer; nothing is kept by caches unless it says otherwise.

    A page may bring a content security policy of its own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and add to what is sent."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Failsafe:
    """Turns what nobody foresaw into a plain 500; the log gets the traceback, the caller not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; an error after the answer began goes up and ends the connection."""
        has_begun = False

        async def send_noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception as error:
            # As text: some log renderers print the values of variables, and one is the token.
            _log.error(
                "request-failed",
                error=type(error).__name__,
                path=scope.get("path"),
                traceback=traceback.format_exc(),
            )
            if has_begun or scope["type"] != "http":
                raise
            await answer(Request(scope), UNEXPECTED)(scope, receive, send)


class HostCheck:
    """Refuses a host that is no name; and, where pages are open, any that is not this machine.

    Else a page anywhere could have its own name point here, and read what is open.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 400."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        name = _host_name(request.headers.getlist("host"))
        if name is None:
            problem = _bad_host("The Host header is missing or is not a host's name.")
        elif services_of(request).pages_are_open and not _is_local(name):
            problem = _bad_host(
                "Pages that are open without signing in are shown at localhost or an IP address "
                "only."
            )
        else:
            await self._app(scope, receive, send)
            return
        await answer(request, problem)(scope, receive, send)


class BodyLimit:
    """Reads the whole body before anybody else does, and refuses one that is too large."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on with the body at hand, or answer 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        limit = _limit_of(request)
        body = None if _says_too_large(request, limit) else await _read(receive, limit)
        if body is None:
            problem = Problem.of(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "too-large",
                f"A body of more than {limit} bytes is not read.",
            )
            await answer(request, problem)(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)


def _bad_host(detail: str) -> Problem:
    return Problem.of(HTTPStatus.BAD_REQUEST, "bad-host", detail)


def _host_name(hosts: Iterable[str]) -> str | None:
    match [_HOST.fullmatch(host) for host in hosts]:
        case [re.Match() as only]:
            return str(only[1]).strip("[]").lower()
        case _:
            return None


def _is_local(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _limit_of(request: Request) -> int:
    return IMPORT_BYTES_MAX if _IMPORTS.fullmatch(request.url.path) else BODY_BYTES_MAX


def _says_too_large(request: Request, limit: int) -> bool:
    length = request.headers.get("content-length", "0")
    return not length.isdecimal() or int(length) > limit


async def _read(receive: Receive, limit: int) -> Message | None:
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return message
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body", False):
            return {"type": "http.request", "body": body, "more_body": False}


def _replay(first: Message, receive: Receive) -> Receive:
    waiting = [first]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again
