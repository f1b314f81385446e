"""The door: nobody passes who is not known, and nobody's browser is used by another site."""

from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bakehouse.web.authentication import authenticate
from bakehouse.web.caller import Caller, CallerKind
from bakehouse.web.denial import denied
from bakehouse.web.metrics import METRICS_PATH
from bakehouse.web.problems import Problem, answer, wants_page
from bakehouse.web.services import services_of

SIGN_IN_PATH: Final = "/sign-in"
WELCOME_PATH: Final = "/welcome"

#: These say nothing about any baker.
_OPEN_PATHS: Final = frozenset(
    {"/health", "/docs", "/openapi.json", "/theme", SIGN_IN_PATH, WELCOME_PATH}
)
#: Nor do these; what a baker has made public is under the last.
_OPEN_PREFIXES: Final = ("/health/", "/static/", "/public/")

_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


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
        caller = await authenticate(request, services_of(request))
        request.state.caller = caller
        refusal = _refusal(request, caller)
        await (refusal or self._app)(scope, receive, send)


def _refusal(request: Request, caller: Caller) -> Response | None:
    path, is_read = request.url.path, request.method in _SAFE_METHODS
    is_open = path in _OPEN_PATHS or path.startswith(_OPEN_PREFIXES) or _is_open_metrics(request)
    if caller.kind is CallerKind.NOBODY and not is_open:
        denied(request, "no valid token or session")
        return _unauthorized(request)
    # The forms of open pages too: else another site could sign a browser in as somebody else.
    needs_own_page = caller.has_cookie or is_open
    if is_read or not needs_own_page or _is_same_origin(request):
        return None
    denied(request, "another site's form", caller.actor)
    return answer(
        request,
        Problem.of(
            HTTPStatus.FORBIDDEN,
            "cross-site",
            "This request seems to come from another site: send it from Bakehouse's own pages, "
            "or with a token.",
        ),
    )


def _is_open_metrics(request: Request) -> bool:
    return request.url.path == METRICS_PATH and services_of(request).metrics_are_open


def _unauthorized(request: Request) -> Response:
    if wants_page(request):
        wanted = quote(request.url.path, safe="/")
        return RedirectResponse(f"{SIGN_IN_PATH}?next={wanted}", HTTPStatus.SEE_OTHER)
    problem = Problem.of(
        HTTPStatus.UNAUTHORIZED,
        "unauthorized",
        "Send an API token in the header Authorization: Bearer <token>.",
    )
    return answer(request, problem, {"WWW-Authenticate": 'Bearer realm="bakehouse"'})


def _is_same_origin(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    # Browsers leave Sec-Fetch-Site out on plain HTTP in a local network; none leaves both out.
    host = request.headers.get("host", "")
    return request.headers.get("origin") in {f"http://{host}", f"https://{host}"}
