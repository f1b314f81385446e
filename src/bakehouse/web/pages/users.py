"""Users and tokens: who may do what, for which bakers. For administrators of all bakers."""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import BakehouseError, InputError
from bakehouse.ledger import api_tokens, bakers, users
from bakehouse.ledger.roles import Grant, Role
from bakehouse.web.access import WELCOME_PATH
from bakehouse.web.caller import CallerOf
from bakehouse.web.form import field, read_form
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(
    include_in_schema=False, dependencies=[needs(Role.ADMINISTRATOR, all_bakers=True)]
)

PATH: Final = "/users"
_ALL: Final = "all"
_DAYS_MAX: Final = 3650


@router.get(PATH)
async def users_page(request: Request, services: Services) -> Response:
    """Show everybody who may do something here."""
    return await _page(request, services)


@router.post(PATH)
async def add_user(request: Request, services: Services, caller: CallerOf) -> Response:
    """Enter a user, and show the link by which they choose a password, this once."""
    form = await read_form(request)

    async def add(tx: AsyncConnection) -> dict[str, Any]:
        now = services.workshop.payer.clock()
        user = await users.add(tx, field(form, "name"), _grant(form), actor=caller.actor, at=now)
        return {"link": _link(request, await users.new_link(tx, user.id, at=now)), "of": user.name}

    return await _shown_once(request, services, add)


@router.post("/users/{user_id}")
async def change_user(
    request: Request, services: Services, caller: CallerOf, user_id: int
) -> Response:
    """Give a user another role or other bakers."""
    grant = _grant(await read_form(request))
    payer = services.workshop.payer
    async with payer.ledger.write() as tx:
        await users.change_grant(tx, user_id, grant, actor=caller.actor, at=payer.clock())
    return RedirectResponse(PATH, HTTPStatus.SEE_OTHER)


@router.post("/users/{user_id}/link")
async def link_user(request: Request, services: Services, user_id: int) -> Response:
    """Make a link by which a user chooses a new password, and show it, this once."""

    async def make(tx: AsyncConnection) -> dict[str, Any]:
        user = await users.get(tx, user_id)
        code = await users.new_link(tx, user_id, at=services.workshop.payer.clock())
        return {"link": _link(request, code), "of": user.name}

    return await _shown_once(request, services, make)


@router.post("/users/{user_id}/disable")
async def disable_user(services: Services, caller: CallerOf, user_id: int) -> Response:
    """Shut a user out."""
    payer = services.workshop.payer
    async with payer.ledger.write() as tx:
        await users.disable(tx, user_id, actor=caller.actor, at=payer.clock())
    return RedirectResponse(PATH, HTTPStatus.SEE_OTHER)


@router.post("/tokens")
async def add_token(request: Request, services: Services, caller: CallerOf) -> Response:
    """Make a token for a program, and show it, this once."""
    form = await read_form(request)

    async def add(tx: AsyncConnection) -> dict[str, Any]:
        now = services.workshop.payer.clock()
        life = _days(form.get("days", ""))
        token = await api_tokens.add(
            tx,
            field(form, "name"),
            _grant(form),
            actor=caller.actor,
            at=now,
            expires_at=now + life if life else None,
        )
        return {"token": token, "of": field(form, "name")}

    return await _shown_once(request, services, add)


@router.post("/tokens/{token_id}/revoke")
async def revoke_token(services: Services, caller: CallerOf, token_id: int) -> Response:
    """End a token."""
    payer = services.workshop.payer
    async with payer.ledger.write() as tx:
        await api_tokens.revoke(tx, token_id, actor=caller.actor, at=payer.clock())
    return RedirectResponse(PATH, HTTPStatus.SEE_OTHER)


async def _shown_once(request: Request, services: WebServices, make: Any) -> Response:
    """Do it in a transaction, and show on the page what only this answer may tell."""
    try:
        async with services.workshop.payer.ledger.write() as tx:
            secret = await make(tx)
    except BakehouseError as error:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return await _page(request, services, trouble=error.message, status=status)
    return await _page(request, services, secret=secret)


async def _page(
    request: Request,
    services: WebServices,
    *,
    secret: Mapping[str, str] | None = None,
    trouble: str | None = None,
    status: int = HTTPStatus.OK,
) -> Response:
    async with services.workshop.payer.ledger.read() as tx:
        everyone = await users.everyone(tx)
        tokens = await api_tokens.everyone(tx)
        registered = await bakers.everyone(tx)
    return renderer_of(request).page(
        request,
        "users.html",
        status=status,
        users=everyone,
        tokens=tokens,
        bakers=registered,
        roles=list(Role),
        secret=secret,
        trouble=trouble,
    )


def _grant(form: Mapping[str, str]) -> Grant:
    try:
        role = Role(form.get("role", ""))
    except ValueError as error:
        raise InputError(f"the role is one of {', '.join(Role)}") from error
    wanted = field(form, "bakers")
    if wanted == _ALL:
        return Grant(role)
    return Grant(role, frozenset(wanted.replace(",", " ").split()))


def _days(text: str) -> timedelta | None:
    if not text.strip():
        return None
    if not text.strip().isascii() or not text.strip().isdigit() or not 1 <= int(text) <= _DAYS_MAX:
        raise InputError(f"a token lives 1 to {_DAYS_MAX} days, or without end when left empty")
    return timedelta(days=int(text))


def _link(request: Request, code: str) -> str:
    return f"{str(request.base_url).rstrip('/')}{WELCOME_PATH}?code={code}"
