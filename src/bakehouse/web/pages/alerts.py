"""Alerts that were raised, open and closed, and the channels by which they reach people."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from bakehouse.alerts.channels import ChannelDesk
from bakehouse.alerts.codes import AlertCode, Severity, kind_of, severity_of
from bakehouse.errors import BakehouseError, InputError, UndeliveredError
from bakehouse.ledger import alerts
from bakehouse.ledger.alert_channels import Channel, ChannelSettings
from bakehouse.ledger.alerts import AlertFilter
from bakehouse.ledger.page import OFFSET_MAX, Page, Slice
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import ChannelPurpose
from bakehouse.web.caller import Caller, CallerOf
from bakehouse.web.form import read_form
from bakehouse.web.pages.filled_form import FilledForm
from bakehouse.web.pages.notice import Notice, done, notice_of
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False)

PATH: Final = "/alerts"
_CHANNELS: Final = f"{PATH}/channels"
_ROWS: Final = 50
_PURPOSES: Final = (
    (ChannelPurpose.ALERTS.value, "alerts: what needs a person"),
    (ChannelPurpose.ANNOUNCEMENTS.value, "announcements: that a cycle is paid"),
    (ChannelPurpose.BOTH.value, "both"),
)
_EVERYBODY: Final = "all"
_OF_THE_HOUSE: Final = needs(Role.ADMINISTRATOR, all_bakers=True)


class AlertsQuery(BaseModel):
    """Which alerts are shown."""

    closed: bool = False
    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)] = 0


@router.get(PATH, dependencies=[needs(Role.VIEWER)])
async def alerts_page(
    request: Request, services: Services, caller: CallerOf, wanted: Annotated[AlertsQuery, Query()]
) -> Response:
    """Show the alerts about what the caller may see; who may, sees and changes the channels."""
    return await _page(request, services, caller, wanted, FilledForm())


@router.post(_CHANNELS, dependencies=[_OF_THE_HOUSE])
async def add_channel(request: Request, services: Services, caller: CallerOf) -> Response:
    """Enter a channel; its URL is kept sealed, and never shown again."""
    form = FilledForm(await read_form(request))
    try:
        settings = _settings(form.entered)
        await _desk(services).add(settings, form.entered.get("url", ""), actor=caller.actor)
    except BakehouseError as error:
        shown = FilledForm({**form.entered, "url": ""}).with_trouble(error)
        return await _page(request, services, caller, AlertsQuery(), shown)
    return done(PATH, Notice.CHANNEL_ADDED)


@router.post(_CHANNELS + "/{channel_id}/test", dependencies=[_OF_THE_HOUSE])
async def try_channel(
    request: Request, services: Services, caller: CallerOf, channel_id: int
) -> Response:
    """Send a test now, and tell what became of it."""
    refused = await _desk(services).test(channel_id)
    if refused is None:
        return done(PATH, Notice.CHANNEL_TESTED)
    trouble = FilledForm().with_trouble(UndeliveredError(f"the test was not taken: {refused}"))
    return await _page(request, services, caller, AlertsQuery(), trouble)


@router.post(_CHANNELS + "/{channel_id}/switch", dependencies=[_OF_THE_HOUSE])
async def switch_channel(services: Services, caller: CallerOf, channel_id: int) -> Response:
    """Switch a channel on or off."""
    desk = _desk(services)
    for channel in await desk.channels():
        if channel.id == channel_id:
            settings = replace(channel.settings, enabled=not channel.settings.enabled)
            await desk.change(channel_id, settings, actor=caller.actor)
    return done(PATH, Notice.CHANNEL_SWITCHED)


@router.post(_CHANNELS + "/{channel_id}/remove", dependencies=[_OF_THE_HOUSE])
async def remove_channel(services: Services, caller: CallerOf, channel_id: int) -> Response:
    """Forget a channel."""
    await _desk(services).remove(channel_id, actor=caller.actor)
    return done(PATH, Notice.CHANNEL_REMOVED)


async def _page(
    request: Request, services: WebServices, caller: Caller, wanted: AlertsQuery, form: FilledForm
) -> Response:
    part = Slice(wanted.offset, _ROWS)
    chosen = AlertFilter(is_open=not wanted.closed, baker_ids=caller.visible_bakers)
    async with services.workshop.payer.ledger.read() as tx:
        found = await alerts.listed(tx, chosen, offset=part.offset, limit=part.limit_and_one)
    page = Page.of(found, part)
    return renderer_of(request).page(
        request,
        "alerts.html",
        status=HTTPStatus.OK if form.is_good else HTTPStatus.UNPROCESSABLE_ENTITY,
        raised=[(each, kind_of(each.code), severity_of(each.code)) for each in page.rows],
        next_offset=page.next_offset,
        wanted=wanted,
        channels=await _channels(services, caller),
        severities=[(each.value, f"{each.value} and worse") for each in Severity],
        codes=list(AlertCode),
        purposes=_PURPOSES,
        form=form,
        notice=notice_of(request),
    )


async def _channels(services: WebServices, caller: Caller) -> list[Channel] | None:
    """Give the channels to whoever may change them, else None."""
    if not (caller.has(Role.ADMINISTRATOR) and caller.sees_all):
        return None
    return await _desk(services).channels()


def _settings(form: Mapping[str, str]) -> ChannelSettings:
    bakers = form.get("bakers", _EVERYBODY).strip() or _EVERYBODY
    return ChannelSettings(
        name=form.get("name", "").strip(),
        severity_min=form.get("severity_min", ""),
        codes=frozenset(_words(form.get("codes", ""))),
        baker_ids=None if bakers == _EVERYBODY else frozenset(_words(bakers)),
        purpose=_purpose(form.get("purpose", ChannelPurpose.ALERTS)),
    )


def _purpose(text: str) -> ChannelPurpose:
    try:
        return ChannelPurpose(text)
    except ValueError as error:
        raise InputError(f"a channel is for {', '.join(ChannelPurpose)}") from error


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _desk(services: WebServices) -> ChannelDesk:
    payer = services.workshop.payer
    return ChannelDesk(payer.ledger, services.secret_key, payer.clock)
