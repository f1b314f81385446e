"""The first page: was everyone paid, what comes next, what waits for a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from bakehouse.desk.outlook import Outlook, outlooks
from bakehouse.ledger import alerts, distributions
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.overview import BakerOverview, overview
from bakehouse.ledger.roles import Role
from bakehouse.web.caller import CallerOf
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services

router: Final = APIRouter(include_in_schema=False, dependencies=[needs(Role.VIEWER)])

#: More bakers than this are shown as rows of one table.
_CARDS_MAX: Final = 6
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


@router.get("/")
async def home(request: Request, services: Services, caller: CallerOf) -> HTMLResponse:
    """Show every baker, and every open alert. While the queue is silent, what the ledger has."""
    newest: dict[str, Sequence[Distribution]] = {}
    async with services.workshop.payer.ledger.read() as tx:
        raised = [each for each in await alerts.unacknowledged(tx) if caller.may_see(each.baker_id)]
        seen = [each for each in await overview(tx) if caller.may_see(each.baker.baker_id)]
        if len(seen) <= _CARDS_MAX:
            for each in seen:
                baker_id = each.baker.baker_id
                newest[baker_id] = await distributions.of_baker(tx, baker_id, _CYCLES_SHOWN)
    known = await outlooks(services.workshop, [each.baker for each in seen])
    return renderer_of(request).page(
        request,
        "home.html",
        is_live=True,
        alerts=raised[:_ALERTS_SHOWN],
        alerts_more=max(0, len(raised) - _ALERTS_SHOWN),
        lines=_lines(seen, known, newest),
        in_trouble=sum(each.needs_a_person for each in seen),
        is_queue_away=known is None,
        as_cards=len(seen) <= _CARDS_MAX,
    )


def _lines(
    seen: Sequence[BakerOverview],
    known: Mapping[str, Outlook] | None,
    newest: Mapping[str, Sequence[Distribution]],
) -> list[Line]:
    """Give a line for each baker: first those that need a person, then in the order they came."""
    lines = [
        Line(
            each,
            known[each.baker.baker_id] if known is not None else None,
            newest.get(each.baker.baker_id, ()),
        )
        for each in seen
    ]
    return sorted(lines, key=lambda line: not line.overview.needs_a_person)
