"""Alerts: to list, and to acknowledge."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.alerts.codes import AlertCode, Severity, codes_of, kind_of
from bakehouse.errors import NotFoundError
from bakehouse.ledger import alerts
from bakehouse.ledger.alerts import Alert, AlertFilter
from bakehouse.ledger.page import Page
from bakehouse.ledger.roles import Role
from bakehouse.tezos.address import parse_implicit
from bakehouse.web.api.fields import NextOffset, PageQuery
from bakehouse.web.api.security import EXAMPLE_BAKER, TOKEN
from bakehouse.web.caller import Caller, CallerOf
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api",
    tags=["alerts"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)

ROW_ID_MAX: Final = 2**63 - 1

AlertId = Annotated[int, Path(ge=1, le=ROW_ID_MAX, description="The alert's number.")]


class AlertState(StrEnum):
    """Whether the cause of an alert is still there."""

    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"


class AlertView(BaseModel):
    """Something that deserves a person's attention."""

    id: Annotated[int, Field(description="Its number.", examples=[7])]
    code: Annotated[str, Field(examples=["wallet-low"])]
    severity: Severity
    title: Annotated[str, Field(description="What the code means.")]
    subject: Annotated[str, Field(description="What it is about.")]
    message: Annotated[str, Field(description="What happened.")]
    advice: Annotated[str, Field(description="What to do.")]
    baker_id: Annotated[
        str | None, Field(description="None for the whole house.", examples=[EXAMPLE_BAKER])
    ]
    raised_at: Annotated[datetime, Field(description="When it was raised first.")]
    repeated_at: Annotated[datetime, Field(description="When it was raised last.")]
    times: Annotated[int, Field(description="How often it was raised.")]
    acknowledged_at: Annotated[datetime | None, Field(description="When a person saw it.")]
    acknowledged_by: Annotated[str | None, Field(description="Who.", examples=["user:ann"])]
    closed_at: Annotated[datetime | None, Field(description="When its cause was gone.")]


class AlertList(BaseModel):
    """A page of alerts, the one that was raised last first."""

    alerts: Annotated[list[AlertView], Field(description="At most `limit`.")]
    next_offset: NextOffset


class AlertQuery(PageQuery):
    """Which alerts are wanted."""

    state: AlertState = AlertState.OPEN
    acknowledged: Annotated[bool | None, Field(description="Whether a person saw it.")] = None
    severity: Annotated[Severity | None, Field(description="Only this one.")] = None
    code: Annotated[AlertCode | None, Field(description="Only this one.")] = None
    baker_id: Annotated[
        str | None, Field(description="Only of this baker.", examples=[EXAMPLE_BAKER])
    ] = None


@router.get("/alerts", summary="Alerts")
async def list_alerts(
    services: Services, caller: CallerOf, wanted: Annotated[AlertQuery, Query()]
) -> AlertList:
    """List the alerts that the caller may see: the open ones, unless `state` says otherwise."""
    chosen = AlertFilter(
        is_open=None if wanted.state is AlertState.ALL else wanted.state is AlertState.OPEN,
        is_acknowledged=wanted.acknowledged,
        codes=_codes(wanted),
        baker_ids=_baker_ids(wanted, caller),
    )
    async with services.workshop.payer.ledger.read() as tx:
        found = await alerts.listed(
            tx, chosen, offset=wanted.offset, limit=wanted.part.limit_and_one
        )
    page = Page.of(found, wanted.part)
    return AlertList(alerts=[view_of(each) for each in page.rows], next_offset=page.next_offset)


@router.get("/alerts/{alert_id}", summary="One alert")
async def get_alert(alert_id: AlertId, services: Services, caller: CallerOf) -> AlertView:
    """Give an alert."""
    async with services.workshop.payer.ledger.read() as tx:
        return view_of(await _visible(tx, alert_id, caller))


@router.post(
    "/alerts/{alert_id}/acknowledge",
    summary="Acknowledge an alert",
    dependencies=[needs(Role.OPERATOR)],
    responses=refusals(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT),
)
async def acknowledge(alert_id: AlertId, services: Services, caller: CallerOf) -> AlertView:
    """Say that somebody saw it: it stays open, and is told no more. 409 when it is closed."""
    payer = services.workshop.payer
    async with payer.ledger.write() as tx:
        await _visible(tx, alert_id, caller)
        return view_of(await alerts.acknowledge(tx, alert_id, actor=caller.actor, at=payer.clock()))


def _codes(wanted: AlertQuery) -> Collection[str] | None:
    if wanted.code is None:
        return None if wanted.severity is None else codes_of(wanted.severity)
    return {wanted.code} & (codes_of(wanted.severity) if wanted.severity else {wanted.code})


def _baker_ids(wanted: AlertQuery, caller: Caller) -> Collection[str] | None:
    """Give the bakers whose alerts are shown; None for all and for the house."""
    if wanted.baker_id is not None:
        address = parse_implicit(wanted.baker_id)
        caller.require(Role.VIEWER, address)
        return [address]
    return caller.grant.bakers if caller.grant else []


async def _visible(tx: AsyncConnection, alert_id: int, caller: Caller) -> Alert:
    alert = await alerts.get(tx, alert_id)
    if not caller.may_see(alert.baker_id):
        # In the words of an alert that is not there: what others have is not told.
        raise NotFoundError(f"there is no alert {alert_id}")
    return alert


def view_of(alert: Alert) -> AlertView:
    """Write an alert as programs read it."""
    kind = kind_of(alert.code)
    return AlertView(
        id=alert.id,
        code=alert.code,
        severity=kind.severity,
        title=kind.title,
        subject=alert.subject,
        message=alert.message,
        advice=kind.advice,
        baker_id=alert.baker_id,
        raised_at=alert.raised_at,
        repeated_at=alert.repeated_at,
        times=alert.times,
        acknowledged_at=alert.acknowledged_at,
        acknowledged_by=alert.acknowledged_by,
        closed_at=alert.closed_at,
    )
