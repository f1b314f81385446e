"""The first page: was everyone paid, what comes next, what waits for a person."""

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from bakehouse.jobs.job_requests import cycle_monitor_id
from bakehouse.jobs.processors.poll_balance import KnownBalance, known_balance
from bakehouse.jobs.scheduler import ScheduleStatus
from bakehouse.ledger import alerts, bakers, distributions
from bakehouse.ledger.alerts import Alert
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.states import DistributionKind, DistributionState
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.services import Services, WebServices

router = APIRouter(include_in_schema=False)

_CYCLES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class BakerCard:
    """What the page shows of one baker."""

    baker: Baker
    current_cycle: int | None
    last_paid: Distribution | None
    newest: list[Distribution]
    next_check_at: datetime | None
    balance: KnownBalance | None
    balance_at: datetime | None


@router.get("/")
async def home(request: Request, services: Services) -> HTMLResponse:
    """Show every baker, and every open alert."""
    async with services.workshop.payer.ledger.read() as tx:
        everyone = await bakers.everyone(tx)
        open_alerts: list[Alert] = await alerts.unacknowledged(tx)
        newest = {
            baker.baker_id: await distributions.of_baker(tx, baker.baker_id, _CYCLES_SHOWN)
            for baker in everyone
        }
    cards = [await _card(services, baker, newest[baker.baker_id]) for baker in everyone]
    return renderer_of(request).page(
        request, "home.html", is_live=True, cards=cards, alerts=open_alerts
    )


async def _card(services: WebServices, baker: Baker, newest: list[Distribution]) -> BakerCard:
    statuses = await services.scheduler.schedule_status(baker.baker_id)
    monitor = next((each for each in statuses if each.id == cycle_monitor_id(baker.baker_id)), None)
    balance = await known_balance(services.workshop, baker.baker_id)
    return BakerCard(
        baker=baker,
        current_cycle=_current_cycle(monitor),
        last_paid=next((each for each in newest if _is_paid(each)), None),
        newest=newest,
        next_check_at=monitor.next_run_at if monitor else None,
        balance=balance,
        balance_at=datetime.fromisoformat(balance.at) if balance else None,
    )


def _current_cycle(monitor: ScheduleStatus | None) -> int | None:
    match monitor and monitor.last_run:
        case {"value": {"current_cycle": int(cycle)}}:
            return cycle
        case _:
            return None


def _is_paid(distribution: Distribution) -> bool:
    is_for_delegators = distribution.key.kind is DistributionKind.DELEGATORS
    return is_for_delegators and distribution.state is DistributionState.PAID
