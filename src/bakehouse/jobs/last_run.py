"""The last run of each schedule, for people to see; in the cache, never the truth about money."""

from collections.abc import Callable

from bakehouse.errors import BakehouseError
from bakehouse.jobs import job_requests
from bakehouse.jobs.job_run import Processor
from bakehouse.jobs.job_types import JSON, RunningJob
from bakehouse.jobs.workshop import Workshop

_KEPT_SECONDS = 7 * 24 * 3600


def noting_last_run(
    workshop: Workshop, schedule_id_of: Callable[[str], str], run: Processor
) -> Processor:
    """Wrap a processor so that its last result, good or bad, is kept under its schedule."""

    async def process(job: RunningJob) -> JSON:
        schedule_id = schedule_id_of(job_requests.baker_of(job.data))
        try:
            result = await run(job)
        except BakehouseError as error:
            await _note(workshop, schedule_id, {"ok": False, "error": error.message})
            raise
        await _note(workshop, schedule_id, {"ok": True, "value": result})
        return result

    return process


async def last_run(workshop: Workshop, schedule_id: str) -> JSON:
    """Give `{at, ok, value | error}` of a schedule's last run, or None when there was none."""
    return await workshop.cache.get(f"last-run:{schedule_id}")


async def _note(workshop: Workshop, schedule_id: str, outcome: dict[str, JSON]) -> None:
    at = workshop.payer.clock().isoformat()
    await workshop.cache.set(f"last-run:{schedule_id}", {"at": at, **outcome}, _KEPT_SECONDS)
