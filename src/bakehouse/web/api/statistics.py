"""A baker's last cycles in figures, for programs."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from bakehouse.ledger import bakers
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import DistributionState, Mode
from bakehouse.payments.statistics import (
    CYCLES_DEFAULT,
    CYCLES_MAX,
    statistics_document,
    statistics_of,
)
from bakehouse.web.api.fields import BakerOfPath, Body, MutezText
from bakehouse.web.api.security import EXAMPLE_BAKER, TOKEN
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api",
    tags=["cycles"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)

_COUNT: Final = Field(examples=[312])


class FiguresView(BaseModel):
    """What cycles brought, and what paying cost."""

    pool: MutezText
    for_delegators: MutezText
    for_bond_pool: MutezText
    fees: MutezText
    kept: Annotated[
        str, Field(description="In mutez: left to the baker, before costs.", examples=["91204811"])
    ]
    payouts: Annotated[int, _COUNT]
    settled: Annotated[int, _COUNT]
    transfers: Annotated[int, _COUNT]
    operations: Annotated[int, Field(examples=[2])]
    chain_fees: MutezText
    burned: MutezText


class CycleFiguresView(FiguresView):
    """One cycle."""

    cycle: Annotated[int, Field(examples=[750])]
    state: DistributionState


class StatisticsView(BaseModel):
    """The newest planned cycles, newest first, and their sum."""

    baker: Annotated[str, Field(examples=[EXAMPLE_BAKER])]
    mode: Mode
    cycles: list[CycleFiguresView]
    total: FiguresView
    cost_per_transfer: Annotated[
        str | None, Field(description="In mutez, rounded down.", examples=["431"])
    ]


class StatisticsQuery(Body):
    """Over how many cycles."""

    cycles: Annotated[int, Field(ge=1, le=CYCLES_MAX, description="Newest first.")] = CYCLES_DEFAULT


@router.get("/bakers/{baker_id}/statistics", summary="The last cycles in figures")
async def statistics(
    baker_id: BakerOfPath, services: Services, query: Annotated[StatisticsQuery, Query()]
) -> StatisticsView:
    """Sum up the newest planned cycles, in the mode the baker is in; of one that is off, live."""
    async with services.workshop.payer.ledger.read() as tx:
        found = await statistics_of(tx, await bakers.get(tx, baker_id), query.cycles)
    return StatisticsView.model_validate(statistics_document(found))
