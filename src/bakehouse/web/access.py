"""Who may: programs by the token, people by a cookie made from it. Nobody else gets past here."""

import hashlib
import hmac
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import structlog
from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bakehouse.web.problems import Problem, answer, wants_page
from bakehouse.web.services import WebServices, services_of

_log = structlog.get_logger(__name__)

COOKIE: Final = "bakehouse_session"
SESSION_SECONDS: Final = 30 * 24 * 3600
SIGN_IN_PATH: Final = "/sign-in"

#: These say nothing about any baker.
_OPEN_PATHS: Final = frozenset({"/health", "/docs", "/openapi.json", SIGN_IN_PATH})
_OPEN_PREFIX: Final = "/static/"
_API_PREFIX: Final = "/api/"

_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
_LOGGED_PATH_MAX: Final = 200


class Caller(StrEnum):
    """How a request shows who it is from."""

    NOBODY = "nobody"
    PROGRAM = "program"  # by the token
    PERSON = "person"  # by the cookie, which a browser also adds to what others make it send


class Guard:
    """Lets a request pass if it may, whatever its path: what is not named open is closed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it and say so in the log."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        services = services_of(request)
        caller = caller_of(request, services)
        request.state.is_signed_in = caller is Caller.PERSON
        refusal = _refusal(request, services, caller)
        await (refusal or self._app)(scope, receive, send)


def caller_of(request: Request, services: WebServices) -> Caller:
    """Tell who a request is from; a wrong token is not made good by a right cookie."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        # Servers read header bytes as latin-1; what the token was sent as is the bytes.
        sent = token.strip().encode("latin-1")
        is_right = scheme.lower() == "bearer" and is_token(sent, services)
        return Caller.PROGRAM if is_right else Caller.NOBODY
    session = request.cookies.get(COOKIE)
    if session is not None and _is_session(session, services):
        return Caller.PERSON
    return Caller.NOBODY


def is_token(candidate: bytes, services: WebServices) -> bool:
    """Compare with the token, in a time that does not tell how much of it was right."""
    return hmac.compare_digest(candidate, services.api_token.encode())


def new_session(services: WebServices) -> str:
    """Make a cookie value that shows the token was known, and from which it cannot be found."""
    ends_at = _epoch(services.workshop.payer.clock()) + SESSION_SECONDS
    return f"{ends_at}.{_digest(str(ends_at), services)}"


def denied(request: Request, reason: str) -> None:
    """Say in the log that somebody was refused; what they showed is not repeated."""
    _log.warning(
        "access-denied",
        reason=reason,
        method=request.method,
        path=request.url.path[:_LOGGED_PATH_MAX],
        client=request.client.host if request.client else None,
    )


def _refusal(request: Request, services: WebServices, caller: Caller) -> Response | None:
    path, is_read = request.url.path, request.method in _SAFE_METHODS
    if path in _OPEN_PATHS or path.startswith(_OPEN_PREFIX):
        return None
    if services.pages_are_open and is_read and not path.startswith(_API_PREFIX):
        return None
    match caller:
        case Caller.NOBODY:
            denied(request, "no valid token")
            return _unauthorized(request)
        case Caller.PERSON if not is_read and not _is_same_origin(request):
            denied(request, "another site's form")
            return answer(
                request,
                Problem.of(
                    HTTPStatus.FORBIDDEN,
                    "cross-site",
                    "This request seems to come from another site: send it from Bakehouse's own "
                    "pages, or with the token.",
                ),
            )
        case _:
            return None


def _unauthorized(request: Request) -> Response:
    if wants_page(request):
        wanted = quote(request.url.path, safe="/")
        return RedirectResponse(f"{SIGN_IN_PATH}?next={wanted}", HTTPStatus.SEE_OTHER)
    problem = Problem.of(
        HTTPStatus.UNAUTHORIZED,
        "unauthorized",
        "Send the API token in the header Authorization: Bearer <token>.",
    )
    return answer(request, problem, {"WWW-Authenticate": 'Bearer realm="bakehouse"'})


def _is_same_origin(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    # Browsers leave Sec-Fetch-Site out on plain HTTP in a local network; none leaves both out.
    host = request.headers.get("host", "")
    return request.headers.get("origin") in {f"http://{host}", f"https://{host}"}


def _is_session(value: str, services: WebServices) -> bool:
    ends_at, _, digest = value.partition(".")
    if not hmac.compare_digest(digest.encode(), _digest(ends_at, services).encode()):
        return False
    # Only we can have made it, so it is a number.
    return int(ends_at) > _epoch(services.workshop.payer.clock())


def _digest(ends_at: str, services: WebServices) -> str:
    message = f"bakehouse session until {ends_at}".encode()
    return hmac.new(services.api_token.encode(), message, hashlib.sha256).hexdigest()


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp())
