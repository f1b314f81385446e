"""What a person may do to queues and their jobs by hand. Nothing here decides about money.

Whatever is run again, removed or added: what is paid is decided by the ledger, and jobs that are
missing are made again by the reconciler.
"""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from bakehouse.errors import ConflictError, NotFoundError
from bakehouse.jobs import queue_inspection
from bakehouse.jobs.bull_records import now_ms
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import (
    JOB_OF,
    PRIORITY_MANUAL,
    AddedJob,
    JobOptions,
    JobRequest,
    JobState,
    QueueName,
)
from bakehouse.jobs.queue_records import RateLimit

_BATCH: Final = 100
_CLEAN_BATCH: Final = 1000

#: What BullMQ's removal says of the job that a schedule waits for.
_IS_NEXT_RUN: Final = -8
_SCRIPTS: Final = {
    "reschedule": "changeDelay-4.lua",
    "remove children": "removeUnprocessedChildren-2.lua",
}


@dataclass(frozen=True, slots=True)
class Retried:
    """How many jobs were retried, and how many not because a newer job does their work."""

    retried: int
    skipped: int


async def retry_failed(engine: JobEngine, queue: QueueName) -> Retried:
    """Run every failed job again with all its attempts."""
    left = (await engine.counts(queue))[JobState.FAILED]
    retried = skipped = 0
    while left > 0:
        # Those skipped stay where they are, at the head of the list.
        jobs = await engine.jobs(queue, [JobState.FAILED], skipped, skipped + _BATCH - 1)
        if not jobs:
            break
        for job in jobs:
            try:
                await engine.retry(queue, job.id)
            except (ConflictError, NotFoundError):
                skipped += 1
            else:
                retried += 1
        left -= len(jobs)
    return Retried(retried, skipped)


async def promote(engine: JobEngine, queue: QueueName, job_id: str) -> None:
    """Let a delayed job run now. Raises NotFoundError; ConflictError if it is not delayed."""
    await _check_state(engine, queue, job_id, JobState.DELAYED)
    async with engine.answering():
        await (await engine.bull_queue(queue).getJob(job_id)).promote()


async def promote_all(engine: JobEngine, queue: QueueName) -> None:
    """Let every delayed job run now, the next runs of schedules too."""
    async with engine.answering():
        await engine.bull_queue(queue).promoteJobs()


async def reschedule(engine: JobEngine, queue: QueueName, job_id: str, at_ms: int) -> None:
    """Let a delayed job run at another time, in milliseconds since 1970; the past means now.

    Raises NotFoundError; ConflictError if it is not delayed.
    """
    await _check_state(engine, queue, job_id, JobState.DELAYED)
    bull, now = engine.bull_queue(queue), now_ms()
    keys = [bull.toKey(name) for name in ("delayed", "meta", "marker", "events")]
    arguments = [max(at_ms - now, 0), now, job_id, bull.toKey(job_id)]
    async with engine.answering():
        await _run_script(bull, "reschedule", keys, arguments)


async def reprioritise(engine: JobEngine, queue: QueueName, job_id: str, priority: int) -> None:
    """Give a waiting job another priority. Raises NotFoundError, ConflictError, InputError."""
    checked = JobOptions(priority=priority).priority
    await _check_state(engine, queue, job_id, JobState.PRIORITIZED)
    async with engine.answering():
        await (await engine.bull_queue(queue).getJob(job_id)).changePriority({"priority": checked})


async def remove(engine: JobEngine, queue: QueueName, job_id: str) -> None:
    """Remove a job, with the children it has. Raises NotFoundError.

    Raises ConflictError if a worker is at it, or if a schedule waits for it.
    """
    job = await queue_inspection.record(engine, queue, job_id)
    async with engine.answering():
        removed = await engine.bull_queue(queue).remove(job_id)
    if removed == _IS_NEXT_RUN:
        raise ConflictError(
            f"Job {job_id} is the next run of schedule {job.schedule_id}: change how often it "
            "runs in the baker's settings, or switch the baker off."
        )
    if not removed:
        raise ConflictError(f"Job {job_id} is being worked at: wait until it has ended.")


async def remove_all(engine: JobEngine, queue: QueueName, state: JobState) -> None:
    """Remove every job of a state; the next runs of schedules stay."""
    bull = engine.bull_queue(queue)
    while True:
        async with engine.answering():
            removed = await bull.clean(0, _CLEAN_BATCH, state.value)
        if len(removed) < _CLEAN_BATCH:
            return


async def empty(engine: JobEngine, queue: QueueName) -> None:
    """Remove every job that waits; the delayed ones stay."""
    async with engine.answering():
        await engine.bull_queue(queue).drain()


async def remove_unfinished_children(engine: JobEngine, queue: QueueName, job_id: str) -> int:
    """Remove the children that a job still waits for, and tell how many. Raises NotFoundError."""
    await queue_inspection.record(engine, queue, job_id)
    bull = engine.bull_queue(queue)
    async with engine.answering():
        count: int = await bull.client.scard(f"{bull.toKey(job_id)}:dependencies")
        if count:
            keys = [bull.toKey(job_id), bull.toKey("meta")]
            await _run_script(bull, "remove children", keys, [bull.toKey(""), job_id])
    return count


async def set_concurrency(engine: JobEngine, queue: QueueName, jobs_max: int) -> None:
    """Limit how many jobs of a queue run at once over all workers; 0 lifts the limit."""
    bull = engine.bull_queue(queue)
    async with engine.answering():
        if jobs_max:
            await bull.setGlobalConcurrency(jobs_max)
        else:
            await bull.removeGlobalConcurrency()


async def set_rate_limit(engine: JobEngine, queue: QueueName, limit: RateLimit | None) -> None:
    """Limit how many jobs of a queue are begun in a time; None lifts the limit."""
    bull = engine.bull_queue(queue)
    async with engine.answering():
        if limit:
            await bull.setGlobalRateLimit(limit.jobs_max, limit.duration_ms)
        else:
            await bull.removeGlobalRateLimit()


async def release_rate_limit(engine: JobEngine, queue: QueueName) -> None:
    """Let jobs begin again that a rate limit holds back at this moment."""
    async with engine.answering():
        await engine.bull_queue(queue).removeRateLimitKey()


async def run_schedule_now(engine: JobEngine, queue: QueueName, schedule_id: str) -> AddedJob:
    """Add what a schedule adds, now; its next run stays when it is. Raises NotFoundError."""
    for schedule in await engine.schedules(queue):
        if schedule.id == schedule_id:
            data = schedule.data if isinstance(schedule.data, dict) else {}
            options = JobOptions(
                priority=PRIORITY_MANUAL,
                attempts=schedule.options.attempts,
                backoff_seconds=schedule.options.backoff_seconds,
            )
            return await engine.add(JobRequest(queue, JOB_OF[queue], data, options))
    raise NotFoundError(f"Queue {queue} has no schedule {schedule_id}.")


async def _check_state(engine: JobEngine, queue: QueueName, job_id: str, wanted: JobState) -> None:
    job = await queue_inspection.record(engine, queue, job_id)
    if job.state is not wanted:
        raise ConflictError(f"Job {job_id} is {job.state or 'on its way'}, not {wanted}.")


async def _run_script(bull: Any, name: str, keys: list[str], arguments: list[Any]) -> None:
    # The Python port brings these scripts along and has no method for them yet.
    source = (files("bullmq") / "commands" / _SCRIPTS[name]).read_text()
    await bull.client.register_script(source)(keys=keys, args=arguments)
