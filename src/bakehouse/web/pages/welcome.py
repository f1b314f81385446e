"""Following a one-time link: becoming the first administrator, or choosing a password."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from bakehouse.errors import InputError, NotFoundError
from bakehouse.ledger import users
from bakehouse.ledger.roles import Grant, Role
from bakehouse.ledger.users import Link, User
from bakehouse.web.access import WELCOME_PATH
from bakehouse.web.form import read_form
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.pages.sign_in import begin_session
from bakehouse.web.permission import open_to_all
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False, dependencies=[open_to_all()])

_OVER: Final = (
    "this link was used already, is older than a day, or never was: `bakehouse user link` makes "
    "a new one"
)

Code = Annotated[str, Query(max_length=200)]


@router.get(WELCOME_PATH)
async def welcome_form(request: Request, services: Services, code: Code = "") -> Response:
    """Show the form a link leads to; 404 for one that does not work (any more)."""
    return _form(request, await _link(services, code), code)


@router.post(WELCOME_PATH)
async def welcome(request: Request, services: Services) -> Response:
    """Keep the chosen password, and let its owner in."""
    form = await read_form(request)
    code = form.get("code", "")
    link = await _link(services, code)
    try:
        password = _chosen_password(form)
        name = link.user.name if link.user else users.checked_name(form.get("name", ""))
        password_hash = await services.passwords.hashed(password, name)
        user = await _enter(services, code, name, password_hash)
    except InputError as error:
        return _form(request, link, code, error.message, HTTPStatus.UNPROCESSABLE_ENTITY)
    return await begin_session(request, services, user, "/")


def _chosen_password(form: Mapping[str, str]) -> str:
    password = form.get("password", "")
    if password != form.get("again", ""):
        raise InputError("the two passwords differ")
    return password


async def _enter(services: WebServices, code: str, name: str, password_hash: str) -> User:
    payer = services.workshop.payer
    now = payer.clock()
    async with payer.ledger.write() as tx:
        # Looked up again: two may follow one link at once.
        link = await users.find_link(tx, code, at=now)
        if link is None:
            raise NotFoundError(_OVER)
        user = link.user or await users.add(
            tx, name, Grant(Role.ADMINISTRATOR), actor="one-time link", at=now
        )
        await users.set_password(tx, user.id, password_hash, actor=user.actor, at=now)
        await users.use_link(tx, code, at=now)
    return user


async def _link(services: WebServices, code: str) -> Link:
    payer = services.workshop.payer
    async with payer.ledger.read() as tx:
        link = await users.find_link(tx, code, at=payer.clock())
    if link is None:
        raise NotFoundError(_OVER)
    return link


def _form(
    request: Request,
    link: Link,
    code: str,
    trouble: str | None = None,
    status: int = HTTPStatus.OK,
) -> Response:
    return renderer_of(request).page(
        request, "welcome.html", status=status, link=link, code=code, trouble=trouble
    )
