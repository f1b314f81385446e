"""How a cycle was planned: by which rules, whatever is set now, and who is not paid and why."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import Field

from bakehouse.desk.decisions import CycleOf
from bakehouse.desk.plan_reading import list_excluded, plan_rules
from bakehouse.desk.rule_sheet import rule_sheet
from bakehouse.ledger import bakers
from bakehouse.ledger.page import OFFSET_MAX, Slice
from bakehouse.ledger.roles import Role
from bakehouse.tezos.address import parse_implicit
from bakehouse.web.cycle_records import CycleNumber
from bakehouse.web.pages.paging import Paging
from bakehouse.web.pages.payout_query import PlanQuery
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services

router: Final = APIRouter(include_in_schema=False, dependencies=[needs(Role.VIEWER)])

_ROWS: Final = 100


class PlanPageQuery(PlanQuery):
    """Which plan, and from which of those it excludes on."""

    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)] = 0


@router.get("/bakers/{baker_id}/cycles/{cycle}/plan")
async def plan_page(
    request: Request,
    services: Services,
    baker_id: str,
    cycle: CycleNumber,
    query: Annotated[PlanPageQuery, Query()],
) -> HTMLResponse:
    """Show the rules of a cycle's plan, and a page of whom it excludes."""
    ledger, which = (
        services.workshop.payer.ledger,
        CycleOf(parse_implicit(baker_id), cycle, mode=query.mode),
    )
    found = await plan_rules(ledger, which)
    excluded = await list_excluded(ledger, which, Slice(query.offset, _ROWS))
    async with ledger.read() as tx:
        baker = await bakers.get(tx, which.baker_id)
    return renderer_of(request).page(
        request,
        "cycle_plan.html",
        baker=baker,
        distribution=found.distribution,
        sheet=rule_sheet(found.rules) if found.rules is not None else None,
        costs=found.expected_costs,
        excluded=excluded,
        paging=Paging(
            path=f"/bakers/{which.baker_id}/cycles/{cycle}/plan",
            query={"mode": query.mode.value},
            offset=query.offset,
            shown=len(excluded.page.rows),
            limit=_ROWS,
            next_offset=excluded.page.next_offset,
            total=excluded.count,
            anchor="#excluded",
        ),
    )
