"""The first page: was everyone paid, what comes next, what waits for a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import QueueUnreachableError
from bakehouse.jobs.job_requests import cycle_monitor_id
from bakehouse.jobs.job_types import JSON, QueueName, ScheduleView
from bakehouse.jobs.last_run import last_run
from bakehouse.jobs.processors.poll_balance import KnownBalance, known_balance
from bakehouse.ledger import alerts, bakers, distributions, payouts
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import (
    SETTLED_DISTRIBUTIONS,
    DistributionKind,
    DistributionState,
    Mode,
    PayoutState,
)
from bakehouse.rewards.money import NO_MUTEZ, Mutez
from bakehouse.web.caller import CallerOf
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False, dependencies=[needs(Role.VIEWER)])

_CYCLES_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a distribution under way has come; counts are payouts."""

    distribution: Distribution
    paid: int
    total: int
    paid_mutez: Mutez


@dataclass(frozen=True, slots=True)
class Account:
    """What the ledger says of one baker: the truth."""

    baker: Baker
    newest: list[Distribution]
    #: The last cycle whose delegators were paid, or simulated for a baker in simulation.
    last_settled: Distribution | None
    #: Cycles whose delegators wait: for a person, or for their turn.
    failed: int
    waiting: int
    under_way: list[Progress]

    def newest_of(self, kind: DistributionKind) -> list[Distribution]:
        """Give the newest distributions of a kind."""
        return [each for each in self.newest if each.key.kind == kind]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the queue knows of one baker; it may know nothing."""

    current_cycle: int | None
    next_check_at: datetime | None
    balance: KnownBalance | None
    balance_at: datetime | None


@router.get("/")
async def home(request: Request, services: Services, caller: CallerOf) -> HTMLResponse:
    """Show every baker, and every open alert. While the queue is silent, what the ledger has."""
    async with services.workshop.payer.ledger.read() as tx:
        raised = await alerts.still_open(tx)
        seen = [each for each in await bakers.everyone(tx) if caller.may_see(each.baker_id)]
        accounts = [await _account(tx, baker) for baker in seen]
    return renderer_of(request).page(
        request,
        "home.html",
        is_live=True,
        alerts=[each for each in raised if caller.may_see(each.baker_id)],
        accounts=accounts,
        outlooks=await _outlooks(services, [account.baker for account in accounts]),
    )


async def _account(tx: AsyncConnection, baker: Baker) -> Account:
    kind, mode, settled = DistributionKind.DELEGATORS, Mode.ON, DistributionState.PAID
    if baker.mode is Mode.SIMULATION:
        mode, settled = Mode.SIMULATION, DistributionState.SIMULATED
    states = await distributions.states_by_cycle(tx, baker.baker_id, kind, mode)
    last = max((cycle for cycle, state in states.items() if state is settled), default=-1)
    key = DistributionKey(baker.network, baker.baker_id, last, kind, mode)
    newest = await distributions.of_baker(tx, baker.baker_id, _CYCLES_SHOWN)
    failed = sum(state is DistributionState.FAILED for state in states.values())
    return Account(
        baker=baker,
        newest=newest,
        last_settled=await distributions.find(tx, key),
        failed=failed,
        waiting=sum(state not in SETTLED_DISTRIBUTIONS for state in states.values()) - failed,
        under_way=[
            await _progress(tx, each)
            for each in newest
            if each.is_planned and each.state not in SETTLED_DISTRIBUTIONS
        ],
    )


async def _progress(tx: AsyncConnection, distribution: Distribution) -> Progress:
    counts = await payouts.count_by_state(tx, distribution)
    paid, paid_mutez = counts.get(PayoutState.PAID, (0, NO_MUTEZ))
    carried, _ = counts.get(PayoutState.CARRIED, (0, NO_MUTEZ))
    total = sum(count for count, _ in counts.values()) - carried
    return Progress(distribution, paid, total, paid_mutez)


async def _outlooks(services: WebServices, everyone: Sequence[Baker]) -> dict[str, Outlook] | None:
    """Give what the queue knows of each baker, or None while it does not answer."""
    engine = services.workshop.engine
    try:
        # Says at once that the queue is away; the next call would wait for it.
        await engine.ping()
        views = {view.id: view for view in await engine.schedules(QueueName.CYCLE_MONITORING)}
        return {baker.baker_id: await _outlook(services, baker, views) for baker in everyone}
    except QueueUnreachableError:
        return None


async def _outlook(services: WebServices, baker: Baker, views: dict[str, ScheduleView]) -> Outlook:
    monitor_id = cycle_monitor_id(baker.baker_id)
    monitor = views.get(monitor_id)
    balance = await known_balance(services.workshop, baker.baker_id)
    return Outlook(
        current_cycle=_current_cycle(await last_run(services.workshop, monitor_id)),
        next_check_at=monitor.next_run_at if monitor else None,
        balance=balance,
        balance_at=datetime.fromisoformat(balance.at) if balance else None,
    )


def _current_cycle(run: JSON) -> int | None:
    match run:
        case {"value": {"current_cycle": int(cycle)}}:
            return cycle
        case _:
            return None
