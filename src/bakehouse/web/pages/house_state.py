"""What every page says of the whole house in one line: whether anything waits for a person."""

from dataclasses import dataclass
from typing import Any, Final

from fastapi import Depends, Request

from bakehouse.ledger import alerts
from bakehouse.web.caller import CallerOf
from bakehouse.web.problems import wants_page
from bakehouse.web.services import Services


@dataclass(frozen=True, slots=True)
class HouseState:
    """How many open alerts the caller may see: whatever fails or is held opens one."""

    open_alerts: int


async def _note(request: Request, services: Services, caller: CallerOf) -> None:
    if caller.grant is None or not wants_page(request):
        return
    async with services.workshop.payer.ledger.read() as tx:
        raised = await alerts.unacknowledged(tx)
    seen = [each for each in raised if caller.may_see(each.baker_id)]
    request.state.house_state = HouseState(len(seen))


def house_state_of(request: Request) -> HouseState | None:
    """Give what was noted for this request; None where nobody may know."""
    state: HouseState | None = getattr(request.state, "house_state", None)
    return state


#: For every router that has pages.
HOUSE_STATE: Final[Any] = Depends(_note)
