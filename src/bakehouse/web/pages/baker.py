"""One baker: the way of its cycles, what they brought, its wallet and what it has set."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from bakehouse.desk.outlook import outlooks
from bakehouse.errors import NotFoundError
from bakehouse.ledger import alerts, bakers, delegator_fees, distribution_lists, distributions
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.overview import overview, payout_counts, shown_mode
from bakehouse.ledger.page import Slice
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import DistributionKind, PayoutState
from bakehouse.tezos.address import parse_implicit
from bakehouse.web.cycle_records import OFFSET_MAX
from bakehouse.web.pages import rewards_chart
from bakehouse.web.pages.cycle_steps import Step, steps_of
from bakehouse.web.pages.home import Line
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services

router: Final = APIRouter(include_in_schema=False, dependencies=[needs(Role.VIEWER)])

#: Of the timeline, on one page.
_ROWS: Final = 15
#: Enough for the chart, with bond pool and simulations between what is drawn.
_DRAWN_FROM: Final = 4 * rewards_chart.BARS_MAX


class BakerQuery(BaseModel):
    """From which distribution on the timeline is shown."""

    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)] = 0


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One distribution and how far it has come."""

    distribution: Distribution
    steps: list[Step]
    paid: int
    total: int
    held: int


@router.get("/bakers/{baker_id}")
async def baker_page(
    request: Request, services: Services, baker_id: str, query: Annotated[BakerQuery, Query()]
) -> HTMLResponse:
    """Show a baker; while the queue is silent, what the ledger has."""
    baker_id = parse_implicit(baker_id)
    async with services.workshop.payer.ledger.read() as tx:
        found = await overview(tx, [baker_id])
        if not found:
            raise NotFoundError(f"no baker {baker_id!r} is registered here")
        (glance,) = found
        raised = await alerts.unacknowledged(tx, baker_id)
        newest = await distributions.of_baker(tx, baker_id, _DRAWN_FROM)
        page = await distribution_lists.page_of_baker(tx, baker_id, Slice(query.offset, _ROWS))
        counts = await payout_counts(tx, [each.id for each in page.rows])
        single_fees = await delegator_fees.count(tx, baker_id)
        members = await bakers.bond_pool(tx, baker_id)
    known = await outlooks(services.workshop, [glance.baker])
    mode = shown_mode(glance.baker)
    drawn = [
        each
        for each in newest
        if each.key.kind is DistributionKind.DELEGATORS and each.key.mode is mode
    ]
    return renderer_of(request).page(
        request,
        "baker.html",
        is_live=True,
        line=Line(glance, known[baker_id] if known is not None else None, ()),
        is_queue_away=known is None,
        alerts=raised,
        rows=[_row(each, counts.get(each.id, {})) for each in page.rows],
        offset=query.offset,
        previous_offset=max(0, query.offset - _ROWS) if query.offset else None,
        next_offset=page.next_offset,
        chart=rewards_chart.draw(drawn),
        drawn=[each for each in drawn if each.is_planned][: rewards_chart.BARS_MAX],
        single_fees=single_fees,
        members=len(members),
    )


def _row(distribution: Distribution, counts: Mapping[PayoutState, int]) -> TimelineRow:
    held = counts.get(PayoutState.HELD, 0)
    settled = counts.get(PayoutState.PAID, 0) + counts.get(PayoutState.SIMULATED, 0)
    total = sum(counts.values()) - counts.get(PayoutState.CARRIED, 0)
    return TimelineRow(distribution, steps_of(distribution, held), settled, total, held)
