"""Going live: the one switch that asks for the password again, and for the baker's name."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response

from bakehouse.desk import settings as desk
from bakehouse.errors import InputError
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.roles import Role
from bakehouse.web.caller import CallerOf
from bakehouse.web.form import read_form
from bakehouse.web.pages.filled_form import FilledForm
from bakehouse.web.pages.notice import Notice, done
from bakehouse.web.pages.password_field import read_password_again
from bakehouse.web.pages.renderer import renderer_of
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
    if form.is_good:
        await read_password_again(request, services, caller, form)
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


def _page(
    request: Request, baker: Baker, form: FilledForm, status: int = HTTPStatus.OK
) -> Response:
    return renderer_of(request).page(request, "live.html", status=status, baker=baker, form=form)


async def _baker(services: WebServices, baker_id: str) -> Baker:
    async with services.workshop.payer.ledger.read() as tx:
        return await bakers.get(tx, baker_id)
