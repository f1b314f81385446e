"""Going live: the one switch that asks for the password again, and for the baker's name."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response

from bakehouse.desk import settings as desk
from bakehouse.errors import ForbiddenError, InputError
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.roles import Role
from bakehouse.web.caller import Caller, CallerKind, CallerOf
from bakehouse.web.form import read_form
from bakehouse.web.pages.filled_form import FilledForm
from bakehouse.web.pages.notice import Notice, done
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.password_again import require_password
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False, dependencies=[needs(Role.ADMINISTRATOR)])


@router.get("/bakers/{baker_id}/live")
async def live_form(request: Request, services: Services, baker_id: str) -> Response:
    """Show what going live means for this baker, and ask for it."""
    return _page(request, await _baker(services, baker_id), FilledForm())


@router.post("/bakers/{baker_id}/live")
async def go_live(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Switch the baker on."""
    baker = await _baker(services, baker_id)
    form = FilledForm(await read_form(request))
    form.read("named", lambda text: _named(baker, text))
    # Who is in a demo has no account; a token has none either, and cannot let money go.
    if form.is_good and caller.kind is not CallerKind.DEMO:
        await _check_password(request, services, caller, form)
    if not form.is_good:
        return _page(request, baker, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    await desk.switch_on(
        services.workshop,
        services.scheduler,
        baker_id,
        typed=form.entered["named"],
        actor=caller.actor,
    )
    return done(f"/bakers/{baker_id}/settings", Notice.LIVE)


def _named(baker: Baker, text: str) -> None:
    if not desk.is_named(baker, text):
        raise InputError("this is neither the alias nor the address of this baker")


async def _check_password(
    request: Request, services: WebServices, caller: Caller, form: FilledForm
) -> None:
    try:
        await require_password(request, services, caller, form.entered.get("password", ""))
    except ForbiddenError as error:
        form.errors["password"] = error.message


def _page(
    request: Request, baker: Baker, form: FilledForm, status: int = HTTPStatus.OK
) -> Response:
    return renderer_of(request).page(request, "live.html", status=status, baker=baker, form=form)


async def _baker(services: WebServices, baker_id: str) -> Baker:
    async with services.workshop.payer.ledger.read() as tx:
        return await bakers.get(tx, baker_id)
