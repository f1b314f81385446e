"""Reading the state of the house for whichever page answers a request."""

from typing import Any, Final

from fastapi import Depends, Request

from bakehouse.ledger import alerts
from bakehouse.web.caller import CallerOf
from bakehouse.web.pages.house_state import HouseState, note_house_state
from bakehouse.web.problems import wants_page
from bakehouse.web.services import Services


async def _read(request: Request, services: Services, caller: CallerOf) -> None:
    # A page that asks for itself again, by script, says so in a header of its own.
    is_page = wants_page(request) or "hx-request" in request.headers
    if caller.grant is None or not is_page:
        return
    async with services.workshop.payer.ledger.read() as tx:
        raised = await alerts.unacknowledged(tx)
    note_house_state(request, HouseState(sum(caller.may_see(each.baker_id) for each in raised)))


#: For every router that has pages.
STATE_LINE: Final[Any] = Depends(_read)
