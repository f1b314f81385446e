"""What a baker says in public when a cycle is paid: templates, a look at them, what was said."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from bakehouse.alerts.announcement_text import BODY_LENGTH_MAX, FIELDS, TITLE_LENGTH_MAX
from bakehouse.alerts.message import Message
from bakehouse.desk.announcements import AnnouncementDesk
from bakehouse.ledger.announcement_settings import (
    DEFAULT_BODY,
    DEFAULT_TITLE,
    AnnouncementSettings,
)
from bakehouse.ledger.announcements import Announcement
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import AnnouncementState
from bakehouse.payments.controls import Decision
from bakehouse.web.api.alerts import ROW_ID_MAX
from bakehouse.web.api.channels import TestResult
from bakehouse.web.api.fields import EXAMPLE_TIME, BakerOfPath, Body, Why
from bakehouse.web.api.security import TOKEN
from bakehouse.web.caller import CallerOf
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services, WebServices

router = APIRouter(
    prefix="/api/bakers/{baker_id}/announcements",
    tags=["announcements"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)

_CHANGING: Final = refusals(HTTPStatus.FORBIDDEN)
_DECIDING: Final = refusals(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT)

AnnouncementId = Annotated[int, Path(ge=1, le=ROW_ID_MAX, description="Its number.")]

_TEMPLATE: Final = "With the fields " + ", ".join(f"{{{name}}}" for name in FIELDS) + "."


class AnnouncementBody(Body):
    """What is said, as templates."""

    enabled: bool = False
    title: Annotated[
        str, Field(min_length=1, max_length=TITLE_LENGTH_MAX, description=_TEMPLATE)
    ] = DEFAULT_TITLE
    body: Annotated[str, Field(min_length=1, max_length=BODY_LENGTH_MAX, description=_TEMPLATE)] = (
        DEFAULT_BODY
    )
    link: Annotated[
        str | None,
        Field(
            description="What {link} stands for.",
            max_length=500,
            examples=["https://bakery.example/public/tz1fwnfJNgiDACshK9avfRfFbMaXrs3ghoJa"],
        ),
    ] = None


class AnnouncementView(BaseModel):
    """One cycle on one channel."""

    id: Annotated[int, Field(description="Its number.", examples=[7])]
    cycle: Annotated[int, Field(examples=[1336])]
    channel: Annotated[str, Field(examples=["public"])]
    state: AnnouncementState
    attempts: Annotated[int, Field(description="How often it was tried.", examples=[1])]
    sent_at: Annotated[datetime | None, Field(examples=[EXAMPLE_TIME])]
    last_error: Annotated[
        str | None,
        Field(
            description="Why it is unsure, or was not taken.",
            examples=["not delivered: the service answered 429"],
        ),
    ]
    title: Annotated[
        str | None, Field(description="What was said.", examples=["Cycle 1336 is paid"])
    ]
    body: Annotated[str | None, Field(examples=["28.056046 tez for 42 delegators."])]


class AnnouncementsView(BaseModel):
    """What is said, and what was."""

    settings: AnnouncementBody
    made: Annotated[list[AnnouncementView], Field(description="The newest first.")]


class MessageView(BaseModel):
    """A message in full."""

    title: Annotated[str, Field(examples=["Cycle 1336 is paid"])]
    body: Annotated[str, Field(examples=["28.056046 tez for 42 delegators."])]


class ChannelBody(Body):
    """A channel by its name."""

    channel: Annotated[str, Field(min_length=1, max_length=100, examples=["public"])]


class DecisionBody(Body):
    """Why somebody decides."""

    why: Why


@router.get("", summary="Announcements")
async def get_announcements(baker_id: BakerOfPath, services: Services) -> AnnouncementsView:
    """Give what the baker says when a cycle is paid, and what was said."""
    desk = desk_of(services)
    settings = await desk.settings_of(baker_id)
    return AnnouncementsView(
        settings=settings_view(settings), made=views_of(await desk.made(baker_id))
    )


@router.put(
    "", summary="Change them", dependencies=[needs(Role.ADMINISTRATOR)], responses=_CHANGING
)
async def change_announcements(
    baker_id: BakerOfPath, body: AnnouncementBody, services: Services, caller: CallerOf
) -> AnnouncementBody:
    """Set what is said from now on; 422 names a field that is not known."""
    desk = desk_of(services)
    await desk.change(baker_id, settings_of(body), actor=caller.actor)
    return settings_view(await desk.settings_of(baker_id))


@router.post(
    "/preview", summary="Look at one", dependencies=[needs(Role.OPERATOR)], responses=_CHANGING
)
async def preview_announcement(
    baker_id: BakerOfPath, body: AnnouncementBody, services: Services
) -> MessageView:
    """Fill templates in for the last paid cycle; nothing is kept or sent."""
    return message_view(await desk_of(services).preview(baker_id, settings_of(body)))


@router.post(
    "/test", summary="Try them", dependencies=[needs(Role.ADMINISTRATOR)], responses=_DECIDING
)
async def test_announcement(
    baker_id: BakerOfPath, body: ChannelBody, services: Services
) -> TestResult:
    """Send what would be said, marked as a test, to a channel now."""
    error = await desk_of(services).test(baker_id, body.channel)
    return TestResult(sent=error is None, error=error)


@router.post(
    "/{announcement_id}/again",
    summary="Say it again",
    dependencies=[needs(Role.OPERATOR)],
    responses=_DECIDING,
)
async def say_again(
    baker_id: BakerOfPath,
    announcement_id: AnnouncementId,
    body: DecisionBody,
    services: Services,
    caller: CallerOf,
) -> AnnouncementView:
    """Have an announcement that is unsure or failed said again, on the caller's word."""
    by = _decision(services, caller.actor, body.why)
    desk = desk_of(services)
    return view_of(await desk.decide(announcement_id, by, again=True, baker_id=baker_id))


@router.post(
    "/{announcement_id}/leave",
    summary="Leave it",
    dependencies=[needs(Role.OPERATOR)],
    responses=_DECIDING,
)
async def leave(
    baker_id: BakerOfPath,
    announcement_id: AnnouncementId,
    body: DecisionBody,
    services: Services,
    caller: CallerOf,
) -> AnnouncementView:
    """Say nothing more about an announcement that is unsure."""
    by = _decision(services, caller.actor, body.why)
    desk = desk_of(services)
    return view_of(await desk.decide(announcement_id, by, again=False, baker_id=baker_id))


def desk_of(services: WebServices) -> AnnouncementDesk:
    """Give what announcements are managed with."""
    payer = services.workshop.payer
    return AnnouncementDesk(payer.ledger, services.secret_key, payer.clock)


def settings_of(body: AnnouncementBody) -> AnnouncementSettings:
    """Read settings as they are sent."""
    return AnnouncementSettings(
        enabled=body.enabled, title=body.title, body=body.body, link=body.link
    )


def settings_view(settings: AnnouncementSettings) -> AnnouncementBody:
    """Write settings as they are sent."""
    return AnnouncementBody(
        enabled=settings.enabled, title=settings.title, body=settings.body, link=settings.link
    )


def message_view(message: Message) -> MessageView:
    """Write a message."""
    return MessageView(title=message.title, body=message.body)


def view_of(made: Announcement) -> AnnouncementView:
    """Write one announcement as programs read it."""
    return AnnouncementView(
        id=made.id,
        cycle=made.cycle,
        channel=made.channel,
        state=made.state,
        attempts=made.attempts,
        sent_at=made.sent_at,
        last_error=made.last_error,
        title=made.title,
        body=made.body,
    )


def views_of(several: Sequence[Announcement]) -> list[AnnouncementView]:
    """Write announcements as programs read them."""
    return [view_of(each) for each in several]


def _decision(services: WebServices, actor: str, why: str) -> Decision:
    return Decision(actor, why.strip(), services.workshop.payer.clock())
