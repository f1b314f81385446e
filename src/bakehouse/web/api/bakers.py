"""Bakers and their settings: to read, to register, to change, to take out of service."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from bakehouse.desk import settings
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.roles import Role
from bakehouse.ledger.setting_catalogue import CATALOGUE
from bakehouse.payments.baker_settings import document_name, setting_document
from bakehouse.web.api.etag import NOT_MODIFIED, tagged
from bakehouse.web.api.fields import (
    BakerOfPath,
    ImplicitSent,
    OptionalWhy,
)
from bakehouse.web.api.security import EXAMPLE_BAKER, TOKEN
from bakehouse.web.api.setting_models import settings_sent, settings_shown
from bakehouse.web.caller import CallerOf
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api",
    tags=["bakers"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(),
)

_OF_BAKER: Final = refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)
_CHANGING: Final = {**_OF_BAKER, **refusals(HTTPStatus.FORBIDDEN)}


_SettingsShown: Any = settings_shown()
_SettingsSent: Any = settings_sent()


class BakerView(_SettingsShown):  # type: ignore[misc]  # made of the catalogue
    """A baker and its settings."""

    baker_id: Annotated[str, Field(examples=[EXAMPLE_BAKER])]
    network: Annotated[str, Field(description="Id of the chain.", examples=["NetXdQprcVkpaWU"])]


class BakerList(BaseModel):
    """Every baker registered here that the caller may see."""

    bakers: list[BakerView]


class SettingsBody(_SettingsSent):  # type: ignore[misc]  # likewise
    """Settings to change; what is left out stays as it is."""

    why: OptionalWhy = None

    def chosen(self) -> dict[str, Any]:
        """Give what was sent, by the ledger's names."""
        return {
            name: getattr(self, document_name(setting))
            for name, setting in CATALOGUE.items()
            if document_name(setting) in self.model_fields_set
        }


class NewBakerBody(SettingsBody):
    """A baker to register, with settings that differ from the defaults."""

    baker_id: ImplicitSent


@router.get("/bakers", summary="All bakers")
async def list_bakers(services: Services, caller: CallerOf) -> BakerList:
    """List the registered bakers with their settings."""
    async with services.workshop.payer.ledger.read() as tx:
        registered = await bakers.everyone(tx)
    return BakerList(
        bakers=[baker_view(each) for each in registered if caller.may_see(each.baker_id)]
    )


@router.post(
    "/bakers",
    status_code=HTTPStatus.CREATED,
    summary="Register a baker",
    dependencies=[needs(Role.ADMINISTRATOR, all_bakers=True)],
    responses=refusals(
        HTTPStatus.FORBIDDEN,
        HTTPStatus.CONFLICT,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
)
async def register_baker(body: NewBakerBody, services: Services, caller: CallerOf) -> BakerView:
    """Register a baker in simulation; a second time is a 409.

    Without `first_cycle` a node is asked for the cycle that runs now, so that nothing older is
    paid; 503 when none answers. Without `payout_address` the baker pays from its own address.
    """
    registered = await settings.register(
        services.workshop, services.scheduler, body.baker_id, body.chosen(), actor=caller.actor
    )
    return baker_view(registered)


@router.get(
    "/bakers/{baker_id}",
    summary="One baker",
    response_model=BakerView,
    responses={**_OF_BAKER, **NOT_MODIFIED},
)
async def get_baker(request: Request, baker_id: BakerOfPath, services: Services) -> Response:
    """Give a baker's settings, with an ETag."""
    async with services.workshop.payer.ledger.read() as tx:
        return tagged(request, baker_view(await bakers.get(tx, baker_id)))


@router.patch(
    "/bakers/{baker_id}",
    summary="Change settings",
    dependencies=[needs(Role.ADMINISTRATOR)],
    responses=_CHANGING,
)
async def change_baker(
    baker_id: BakerOfPath, body: SettingsBody, services: Services, caller: CallerOf
) -> BakerView:
    """Change the settings that are sent, at once; sending them again changes nothing further.

    A new `update_freq` reaches the schedules with this request. The mode has a route of its own.
    """
    changed = await settings.change(
        services.workshop,
        services.scheduler,
        baker_id,
        body.chosen(),
        actor=caller.actor,
        why=body.why,
    )
    return baker_view(changed)


@router.delete(
    "/bakers/{baker_id}",
    summary="Take a baker out of service",
    dependencies=[needs(Role.ADMINISTRATOR)],
    responses=_CHANGING,
)
async def remove_baker(baker_id: BakerOfPath, services: Services, caller: CallerOf) -> BakerView:
    """Switch a baker off and remove its schedules; repeating it changes nothing further.

    Nothing is deleted: what was paid stays on record, and the baker can be switched on again.
    """
    removed = await settings.remove(
        services.workshop, services.scheduler, baker_id, actor=caller.actor
    )
    return baker_view(removed)


def baker_view(baker: Baker) -> BakerView:
    """Show a baker's settings."""
    who = {"baker_id": baker.baker_id, "network": baker.network}
    shown: BakerView = BakerView.model_validate({**who, **setting_document(baker)})
    return shown
