"""The schedules of each baker: made, changed, triggered, removed and shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bakehouse.errors import ConflictError
from bakehouse.jobs import job_requests
from bakehouse.jobs.job_types import JSON, AddedJob, QueueName, Schedule, ScheduleView
from bakehouse.jobs.last_run import last_runs
from bakehouse.jobs.phase import first_run_at
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.states import Mode


@dataclass(frozen=True, slots=True)
class ScheduleStatus:
    """One schedule and how it fares."""

    id: str
    queue: QueueName
    every_seconds: int | None
    next_run_at: datetime | None
    #: `{at, ok, value | error}` of the last run, or None.
    last_run: JSON


class Scheduler:
    """The service behind the schedules; each method raises NotFoundError for an unknown baker."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    async def initialize_schedules(self, baker_id: str) -> None:
        """Create the baker's schedules, or bring them up to its settings, and look at once.

        Raises ConflictError when the baker's mode is off.
        """
        baker = await self._baker(baker_id)
        if baker.mode is Mode.OFF:
            raise ConflictError(f"the mode of {baker_id} is off: switch it on before scheduling")
        await self.ensure_schedules([await self._set_scheduled(baker, scheduled=True)])
        await self.trigger_cycle_check(baker_id)
        await self.trigger_balance_poll(baker_id)

    async def update_schedule(self, baker_id: str) -> None:
        """Bring the schedules up to the baker's settings; nothing is run by this."""
        await self.ensure_schedules([await self._baker(baker_id)])

    async def ensure_schedules(self, several: Sequence[Baker]) -> int:
        """Make what is missing or differs from the bakers' settings; gives how many were made.

        Bakers that are not to be scheduled lose what they still have.
        """
        workshop = self._workshop
        present = await self._present()
        made = 0
        for baker in several:
            for schedule in _schedules_of(baker, workshop.minute_seconds):
                view = present.get(schedule.id)
                if baker.scheduled:
                    made += await self._ensure(schedule, view)
                elif view is not None:
                    await workshop.engine.remove_schedule(schedule.queue, schedule.id)
        return made

    async def trigger_cycle_check(self, baker_id: str) -> AddedJob:
        """Look for finished cycles now, and take up again what failed."""
        await self._baker(baker_id)
        return await self._workshop.engine.add(
            job_requests.check_cycle(baker_id, retry_failed=True)
        )

    async def trigger_balance_poll(self, baker_id: str) -> AddedJob:
        """Read the wallet's balance now."""
        await self._baker(baker_id)
        return await self._workshop.engine.add(job_requests.poll_balance(baker_id))

    async def remove_schedule(self, baker_id: str) -> bool:
        """Remove the baker's schedules; gives whether there were any. What runs goes on."""
        baker = await self._set_scheduled(await self._baker(baker_id), scheduled=False)
        removed = [
            await self._workshop.engine.remove_schedule(schedule.queue, schedule.id)
            for schedule in _schedules_of(baker, self._workshop.minute_seconds)
        ]
        return any(removed)

    async def schedule_status(self, baker_id: str) -> list[ScheduleStatus]:
        """Give the baker's schedules with their next and last runs."""
        return (await self.schedule_statuses([await self._baker(baker_id)]))[baker_id]

    async def schedule_statuses(
        self, several: Sequence[Baker]
    ) -> Mapping[str, list[ScheduleStatus]]:
        """Give each baker's schedules with their next and last runs, asking the queue once."""
        present = await self._present()
        there = [
            (baker.baker_id, schedule)
            for baker in several
            for schedule in _schedules_of(baker, self._workshop.minute_seconds)
            if schedule.id in present
        ]
        runs = await last_runs(self._workshop, [schedule.id for _, schedule in there])
        found: dict[str, list[ScheduleStatus]] = {baker.baker_id: [] for baker in several}
        for (baker_id, schedule), run in zip(there, runs, strict=True):
            view = present[schedule.id]
            found[baker_id].append(
                ScheduleStatus(
                    id=schedule.id,
                    queue=schedule.queue,
                    every_seconds=view.every_seconds,
                    next_run_at=view.next_run_at,
                    last_run=run,
                )
            )
        return found

    async def _ensure(self, schedule: Schedule, view: ScheduleView | None) -> bool:
        now = self._workshop.payer.clock()
        # One that is overdue has lost its next job: making it again heals it.
        if view is not None and view.matches(schedule) and not view.is_overdue(now):
            return False
        first = first_run_at(schedule.id, schedule.every_seconds, now)
        await self._workshop.engine.upsert_schedule(schedule, first)
        return True

    async def _present(self) -> dict[str, ScheduleView]:
        queues = (QueueName.CYCLE_MONITORING, QueueName.BLOCKCHAIN_POLLING)
        return {
            view.id: view
            for queue in queues
            for view in await self._workshop.engine.schedules(queue)
        }

    async def _baker(self, baker_id: str) -> Baker:
        async with self._workshop.payer.ledger.read() as tx:
            return await bakers.get(tx, baker_id)

    async def _set_scheduled(self, baker: Baker, *, scheduled: bool) -> Baker:
        if baker.scheduled == scheduled:
            return baker
        payer = self._workshop.payer
        async with payer.ledger.write() as tx:
            return await bakers.change(
                tx, baker.baker_id, {"scheduled": scheduled}, actor="bakehouse", at=payer.clock()
            )


def _schedules_of(baker: Baker, minute_seconds: int) -> list[Schedule]:
    return [
        job_requests.cycle_monitor(baker, minute_seconds),
        job_requests.balance_poll(baker, minute_seconds),
    ]
