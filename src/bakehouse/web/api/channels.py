"""Channels of alerts: entered, changed, removed and tried by those who may do so for all bakers."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field, SecretStr

from bakehouse.alerts.channels import ChannelDesk
from bakehouse.alerts.codes import AlertCode, Severity
from bakehouse.ledger.alert_channels import Channel, ChannelSettings
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import ChannelPurpose
from bakehouse.tezos.address import parse_implicit
from bakehouse.web.api.alerts import ROW_ID_MAX
from bakehouse.web.api.fields import Body
from bakehouse.web.api.security import EXAMPLE_BAKER, TOKEN
from bakehouse.web.caller import CallerOf
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services, WebServices

router = APIRouter(
    prefix="/api/alerts/channels",
    tags=["alerts"],
    dependencies=[TOKEN, needs(Role.ADMINISTRATOR, all_bakers=True)],
    responses=refusals(HTTPStatus.FORBIDDEN),
)

_OF_CHANNEL = refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)
_WITH_BODY = _OF_CHANNEL | refusals(HTTPStatus.CONFLICT)

ChannelId = Annotated[int, Path(ge=1, le=ROW_ID_MAX, description="The channel's number.")]

#: As long as an Apprise URL gets, with several recipients.
_URL_LENGTH_MAX = 4_000
_LISTED_MAX = 10_000


class ChannelFields(Body):
    """What a channel is told."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["night shift"])]
    severity_min: Annotated[Severity, Field(description="The least severe that is told.")] = (
        Severity.WARNING
    )
    codes: Annotated[
        tuple[AlertCode, ...],
        Field(description="Only these; all when empty.", max_length=len(AlertCode)),
    ] = ()
    baker_ids: Annotated[
        list[str] | None,
        Field(
            description="Only these bakers, and nothing about the whole house; all when left out.",
            examples=[[EXAMPLE_BAKER]],
            max_length=_LISTED_MAX,
        ),
    ] = None
    enabled: bool = True
    purpose: Annotated[
        ChannelPurpose, Field(description="What it is told: alerts, announcements, or both.")
    ] = ChannelPurpose.ALERTS


class NewChannel(ChannelFields):
    """A channel to be entered."""

    url: Annotated[
        SecretStr,
        Field(
            description="An Apprise URL. It is stored sealed, and never given back.",
            max_length=_URL_LENGTH_MAX,
            examples=["ntfys://ntfy.sh/my-secret-topic"],
        ),
    ]


class ChangedChannel(ChannelFields):
    """A channel as it is to be: what is left out gets its default, but for the URL."""

    url: Annotated[
        SecretStr | None,
        Field(description="Another URL; left out, it stays.", max_length=_URL_LENGTH_MAX),
    ] = None


class ChannelView(BaseModel):
    """A channel as it is."""

    id: Annotated[int, Field(description="Its number.", examples=[3])]
    name: Annotated[str, Field(examples=["night shift"])]
    url: Annotated[
        str, Field(description="Its scheme and a tail of it.", examples=["tgram://…5678"])
    ]
    severity_min: Annotated[str, Field(examples=["warning"])]
    codes: Annotated[list[str], Field(description="All when empty.")]
    baker_ids: Annotated[list[str] | None, Field(description="All when null.")]
    enabled: bool
    purpose: ChannelPurpose
    created_at: Annotated[datetime, Field(description="When it was entered.")]


class ChannelList(BaseModel):
    """Every channel, by name."""

    channels: list[ChannelView]


class RemovedChannel(BaseModel):
    """What was done."""

    removed: bool


class TestResult(BaseModel):
    """What came of a test."""

    sent: bool
    error: Annotated[str | None, Field(description="Why the channel did not take it.")]


@router.get("", summary="Channels")
async def list_channels(services: Services) -> ChannelList:
    """List where alerts are sent."""
    return ChannelList(channels=[view_of(each) for each in await desk_of(services).channels()])


@router.post("", status_code=HTTPStatus.CREATED, summary="Enter a channel", responses=_WITH_BODY)
async def add_channel(new: NewChannel, services: Services, caller: CallerOf) -> ChannelView:
    """Enter a channel; 422 for a URL that leads nowhere sensible."""
    url = new.url.get_secret_value()
    return view_of(await desk_of(services).add(_settings(new), url, actor=caller.actor))


@router.put("/{channel_id}", summary="Change a channel", responses=_WITH_BODY)
async def change_channel(
    channel_id: ChannelId, changed: ChangedChannel, services: Services, caller: CallerOf
) -> ChannelView:
    """Give a channel these settings, and another URL if one is sent."""
    url = changed.url.get_secret_value() if changed.url else None
    return view_of(
        await desk_of(services).change(channel_id, _settings(changed), url, actor=caller.actor)
    )


@router.delete("/{channel_id}", summary="Remove a channel", responses=_OF_CHANNEL)
async def remove_channel(
    channel_id: ChannelId, services: Services, caller: CallerOf
) -> RemovedChannel:
    """Forget a channel, and what was still to be sent there."""
    await desk_of(services).remove(channel_id, actor=caller.actor)
    return RemovedChannel(removed=True)


@router.post("/{channel_id}/test", summary="Try a channel", responses=_OF_CHANNEL)
async def test_channel(channel_id: ChannelId, services: Services) -> TestResult:
    """Send a test message now, and tell what came of it."""
    error = await desk_of(services).test(channel_id)
    return TestResult(sent=error is None, error=error)


def desk_of(services: WebServices) -> ChannelDesk:
    """Give what channels are managed with."""
    payer = services.workshop.payer
    return ChannelDesk(payer.ledger, services.secret_key, payer.clock)


def _settings(fields: ChannelFields) -> ChannelSettings:
    bakers = fields.baker_ids
    return ChannelSettings(
        name=fields.name,
        severity_min=fields.severity_min.value,
        codes=frozenset(code.value for code in fields.codes),
        baker_ids=None if bakers is None else frozenset(parse_implicit(each) for each in bakers),
        enabled=fields.enabled,
        purpose=fields.purpose,
    )


def view_of(channel: Channel) -> ChannelView:
    """Write a channel as programs read it: its URL is not in it."""
    settings = channel.settings
    return ChannelView(
        id=channel.id,
        name=settings.name,
        url=channel.url.shown,
        severity_min=settings.severity_min,
        codes=sorted(settings.codes),
        baker_ids=None if settings.baker_ids is None else sorted(settings.baker_ids),
        enabled=settings.enabled,
        purpose=settings.purpose,
        created_at=channel.created_at,
    )
