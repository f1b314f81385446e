"""A baker's last cycles in figures, and its books to take along, by year."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from bakehouse.ledger import bakers, distribution_lists
from bakehouse.ledger.roles import Role
from bakehouse.payments.statistics import CYCLES_DEFAULT, CYCLES_MAX, statistics_of
from bakehouse.tezos.address import parse_implicit
from bakehouse.web.pages import rewards_chart
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services

router: Final = APIRouter(include_in_schema=False, dependencies=[needs(Role.VIEWER)])


class StatisticsQuery(BaseModel):
    """Over how many cycles."""

    cycles: Annotated[int, Field(ge=1, le=CYCLES_MAX)] = CYCLES_DEFAULT


@router.get("/bakers/{baker_id}/statistics")
async def statistics_page(
    request: Request,
    services: Services,
    baker_id: str,
    query: Annotated[StatisticsQuery, Query()],
) -> HTMLResponse:
    """Show the newest planned cycles with their sum, and every year with something in it."""
    baker_id = parse_implicit(baker_id)
    async with services.workshop.payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
        statistics = await statistics_of(tx, baker, query.cycles)
        years = await distribution_lists.years(tx, baker_id, statistics.mode)
    drawn = [each.distribution for each in statistics.cycles]
    return renderer_of(request).page(
        request,
        "statistics.html",
        baker=baker,
        statistics=statistics,
        asked=query.cycles,
        most=CYCLES_MAX,
        chart=rewards_chart.draw(drawn),
        drawn=drawn[: rewards_chart.BARS_MAX],
        years=years,
    )
