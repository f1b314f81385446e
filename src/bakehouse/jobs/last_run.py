"""The last run of each schedule, for people to see; in the cache, never the truth about money."""

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from bakehouse.alerts.codes import AlertCode
from bakehouse.alerts.raising import alert, close_alert
from bakehouse.errors import BakehouseError, InputError, SourceError
from bakehouse.jobs import job_requests
from bakehouse.jobs.job_run import Processor
from bakehouse.jobs.job_types import JSON, DoNotRetry, RunningJob, WaitThenContinue
from bakehouse.jobs.workshop import Workshop

_log = structlog.get_logger(__name__)

_KEPT_SECONDS = 7 * 24 * 3600


def noting_last_run(
    workshop: Workshop, schedule_id_of: Callable[[str], str], code: AlertCode, run: Processor
) -> Processor:
    """Wrap a processor: its last result is kept under its schedule, its last failure alerts."""

    async def process(job: RunningJob) -> JSON:
        try:
            baker_id = job_requests.baker_of(job.data)
        except InputError as error:
            raise DoNotRetry(error.message) from error
        schedule_id = schedule_id_of(baker_id)
        try:
            result = await run(job)
        except WaitThenContinue:
            raise
        except Exception as error:
            # A fault of ours too: else the last good run would be shown for ever.
            message = _sentence(error)
            await _note(workshop, schedule_id, {"ok": False, "error": message})
            if job.is_last_attempt or isinstance(error, DoNotRetry):
                await alert(workshop.payer, code, baker_id, message, baker_id=baker_id)
            raise
        await _note(workshop, schedule_id, {"ok": True, "value": result})
        await close_alert(workshop.payer, code, baker_id)
        return result

    return process


async def last_run(workshop: Workshop, schedule_id: str) -> JSON:
    """Give `{at, ok, value | error}` of a schedule's last run, or None when there was none."""
    return await workshop.cache.get(_key(schedule_id))


async def last_runs(workshop: Workshop, schedule_ids: Sequence[str]) -> list[JSON]:
    """Give the last run of several schedules, in their order."""
    return await workshop.cache.get_many([_key(each) for each in schedule_ids])


def _key(schedule_id: str) -> str:
    return f"last-run:{schedule_id}"


def _success_key(schedule_id: str) -> str:
    return f"last-success:{schedule_id}"


async def last_success(workshop: Workshop, schedule_id: str) -> datetime | None:
    """Give when a schedule last ran as it should, or None when that is not known."""
    return (await last_successes(workshop, [schedule_id]))[0]


async def last_successes(workshop: Workshop, schedule_ids: Sequence[str]) -> list[datetime | None]:
    """Give when several schedules last ran as they should, in their order."""
    values = await workshop.cache.get_many([_success_key(each) for each in schedule_ids])
    return [datetime.fromisoformat(at) if isinstance(at, str) else None for at in values]


def _sentence(error: Exception) -> str:
    if isinstance(error, BakehouseError | DoNotRetry):
        return str(error)
    return f"{type(error).__name__}: {error}"


async def _note(workshop: Workshop, schedule_id: str, outcome: dict[str, JSON]) -> None:
    at = workshop.payer.clock().isoformat()
    notes: dict[str, JSON] = {_key(schedule_id): {"at": at, **outcome}}
    if outcome["ok"]:
        notes[_success_key(schedule_id)] = at
    try:
        await workshop.cache.set_many(notes, _KEPT_SECONDS)
    except SourceError as error:
        # What was done is done: a note that cannot be kept does not undo it.
        _log.warning("last-run-not-noted", schedule=schedule_id, error=error.message)
