"""The audit trail: who did what, and when. To read; nothing of it can be changed."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from bakehouse.desk import reading
from bakehouse.ledger.audit_search import AuditFilter, NumberedEvent
from bakehouse.ledger.roles import Role
from bakehouse.web.api.fields import EXAMPLE_TIME, Body
from bakehouse.web.api.security import EXAMPLE_BAKER, TOKEN
from bakehouse.web.caller import CallerOf
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api/audit",
    tags=["audit"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(HTTPStatus.UNPROCESSABLE_ENTITY),
)


class AuditQuery(Body):
    """Which events are wanted; what is left out makes no difference."""

    actor: Annotated[
        str, Field(max_length=100, description="Part of who did it.", examples=["user:anna"])
    ] = ""
    action: Annotated[
        str,
        Field(max_length=100, description="An action or its beginning.", examples=["fees."]),
    ] = ""
    subject: Annotated[
        str,
        Field(max_length=200, description="Part of what it was done to.", examples=[EXAMPLE_BAKER]),
    ] = ""
    since: Annotated[AwareDatetime | None, Field(examples=[EXAMPLE_TIME])] = None
    until: Annotated[
        AwareDatetime | None, Field(description="Itself not included.", examples=[EXAMPLE_TIME])
    ] = None
    before: Annotated[
        int | None,
        Field(ge=1, le=2**63 - 1, description="Only older than this event.", examples=[17]),
    ] = None
    limit: Annotated[int, Field(ge=1, le=500, description="Events at most.")] = 100


class AuditEventView(BaseModel):
    """Something that somebody did."""

    id: Annotated[int, Field(examples=[17])]
    at: Annotated[datetime, Field(examples=[EXAMPLE_TIME])]
    actor: Annotated[str, Field(examples=["user:anna"])]
    action: Annotated[str, Field(examples=["baker.changed"])]
    subject: Annotated[str, Field(examples=[EXAMPLE_BAKER])]
    detail: Annotated[dict[str, Any], Field(description="What the action says of itself.")]


class AuditTrail(BaseModel):
    """A page of events, newest first."""

    events: list[AuditEventView]
    next_before: Annotated[
        int | None, Field(description="The `before` of the next page, if any.", examples=[17])
    ]


@router.get("", summary="The audit trail")
async def list_events(
    services: Services, caller: CallerOf, wanted: Annotated[AuditQuery, Query()]
) -> AuditTrail:
    """List who did what; who may see some bakers only is told of those only."""
    page = await reading.read_audit(
        services.workshop.payer.ledger,
        AuditFilter(
            actor=wanted.actor,
            action=wanted.action,
            subject=wanted.subject,
            since=wanted.since,
            until=wanted.until,
            bakers=caller.visible_bakers,
        ),
        limit=wanted.limit,
        before=wanted.before,
    )
    return AuditTrail(events=[_event(each) for each in page.events], next_before=page.next_before)


def _event(found: NumberedEvent) -> AuditEventView:
    event = found.event
    return AuditEventView(
        id=found.id,
        at=event.at,
        actor=event.actor,
        action=event.action,
        subject=event.subject,
        detail=dict(event.detail),
    )
