"""Signing in with the API token, and out again."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from bakehouse.web.access import (
    COOKIE,
    SESSION_SECONDS,
    SIGN_IN_PATH,
    denied,
    is_token,
    new_session,
)
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.services import Services, WebServices

router = APIRouter(include_in_schema=False)

Next = Annotated[str, Query(alias="next", max_length=500)]


@router.get(SIGN_IN_PATH)
async def sign_in_form(
    request: Request, services: Services, token: str | None = None, wanted: Next = "/"
) -> Response:
    """Show the form; a link that brings the token signs in at once."""
    if token is None:
        return renderer_of(request).page(request, "sign_in.html", wanted=wanted, is_wrong=False)
    return _sign_in(request, services, token, wanted)


@router.post(SIGN_IN_PATH)
async def sign_in(request: Request, services: Services) -> Response:
    """Sign in with what the form sent."""
    form = parse_qs((await request.body()).decode(errors="replace"))
    token, wanted = form.get("token", [""])[0], form.get("next", ["/"])[0]
    return _sign_in(request, services, token.strip(), wanted)


@router.post("/sign-out")
async def sign_out() -> Response:
    """Forget the session."""
    answer = RedirectResponse(SIGN_IN_PATH, HTTPStatus.SEE_OTHER)
    answer.delete_cookie(COOKIE)
    return answer


def _sign_in(request: Request, services: WebServices, token: str, wanted: str) -> Response:
    if not is_token(token.encode(), services):
        denied(request, "wrong token")
        return renderer_of(request).page(
            request, "sign_in.html", status=HTTPStatus.FORBIDDEN, wanted=wanted, is_wrong=True
        )
    answer = RedirectResponse(_own_path(wanted), HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        COOKIE,
        new_session(services),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


def _own_path(wanted: str) -> str:
    # "//elsewhere" and "/\elsewhere" would lead a browser away from here.
    is_own = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_own and wanted.isprintable() else "/"
