"""A person's own account: role, sessions, and a new password."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response

from bakehouse.errors import BakehouseError, InputError, NotFoundError
from bakehouse.ledger import sessions, users
from bakehouse.ledger.roles import Role
from bakehouse.web.caller import Caller, CallerOf
from bakehouse.web.form import read_form
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.pages.sign_in import begin_session
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False, dependencies=[needs(Role.VIEWER)])

PATH: Final = "/account"


@router.get(PATH)
async def account_page(request: Request, services: Services, caller: CallerOf) -> Response:
    """Show who one is here."""
    return await _page(request, services, caller)


@router.post(PATH)
async def change_password(request: Request, services: Services, caller: CallerOf) -> Response:
    """Choose a new password; every other session ends."""
    form = await read_form(request)
    user_id = _user_id(caller)
    payer = services.workshop.payer
    async with payer.ledger.read() as tx:
        known_hash = await users.password_hash(tx, user_id)
    try:
        if not await services.passwords.is_right(form.get("current", ""), known_hash):
            raise InputError("the current password is wrong")
        password_hash = await services.passwords.hashed(form.get("password", ""), caller.name)
    except BakehouseError as error:
        return await _page(request, services, caller, error.message)
    async with payer.ledger.write() as tx:
        await users.set_password(tx, user_id, password_hash, actor=caller.actor, at=payer.clock())
        user = await users.get(tx, user_id)
    return await begin_session(request, services, user, PATH)


async def _page(
    request: Request, services: WebServices, caller: Caller, trouble: str | None = None
) -> Response:
    payer = services.workshop.payer
    async with payer.ledger.read() as tx:
        own = await sessions.of_user(tx, _user_id(caller), at=payer.clock())
    status = HTTPStatus.UNPROCESSABLE_ENTITY if trouble else HTTPStatus.OK
    return renderer_of(request).page(
        request, "account.html", status=status, sessions=own, trouble=trouble
    )


def _user_id(caller: Caller) -> int:
    if caller.user_id is None:
        raise NotFoundError("only who signed in by name and password has an account")
    return caller.user_id
