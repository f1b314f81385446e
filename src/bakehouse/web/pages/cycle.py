"""One cycle: its plan with the proof that it adds up, its payouts and its operations."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from bakehouse.ledger import distributions
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import SETTLED_DISTRIBUTIONS, DistributionKind, Mode
from bakehouse.web.cycle_records import (
    OFFSET_MAX,
    CycleNumber,
    CycleRecords,
    Wanted,
    read_cycle,
)
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services

router: Final = APIRouter(include_in_schema=False, dependencies=[needs(Role.VIEWER)])

_ROWS: Final = 500


class CycleQuery(BaseModel):
    """Which of the cycle's distributions is shown, and from which payout on."""

    kind: DistributionKind = DistributionKind.DELEGATORS
    mode: Mode = Mode.ON
    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)] = 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a reader may want to see next."""

    #: Every distribution of the same cycle, this one included.
    same_cycle: list[DistributionKey]
    previous_cycle: int | None
    next_cycle: int | None


@router.get("/bakers/{baker_id}/cycles/{cycle}")
async def cycle_page(
    request: Request,
    services: Services,
    baker_id: str,
    cycle: CycleNumber,
    query: Annotated[CycleQuery, Query()],
) -> HTMLResponse:
    """Show a distribution with a page of its payouts."""
    ledger = services.workshop.payer.ledger
    records = await read_cycle(
        ledger, Wanted(baker_id, cycle, query.kind, query.mode, query.offset, _ROWS)
    )
    return renderer_of(request).page(
        request,
        "cycle.html",
        is_live=records.distribution.state not in SETTLED_DISTRIBUTIONS,
        records=records,
        adds_up=_adds_up(records.distribution),
        is_complete=records.payouts_total == records.distribution.figures.total_net,
        surroundings=await _surroundings(ledger, records),
        offset=query.offset,
        previous_offset=max(0, query.offset - _ROWS) if query.offset else None,
    )


def _adds_up(distribution: Distribution) -> bool:
    figures = distribution.figures
    parts = figures.own_part + figures.total_fees + figures.total_net + figures.dust
    return parts == figures.pool


async def _surroundings(ledger: Ledger, records: CycleRecords) -> Surroundings:
    key = records.distribution.key
    async with ledger.read() as tx:
        known = await distributions.states_by_cycle(tx, key.baker_id, key.kind, key.mode)
        candidates = [
            DistributionKey(key.network, key.baker_id, key.cycle, kind, mode)
            for mode in (Mode.ON, Mode.SIMULATION)
            for kind in DistributionKind
        ]
        found = [each for each in candidates if await distributions.find(tx, each)]
    return Surroundings(
        same_cycle=found,
        previous_cycle=max((each for each in known if each < key.cycle), default=None),
        next_cycle=min((each for each in known if each > key.cycle), default=None),
    )
