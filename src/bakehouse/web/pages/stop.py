"""The stop switch: one click away on every page of a baker, with a reason."""

from typing import Final

from fastapi import APIRouter, Request, Response

from bakehouse.desk import decisions
from bakehouse.ledger import bakers
from bakehouse.ledger.roles import Role
from bakehouse.web.caller import CallerOf
from bakehouse.web.form import read_form
from bakehouse.web.pages.filled_form import FilledForm, reason
from bakehouse.web.pages.notice import Notice, done
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False, dependencies=[needs(Role.OPERATOR)])


@router.get("/bakers/{baker_id}/stop")
async def stop_form(request: Request, services: Services, baker_id: str) -> Response:
    """Ask once more, and why."""
    return await _form(request, services, baker_id, FilledForm())


@router.post("/bakers/{baker_id}/stop")
async def stop(request: Request, services: Services, caller: CallerOf, baker_id: str) -> Response:
    """Switch the baker off: nothing is signed or sent for it from now."""
    form = FilledForm(await read_form(request))
    why = form.read("why", reason)
    if why is None:
        return await _form(request, services, baker_id, form, 422)
    await decisions.pause(services.workshop.payer, baker_id, actor=caller.actor, why=why)
    return done(f"/bakers/{baker_id}/settings", Notice.STOPPED)


async def _form(
    request: Request, services: WebServices, baker_id: str, form: FilledForm, status: int = 200
) -> Response:
    async with services.workshop.payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
    return renderer_of(request).page(request, "stop.html", status=status, baker=baker, form=form)
