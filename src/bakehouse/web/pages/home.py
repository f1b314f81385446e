"""The first page: was everyone paid, what comes next, what waits for a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from bakehouse.desk.outlook import Outlook, outlooks
from bakehouse.ledger import alerts, distributions
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.overview import BakerOverview, overview, roll_call
from bakehouse.ledger.roles import Role
from bakehouse.web.caller import CallerOf
from bakehouse.web.cycle_records import OFFSET_MAX
from bakehouse.web.pages.paging import Paging
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services

router: Final = APIRouter(include_in_schema=False, dependencies=[needs(Role.VIEWER)])

#: More bakers than this are shown as rows of one table.
_CARDS_MAX: Final = 6
#: Of that table, on one page.
_ROWS: Final = 100
_CYCLES_SHOWN: Final = 10
_ALERTS_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Line:
    """One baker, as the ledger and the queue tell of it."""

    overview: BakerOverview
    #: None while the queue does not answer.
    outlook: Outlook | None
    #: Only of bakers that are shown as cards.
    newest: Sequence[Distribution]

    @property
    def runway(self) -> int | None:
        """For how many more cycles the wallet lasts, if that is known."""
        if self.outlook is None or self.outlook.balance is None:
            return None
        return self.overview.cycles_covered(self.outlook.balance.balance)


class HomeQuery(BaseModel):
    """From which baker on."""

    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)] = 0


@router.get("/")
async def home(
    request: Request, services: Services, caller: CallerOf, query: Annotated[HomeQuery, Query()]
) -> HTMLResponse:
    """Show a page of bakers, and every open alert. While the queue is silent, what the ledger has.

    Those that need a person come first, then the others in the order they came.
    """
    newest: dict[str, Sequence[Distribution]] = {}
    async with services.workshop.payer.ledger.read() as tx:
        raised = [each for each in await alerts.unacknowledged(tx) if caller.may_see(each.baker_id)]
        called = [each for each in await roll_call(tx) if caller.may_see(each.baker_id)]
        page = called[query.offset : query.offset + _ROWS]
        seen = await overview(tx, [each.baker_id for each in page])
        as_cards = len(called) <= _CARDS_MAX
        if as_cards:
            for each in seen:
                baker_id = each.baker.baker_id
                newest[baker_id] = await distributions.of_baker(tx, baker_id, _CYCLES_SHOWN)
    known = await outlooks(services.workshop, [each.baker for each in seen])
    next_offset = query.offset + _ROWS
    return renderer_of(request).page(
        request,
        "home.html",
        is_live=True,
        alerts=raised[:_ALERTS_SHOWN],
        alerts_more=max(0, len(raised) - _ALERTS_SHOWN),
        lines=_lines(seen, known, newest),
        paging=Paging(
            path="/",
            offset=query.offset,
            shown=len(seen),
            limit=_ROWS,
            next_offset=next_offset if next_offset < len(called) else None,
            total=len(called),
        ),
        in_trouble=sum(each.needs_a_person for each in called),
        is_queue_away=known is None,
        as_cards=as_cards,
    )


def _lines(
    seen: Sequence[BakerOverview],
    known: Mapping[str, Outlook] | None,
    newest: Mapping[str, Sequence[Distribution]],
) -> list[Line]:
    return [
        Line(
            each,
            known[each.baker.baker_id] if known is not None else None,
            newest.get(each.baker.baker_id, ()),
        )
        for each in seen
    ]
