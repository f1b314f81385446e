"""A baker's mode: off, simulation, or, by a person's word, on."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from bakehouse.desk import settings
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import Mode
from bakehouse.web.api.bakers import BakerView, baker_view
from bakehouse.web.api.fields import BakerOfPath, Body
from bakehouse.web.api.security import EXAMPLE_BAKER, TOKEN
from bakehouse.web.caller import CallerOf
from bakehouse.web.password_again import require_password
from bakehouse.web.passwords import LENGTH_MAX
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api/bakers/{baker_id}",
    tags=["bakers"],
    dependencies=[TOKEN, needs(Role.ADMINISTRATOR)],
    responses=refusals(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)


class ModeBody(Body):
    """The mode wanted; the other fields are for `on` only."""

    mode: Mode
    password: Annotated[
        str,
        Field(
            max_length=LENGTH_MAX,
            description="The signed-in person's password, once more.",
            examples=["correct horse battery staple"],
            repr=False,
        ),
    ] = ""
    confirm: Annotated[
        str,
        Field(
            max_length=100,
            description="The baker's alias or address, typed.",
            examples=[EXAMPLE_BAKER],
        ),
    ] = ""


@router.post("/mode", summary="Switch the mode")
async def switch_mode(
    request: Request, baker_id: BakerOfPath, body: ModeBody, services: Services, caller: CallerOf
) -> BakerView:
    """Switch a baker off, to simulation or on; repeating it changes nothing further.

    `on` lets it pay for real: only a person who is signed in may, with password and the baker's
    alias or address typed. A token may switch off and to simulation, never on.
    """
    if body.mode is not Mode.ON:
        switched = await settings.switch_to(
            services.workshop, services.scheduler, baker_id, body.mode, actor=caller.actor
        )
        return baker_view(switched)
    await require_password(request, services, caller, body.password)
    switched = await settings.switch_on(
        services.workshop,
        services.scheduler,
        baker_id,
        typed=body.confirm,
        actor=caller.actor,
    )
    return baker_view(switched)
