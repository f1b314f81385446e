"""A baker's settings: every one with its meaning. Its mode too, but for live, which asks more."""

import hashlib
import json
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response

from bakehouse.desk import settings as desk
from bakehouse.errors import InputError, SettingError
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import Mode
from bakehouse.web.caller import CallerOf
from bakehouse.web.form import read_form
from bakehouse.web.pages.filled_form import FilledForm, optional_reason
from bakehouse.web.pages.notice import Notice, done, notice_of
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.pages.setting_fields import FIELDS, GROUPS, written
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False)

_CHANGED_MEANWHILE: Final = (
    "somebody else has changed the settings since you opened this page: compare, then send again"
)


@router.get("/bakers/{baker_id}/settings", dependencies=[needs(Role.VIEWER)])
async def settings_page(request: Request, services: Services, baker_id: str) -> Response:
    """Show every setting; who may, changes them here."""
    baker = await _baker(services, baker_id)
    return _page(request, baker, FilledForm(written(baker)))


@router.post("/bakers/{baker_id}/settings", dependencies=[needs(Role.ADMINISTRATOR)])
async def change_settings(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Change what differs from how it is set now."""
    baker = await _baker(services, baker_id)
    form = FilledForm(await read_form(request))
    chosen = {name: form.read(name, field.read_in_range) for name, field in FIELDS.items()}
    why = form.read("why", optional_reason)
    if form.entered.get("seen") != _fingerprint(baker):
        form = form.with_trouble(InputError(_CHANGED_MEANWHILE))
    if not form.is_good:
        return _page(request, baker, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    changed = {name: value for name, value in chosen.items() if value != getattr(baker, name)}
    if not changed:
        return done(request.url.path, Notice.NOTHING_CHANGED)
    try:
        await desk.change(
            services.workshop, services.scheduler, baker_id, changed, actor=caller.actor, why=why
        )
    except SettingError as error:
        # Each is right by itself, and they contradict each other or other rules.
        refused = form.with_refusal(error, FIELDS)
        return _page(request, baker, refused, HTTPStatus.UNPROCESSABLE_ENTITY)
    return done(request.url.path, Notice.SETTINGS_CHANGED)


@router.post("/bakers/{baker_id}/simulate", dependencies=[needs(Role.ADMINISTRATOR)])
async def simulate(services: Services, caller: CallerOf, baker_id: str) -> Response:
    """Have the baker simulate: what would be paid is worked out, nothing new is signed."""
    await desk.switch_to(
        services.workshop, services.scheduler, baker_id, Mode.SIMULATION, actor=caller.actor
    )
    return done(f"/bakers/{baker_id}/settings", Notice.SIMULATING)


def _page(
    request: Request, baker: Baker, form: FilledForm, status: int = HTTPStatus.OK
) -> Response:
    return renderer_of(request).page(
        request,
        "settings.html",
        status=status,
        baker=baker,
        groups=GROUPS,
        form=form,
        seen=_fingerprint(baker),
        notice=notice_of(request),
    )


def _fingerprint(baker: Baker) -> str:
    """Tell one state of the settings from another, so that nobody undoes what they did not see."""
    return hashlib.sha256(json.dumps(written(baker)).encode()).hexdigest()


async def _baker(services: WebServices, baker_id: str) -> Baker:
    async with services.workshop.payer.ledger.read() as tx:
        return await bakers.get(tx, baker_id)
