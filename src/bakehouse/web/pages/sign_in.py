"""Signing in with name and password, and out again."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from bakehouse.ledger import sessions, sign_in_throttle, users
from bakehouse.ledger.sign_in_throttle import Attempt
from bakehouse.ledger.users import User
from bakehouse.web.access import SIGN_IN_PATH
from bakehouse.web.authentication import COOKIE
from bakehouse.web.denial import client_of, denied
from bakehouse.web.form import read_form
from bakehouse.web.own_path import own_path
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import open_to_all
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False, dependencies=[open_to_all()])

Next = Annotated[str, Query(alias="next", max_length=500)]


@router.get(SIGN_IN_PATH)
async def sign_in_form(request: Request, wanted: Next = "/") -> Response:
    """Show the form."""
    return _form(request, wanted)


@router.post(SIGN_IN_PATH)
async def sign_in(request: Request, services: Services) -> Response:
    """Sign in with what the form sent."""
    form = await read_form(request)
    attempt = Attempt(form.get("name", ""), client_of(request))
    wanted = form.get("next", "/")
    if not await _may_try(services, attempt):
        denied(request, "too many wrong passwords")
        trouble = "Too many wrong passwords: wait some minutes, then try again."
        return _form(request, wanted, trouble, HTTPStatus.TOO_MANY_REQUESTS)
    user = await _user_of(services, attempt.user, form.get("password", ""))
    if user is None:
        denied(request, "wrong name or password")
        return _form(request, wanted, "Name or password is wrong.", HTTPStatus.FORBIDDEN)
    async with services.workshop.payer.ledger.write() as tx:
        await sign_in_throttle.forget(tx, attempt)
    return await begin_session(request, services, user, wanted)


@router.post("/sign-out")
async def sign_out(request: Request, services: Services) -> Response:
    """End the session, here and for whoever kept its cookie."""
    secret = request.cookies.get(COOKIE)
    if secret:
        async with services.workshop.payer.ledger.write() as tx:
            await sessions.end(tx, secret)
    answer = RedirectResponse(SIGN_IN_PATH, HTTPStatus.SEE_OTHER)
    answer.delete_cookie(COOKIE)
    return answer


async def begin_session(
    request: Request, services: WebServices, user: User, wanted: str
) -> Response:
    """Let a user in, and lead to the wanted page of this house."""
    payer = services.workshop.payer
    client = f"{request.headers.get('user-agent', 'unknown')} at {client_of(request)}"
    async with payer.ledger.write() as tx:
        secret = await sessions.begin(tx, user.id, client, at=payer.clock())
    answer = RedirectResponse(own_path(wanted), HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        COOKIE,
        secret,
        max_age=int(sessions.LIFE.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


def _form(
    request: Request, wanted: str, trouble: str | None = None, status: int = HTTPStatus.OK
) -> Response:
    return renderer_of(request).page(
        request, "sign_in.html", status=status, wanted=wanted, trouble=trouble
    )


async def _may_try(services: WebServices, attempt: Attempt) -> bool:
    payer = services.workshop.payer
    async with payer.ledger.write() as tx:
        return await sign_in_throttle.admit(tx, attempt, at=payer.clock())


async def _user_of(services: WebServices, name: str, password: str) -> User | None:
    """Give whose name and password these are; who is not there takes as long as who is."""
    async with services.workshop.payer.ledger.read() as tx:
        user = await users.find(tx, name)
        known_hash = await users.password_hash(tx, user.id) if user else None
    is_right = await services.passwords.is_right(password, known_hash)
    return user if user and is_right and user.disabled_at is None else None
