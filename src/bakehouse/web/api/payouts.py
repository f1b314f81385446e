"""A baker's payouts over all cycles, looked through by state and address. To read."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from bakehouse.desk import reading
from bakehouse.ledger.payout_search import PayoutFilter
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import DistributionKind, Mode, PayoutState
from bakehouse.web.api.fields import (
    EXAMPLE_RECIPIENT,
    BakerOfPath,
    MutezText,
    NextOffset,
    PageQuery,
)
from bakehouse.web.api.security import TOKEN
from bakehouse.web.api.views import PayoutView, payout_view
from bakehouse.web.cycle_records import CYCLE_MAX
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api/bakers/{baker_id}/payouts",
    tags=["payouts"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)


class PayoutSearchQuery(PageQuery):
    """Which payouts are wanted; what is left out makes no difference."""

    mode: Mode = Mode.ON
    cycle: Annotated[int | None, Field(ge=0, le=CYCLE_MAX, examples=[750])] = None
    kind: DistributionKind | None = None
    state: Annotated[tuple[PayoutState, ...], Field(description="One or several.")] = ()
    search: Annotated[
        str,
        Field(max_length=64, description="Part of an address.", examples=[EXAMPLE_RECIPIENT[:8]]),
    ] = ""


class CyclePayoutView(PayoutView):
    """A payout, and the cycle it is for."""

    cycle: Annotated[int, Field(examples=[750])]


class PayoutSumsView(BaseModel):
    """Everything that fits, whatever the page."""

    count: Annotated[int, Field(examples=[150])]
    gross: MutezText
    fee: MutezText
    net: MutezText
    withheld: MutezText
    received: MutezText


class FoundPayoutList(BaseModel):
    """A page of payouts, the newest cycle first and the largest first in each, with sums."""

    payouts: list[CyclePayoutView]
    sums: PayoutSumsView
    next_offset: NextOffset


@router.get("", summary="Look through payouts")
async def search_payouts(
    baker_id: BakerOfPath, services: Services, wanted: Annotated[PayoutSearchQuery, Query()]
) -> FoundPayoutList:
    """List payouts of all cycles that fit, with the sums of all that fit."""
    found = await reading.search_payouts(
        services.workshop.payer.ledger,
        PayoutFilter(
            baker_id=baker_id,
            mode=wanted.mode,
            cycle=wanted.cycle,
            kind=wanted.kind,
            states=frozenset(wanted.state),
            search=wanted.search,
        ),
        wanted.part,
    )
    sums = found.sums
    return FoundPayoutList(
        payouts=[
            CyclePayoutView(
                cycle=each.payout.cycle,
                **payout_view(each.payout, each.operation_hash).model_dump(),
            )
            for each in found.page.rows
        ],
        sums=PayoutSumsView(
            count=sums.count,
            gross=str(sums.gross),
            fee=str(sums.fee),
            net=str(sums.net),
            withheld=str(sums.withheld),
            received=str(sums.received),
        ),
        next_offset=found.page.next_offset,
    )
