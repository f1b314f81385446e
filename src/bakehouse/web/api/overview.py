"""Where each baker stands: paid, under way, waiting, and how long the wallet lasts. To read."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from bakehouse.desk.outlook import Outlook
from bakehouse.desk.overview import Overview, overview, overviews
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode
from bakehouse.payments.standing import Progress
from bakehouse.web.api.fields import EXAMPLE_TIME, BakerOfPath, MutezText
from bakehouse.web.api.security import EXAMPLE_BAKER, TOKEN
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


class UnderWayView(BaseModel):
    """A payment that is being made."""

    cycle: Annotated[int, Field(examples=[750])]
    kind: DistributionKind
    state: DistributionState
    paid: Annotated[int, Field(description="Payouts that are paid.", examples=[120])]
    total: Annotated[int, Field(examples=[150])]
    paid_mutez: MutezText


class OutlookView(BaseModel):
    """What the queue knows of a baker."""

    current_cycle: Annotated[int | None, Field(examples=[751])]
    next_check_at: Annotated[datetime | None, Field(examples=[EXAMPLE_TIME])]
    balance: Annotated[str | None, Field(description="In mutez.", examples=["1234567890"])]
    balance_at: Annotated[datetime | None, Field(examples=[EXAMPLE_TIME])]


class OverviewView(BaseModel):
    """Where one baker stands."""

    baker_id: Annotated[str, Field(examples=[EXAMPLE_BAKER])]
    alias: Annotated[str | None, Field(examples=["Bake Nug"])]
    mode: Mode
    last_settled_cycle: Annotated[
        int | None, Field(description="Paid, or simulated in simulation.", examples=[749])
    ]
    failed: Annotated[list[int], Field(description="Cycles that wait for a person.")]
    open: Annotated[list[int], Field(description="Cycles that are paid or wait for their turn.")]
    under_way: list[UnderWayView]
    held_count: Annotated[int, Field(examples=[3])]
    held_total: MutezText
    open_alerts: Annotated[int, Field(examples=[1])]
    cycle_cost: Annotated[
        str | None,
        Field(description="What the last settled cycle took, in mutez.", examples=["150000000"]),
    ]
    cycles_covered: Annotated[
        int | None, Field(description="For how many the wallet lasts.", examples=[8])
    ]
    outlook: Annotated[
        OutlookView | None, Field(description="Null while the queue does not answer.")
    ]


class OverviewList(BaseModel):
    """Where every baker stands that the caller may see."""

    bakers: list[OverviewView]


@router.get("/overview", summary="Where all bakers stand")
async def list_overviews(services: Services, caller: CallerOf) -> OverviewList:
    """Tell of each baker what was paid, what is under way and what waits."""
    found = await overviews(services.workshop, of=caller.visible_bakers)
    return OverviewList(bakers=[_view(each) for each in found])


@router.get("/bakers/{baker_id}/overview", summary="Where a baker stands", responses=_OF_BAKER)
async def get_overview(baker_id: BakerOfPath, services: Services) -> OverviewView:
    """Tell what was paid, what is under way and what waits."""
    return _view(await overview(services.workshop, baker_id))


def _view(found: Overview) -> OverviewView:
    standing, cost = found.standing, found.standing.cycle_cost
    last = standing.last_settled
    return OverviewView(
        baker_id=standing.baker.baker_id,
        alias=standing.baker.alias,
        mode=standing.baker.mode,
        last_settled_cycle=last.key.cycle if last else None,
        failed=sorted({each.key.cycle for each in standing.failed}),
        open=sorted({each.key.cycle for each in standing.open}),
        under_way=[_under_way(each) for each in standing.under_way],
        held_count=len(standing.held),
        held_total=str(standing.held_total),
        open_alerts=len(standing.alerts),
        cycle_cost=None if cost is None else str(cost),
        cycles_covered=found.cycles_covered,
        outlook=_outlook(found.outlook) if found.outlook else None,
    )


def _under_way(progress: Progress) -> UnderWayView:
    distribution = progress.distribution
    return UnderWayView(
        cycle=distribution.key.cycle,
        kind=distribution.key.kind,
        state=distribution.state,
        paid=progress.paid,
        total=progress.total,
        paid_mutez=str(progress.paid_mutez),
    )


def _outlook(outlook: Outlook) -> OutlookView:
    return OutlookView(
        current_cycle=outlook.current_cycle,
        next_check_at=outlook.next_check_at,
        balance=str(outlook.balance.balance) if outlook.balance else None,
        balance_at=outlook.balance_at,
    )
