"""What a baker says in public when a cycle is paid: set, looked at, tried, and what was said."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response

from bakehouse.alerts.announcement_text import FIELDS
from bakehouse.alerts.message import Message
from bakehouse.desk.announcements import AnnouncementDesk
from bakehouse.errors import BakehouseError, UndeliveredError
from bakehouse.ledger import alert_channels, bakers
from bakehouse.ledger.announcement_settings import AnnouncementSettings
from bakehouse.ledger.roles import Role
from bakehouse.payments.controls import Decision
from bakehouse.tezos.address import parse_implicit
from bakehouse.web.api.announcements import AnnouncementId, desk_of
from bakehouse.web.caller import CallerOf
from bakehouse.web.form import field, read_form
from bakehouse.web.pages.filled_form import FilledForm, reason
from bakehouse.web.pages.notice import Notice, done, notice_of
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False)

_PATH: Final = "/bakers/{baker_id}/announcements"
_SAVE: Final = "save"
_AGAIN: Final = "again"


@router.get(_PATH, dependencies=[needs(Role.VIEWER)])
async def announcements_page(request: Request, services: Services, baker_id: str) -> Response:
    """Show what a baker says, as it would be said now, and what was said."""
    return await _page(request, services, baker_id)


@router.post(_PATH, dependencies=[needs(Role.ADMINISTRATOR)])
async def change_announcements(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Set what is said from now on, or only show how it would read."""
    form = FilledForm(await read_form(request))
    desk, address = desk_of(services), parse_implicit(baker_id)
    try:
        settings = _settings(form.entered)
        if form.entered.get("do") != _SAVE:
            shown = await desk.preview(address, settings)
            return await _page(request, services, baker_id, form=form, shown=shown)
        await desk.change(address, settings, actor=caller.actor)
    except BakehouseError as error:
        return await _page(request, services, baker_id, form=form.with_trouble(error))
    return done(f"/bakers/{baker_id}/announcements", Notice.ANNOUNCING_CHANGED)


@router.post(f"{_PATH}/test", dependencies=[needs(Role.ADMINISTRATOR)])
async def test_announcement(request: Request, services: Services, baker_id: str) -> Response:
    """Send what would be said, marked as a test, to a channel now."""
    entered = await read_form(request)
    desk, address = desk_of(services), parse_implicit(baker_id)
    try:
        refused = await desk.test(address, field(entered, "channel"))
        if refused is not None:
            raise UndeliveredError(f"the test was not taken: {refused}")
    except BakehouseError as error:
        return await _page(request, services, baker_id, trouble=error)
    return done(f"/bakers/{baker_id}/announcements", Notice.ANNOUNCEMENT_TESTED)


@router.post(f"{_PATH}/{{announcement_id}}", dependencies=[needs(Role.OPERATOR)])
async def decide(
    request: Request,
    services: Services,
    caller: CallerOf,
    baker_id: str,
    announcement_id: AnnouncementId,
) -> Response:
    """Say an announcement in doubt again, or leave it."""
    entered = await read_form(request)
    desk, address = desk_of(services), parse_implicit(baker_id)
    try:
        by = Decision(caller.actor, reason(entered.get("why", "").strip()), desk.clock())
        again = entered.get("do") == _AGAIN
        await desk.decide(announcement_id, by, again=again, baker_id=address)
    except BakehouseError as error:
        return await _page(request, services, baker_id, trouble=error)
    return done(f"/bakers/{baker_id}/announcements", Notice.ANNOUNCEMENT_DECIDED)


async def _page(  # noqa: PLR0913 - what happened, each with a default
    request: Request,
    services: WebServices,
    baker_id: str,
    *,
    form: FilledForm | None = None,
    shown: Message | None = None,
    trouble: BakehouseError | None = None,
) -> Response:
    desk, address = desk_of(services), parse_implicit(baker_id)
    settings = await desk.settings_of(address)
    async with desk.ledger.read() as tx:
        baker = await bakers.get(tx, address)
        channels = await alert_channels.everyone(tx)
    filled = form or FilledForm(_entered(settings, request, baker_id))
    below = FilledForm() if trouble is None else FilledForm().with_trouble(trouble)
    is_good = filled.is_good and below.is_good
    return renderer_of(request).page(
        request,
        "announcements.html",
        status=HTTPStatus.OK if is_good else HTTPStatus.UNPROCESSABLE_ENTITY,
        baker=baker,
        settings=settings,
        shown=shown or await _preview(desk, address),
        is_tried=shown is not None,
        fields=FIELDS,
        form=filled,
        below=below,
        channels=[
            each.settings.name for each in channels if each.settings.hears_announcements_of(address)
        ],
        made=await desk.made(address),
        notice=notice_of(request),
    )


async def _preview(desk: AnnouncementDesk, address: str) -> Message | None:
    try:
        return await desk.preview(address)
    except BakehouseError:
        # A template that an older version took: it is shown in the form, to be mended.
        return None


def _entered(settings: AnnouncementSettings, request: Request, baker_id: str) -> dict[str, str]:
    public_page = f"{str(request.base_url).rstrip('/')}/public/{baker_id}"
    return {
        "enabled": "yes" if settings.enabled else "",
        "title": settings.title,
        "body": settings.body,
        "link": settings.link or "",
        "public_page": public_page,
    }


def _settings(form: Mapping[str, str]) -> AnnouncementSettings:
    return AnnouncementSettings(
        enabled=form.get("enabled") == "yes",
        title=form.get("title", "").strip(),
        body=form.get("body", "").replace("\r\n", "\n").strip(),
        link=form.get("link", "").strip() or None,
    )
