"""Where each baker stands and what comes next: the ledger's word beside what the queue knows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from bakehouse.errors import QueueUnreachableError
from bakehouse.jobs.job_requests import cycle_monitor_id
from bakehouse.jobs.job_types import JSON, QueueName, ScheduleView
from bakehouse.jobs.last_run import last_run
from bakehouse.jobs.processors.poll_balance import KnownBalance, known_balance
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.payments.standing import Standing, standing_of


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the queue knows of one baker; it may know nothing."""

    current_cycle: int | None
    next_check_at: datetime | None
    balance: KnownBalance | None

    @property
    def balance_at(self) -> datetime | None:
        """When the balance was read."""
        return datetime.fromisoformat(self.balance.at) if self.balance else None


@dataclass(frozen=True, slots=True)
class Overview:
    """One baker: what the ledger says, and its outlook; None while the queue does not answer."""

    standing: Standing
    outlook: Outlook | None

    @property
    def cycles_covered(self) -> int | None:
        """For how many cycles the wallet lasts, as far as that is known."""
        if self.outlook is None or self.outlook.balance is None:
            return None
        return self.standing.cycles_covered(self.outlook.balance.balance)


async def overviews(workshop: Workshop, *, of: Collection[str] | None = None) -> list[Overview]:
    """Tell where these bakers (or all) stand, in the order they came; one moment of the ledger."""
    async with workshop.payer.ledger.read() as tx:
        wanted = [each for each in await bakers.everyone(tx) if of is None or each.baker_id in of]
        standings = [await standing_of(tx, baker) for baker in wanted]
    outlooks = await _outlooks(workshop, wanted)
    return [Overview(each, outlooks.get(each.baker.baker_id)) for each in standings]


async def overview(workshop: Workshop, baker_id: str) -> Overview:
    """Tell where one baker stands; raises NotFoundError."""
    async with workshop.payer.ledger.read() as tx:
        standing = await standing_of(tx, await bakers.get(tx, baker_id))
    outlooks = await _outlooks(workshop, [standing.baker])
    return Overview(standing, outlooks.get(baker_id))


async def _outlooks(workshop: Workshop, several: Collection[Baker]) -> Mapping[str, Outlook]:
    try:
        # Says at once that the queue is away; the next call would wait for it.
        await workshop.engine.ping()
        schedules = await workshop.engine.schedules(QueueName.CYCLE_MONITORING)
        views = {view.id: view for view in schedules}
        return {baker.baker_id: await _outlook(workshop, baker, views) for baker in several}
    except QueueUnreachableError:
        return {}


async def _outlook(workshop: Workshop, baker: Baker, views: Mapping[str, ScheduleView]) -> Outlook:
    monitor_id = cycle_monitor_id(baker.baker_id)
    monitor = views.get(monitor_id)
    return Outlook(
        current_cycle=_current_cycle(await last_run(workshop, monitor_id)),
        next_check_at=monitor.next_run_at if monitor else None,
        balance=await known_balance(workshop, baker.baker_id),
    )


def _current_cycle(run: JSON) -> int | None:
    match run:
        case {"value": {"current_cycle": int(cycle)}}:
            return cycle
        case _:
            return None
