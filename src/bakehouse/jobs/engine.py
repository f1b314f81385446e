"""The job engine: the one module that speaks BullMQ, and gives it types. No payout logic here."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from bullmq import DelayedError, Queue, UnrecoverableError, Worker
from redis.exceptions import RedisError

from bakehouse.errors import ConflictError, NotFoundError, QueueUnreachableError, SettingError
from bakehouse.jobs.bull_records import (
    BullJob,
    bull_options,
    job_view,
    known_state,
    next_slot,
    now_ms,
    schedule_view,
)
from bakehouse.jobs.bull_settings import worker_settings
from bakehouse.jobs.job_run import Completed, Failed, FailureHandler, LetGo, Processor
from bakehouse.jobs.job_types import (
    JSON,
    AddedJob,
    DoNotRetry,
    JobRequest,
    JobState,
    JobView,
    QueueName,
    Schedule,
    ScheduleView,
)
from bakehouse.jobs.redis_address import RedisAddress
from bakehouse.jobs.redis_clients import RedisClients
from bakehouse.jobs.worker import BullWorker, JobRunner, SupervisedWorker

log = structlog.get_logger()

ANSWER_SECONDS: Final = 10
OWNER_KEY: Final = "bakehouse:ledger"

#: Schedules that are listed in one go, and those among them that were in the one before.
SCHEDULES_AT_ONCE: Final = 100
SCHEDULES_TWICE: Final = 10


class JobEngine:
    """The queues on one Redis or Valkey.

    Every method that asks the server raises QueueUnreachableError when it does not answer
    within ten seconds; what was asked for may then have been done all the same.
    """

    def __init__(self, address: RedisAddress, prefix: str = "bull") -> None:
        self.address = address
        self._prefix = prefix
        self._clients = RedisClients(address)
        # BullMQ's connections go on trying for minutes; this one says at once what is wrong.
        self._redis = self._clients.impatient()
        self._queues: dict[QueueName, Any] = {}
        self._workers: dict[QueueName, SupervisedWorker] = {}

    async def connect(self) -> None:
        """Open the queues, and warn if this server may throw jobs away.

        Raises SettingError for a Redis Cluster.
        """
        async with self.answering():
            memory = await self._redis.info("memory")
            cluster = await self._redis.info("cluster")
        if cluster.get("cluster_enabled"):
            raise SettingError(
                f"Redis at {self.address} is a Cluster, which would keep the parts of a queue "
                "apart: use a single Redis, or one that Sentinels watch (redis+sentinel://…)."
            )
        self._queues = {name: Queue(name.value, self._options()) for name in QueueName}
        if memory.get("maxmemory_policy") != "noeviction":
            log.warning("redis-may-evict-jobs", maxmemory_policy=memory.get("maxmemory_policy"))

    async def ping(self) -> None:
        """Return if the server answers."""
        async with self.answering():
            await self._redis.ping()

    async def owner(self, candidate: str) -> str:
        """Give whose jobs these are: the first who asked, since the server last lost everything."""
        async with self.answering():
            await self._redis.set(OWNER_KEY, candidate, nx=True)
            return str(await self._redis.get(OWNER_KEY))

    @property
    def workers_running(self) -> Mapping[QueueName, bool]:
        """For each queue that has a worker here, whether it takes jobs at this moment."""
        return {queue: worker.is_running for queue, worker in self._workers.items()}

    @property
    def is_healthy(self) -> bool:
        """Whether every worker started here takes jobs."""
        return all(self.workers_running.values())

    async def add(self, request: JobRequest) -> AddedJob:
        """Add a job, unless one with the same deduplication id waits, runs or will be retried."""
        # With an id of ours the answer tells a new job from an old one, and a repeated command
        # whose first answer was lost adds nothing.
        new_id = uuid.uuid4().hex
        options = bull_options(request.options) | {
            "jobId": new_id,
            "delay": request.delay_seconds * 1000,
        }
        if request.deduplication_id is not None:
            options["deduplication"] = {"id": request.deduplication_id}
        async with self.answering():
            job = await self.bull_queue(request.queue).add(
                request.name.value, request.data, options
            )
        added = AddedJob(job.id, deduplicated=job.id != new_id)
        # Not `job_id`: within another job that names the one that asks.
        say = log.debug if added.deduplicated else log.info
        say("job-added", to_queue=request.queue.value, added=request.name.value, added_id=added.id)
        return added

    async def upsert_schedule(self, schedule: Schedule, first_run_at: datetime) -> None:
        """Create or change a schedule, in effect at once; doing so never runs the job at once.

        A first run that lies in the past is moved ahead by whole intervals. If the schedule exists
        with the same interval, its next run stays when it is and only the rest is changed.
        """
        every_ms = schedule.every_seconds * 1000
        start_ms = next_slot(int(first_run_at.timestamp() * 1000), every_ms, now_ms())
        repeat = {
            "every": every_ms,
            # Given an interval alone, BullMQ runs the job at once whenever that changes.
            "startDate": start_ms,
            # Without an offset (and 0 counts as none) the schedule keeps that of its former
            # interval, and after a missed run waits by it, perhaps for hours.
            "offset": start_ms % every_ms or 1,
        }
        async with self.answering():
            await self.bull_queue(schedule.queue).upsertJobScheduler(
                schedule.id,
                repeat,
                schedule.name.value,
                schedule.data,
                bull_options(schedule.options),
            )

    async def remove_schedule(self, queue: QueueName, schedule_id: str) -> bool:
        """Remove a schedule and its next job; a job that runs goes on. False if there is none."""
        bull = self.bull_queue(queue)
        async with self.answering():
            next_run_ms = await bull.client.zscore(bull.toKey("repeat"), schedule_id)
            removed: bool = await bull.removeJobScheduler(schedule_id) == 0
            if next_run_ms is not None:
                # BullMQ removes a job that is not due yet; this is for one that already is.
                await bull.remove(f"repeat:{schedule_id}:{int(next_run_ms)}")
        return removed

    async def schedules(self, queue: QueueName) -> list[ScheduleView]:
        """Every schedule of a queue, the next to run first."""
        found: dict[str, ScheduleView] = {}
        start, is_over = 0, False
        while not is_over:
            # All of ten thousand at once take longer than an answer may, on a busy machine.
            end = start + SCHEDULES_AT_ONCE - 1
            async with self.answering():
                records = await self.bull_queue(queue).getJobSchedulers(start, end, asc=True)
            found |= {view.id: view for view in (schedule_view(queue, each) for each in records)}
            is_over = len(records) < SCHEDULES_AT_ONCE
            # What runs meanwhile moves to the end, and what comes after it a place ahead.
            start += SCHEDULES_AT_ONCE - SCHEDULES_TWICE
        return sorted(found.values(), key=_next_run)

    async def counts(self, queue: QueueName) -> Mapping[JobState, int]:
        """How many jobs are in each state."""
        async with self.answering():
            counts = await self.bull_queue(queue).getJobCounts(*(state.value for state in JobState))
        return {state: counts[state.value] for state in JobState}

    async def jobs(
        self, queue: QueueName, states: Iterable[JobState], start: int = 0, end: int = 99
    ) -> list[JobView]:
        """Jobs `start` to `end` (counted from 0, both included) of each state, the latest first."""
        views = []
        async with self.answering():
            for state in states:
                jobs = await self.bull_queue(queue).getJobs([state.value], start, end)
                views += [job_view(queue, job, state) for job in jobs]
        return views

    async def job(self, queue: QueueName, job_id: str) -> JobView:
        """One job. Raises NotFoundError."""
        async with self.answering():
            job = await self._found(queue, job_id)
            state = await self.bull_queue(queue).getJobState(job_id)
        return job_view(queue, job, known_state(state))

    async def job_log(self, queue: QueueName, job_id: str) -> list[str]:
        """Lines that a job has logged, in order; none for a job that is gone."""
        async with self.answering():
            logged = await self.bull_queue(queue).getJobLogs(job_id)
        lines: list[str] = logged["logs"]
        return lines

    async def retry(self, queue: QueueName, job_id: str) -> None:
        """Run a failed job again with all its attempts.

        Raises NotFoundError; ConflictError if it has not failed, or if a newer job with the same
        deduplication id does its work.
        """
        async with self.answering():
            job = await self._found(queue, job_id)
            if not await job.isFailed():
                raise ConflictError(f"Job {job_id} has not failed: leave it be.")
            # The id was given up when the job failed; taken again, it keeps others out as before.
            if job.deduplication_id and not await self._claim(queue, job):
                raise ConflictError(f"A newer job does the work of job {job_id}.")
            await job.retry("failed", {"resetAttemptsMade": True})

    async def pause(self, queue: QueueName) -> None:
        """Let nobody take further jobs of this queue; those running go on."""
        async with self.answering():
            await self.bull_queue(queue).pause()

    async def resume(self, queue: QueueName) -> None:
        """End a pause."""
        async with self.answering():
            await self.bull_queue(queue).resume()

    async def is_paused(self, queue: QueueName) -> bool:
        """Whether the queue is paused."""
        async with self.answering():
            paused: bool = await self.bull_queue(queue).isPaused()
        return paused

    def run_worker(
        self,
        queue: QueueName,
        processor: Processor,
        *,
        concurrency: int = 1,
        on_failed_for_good: FailureHandler | None = None,
    ) -> None:
        """Run this queue's jobs from now until `close`; ended by whatever, the worker restarts.

        A job runs at least once: a processor must bear running again, and ends at its next `await`
        (cancelled) when its lock is lost. It may never block the event loop: its lock would run
        out and another worker would start the same job beside it. Raises ConflictError if this
        queue already has a worker here.
        """
        if queue in self._workers:
            raise ConflictError(f"Queue {queue} already has a worker here.")

        def new_worker(run: JobRunner) -> BullWorker:
            return _new_worker(queue, run, self._options() | worker_settings(concurrency))

        worker = SupervisedWorker(queue, processor, on_failed_for_good, new_worker)
        self._workers[queue] = worker

    async def close(self, grace_seconds: float = 30) -> None:
        """Take no more jobs, wait for those running, put back the ones not done, disconnect."""
        await asyncio.gather(*(worker.close(grace_seconds) for worker in self._workers.values()))
        self._workers.clear()
        for queue in self._queues.values():
            await queue.close()
        self._queues.clear()
        await self._redis.aclose()
        await self._clients.close()

    def _options(self) -> dict[str, Any]:
        return {"connection": self._clients.options(), "prefix": self._prefix}

    def bull_queue(self, name: QueueName) -> Any:
        """Give BullMQ's own queue, for the modules beside this one and nobody above them."""
        if not self._queues:
            raise ConflictError("The job engine is not connected.")
        return self._queues[name]

    async def _found(self, queue: QueueName, job_id: str) -> Any:
        job = await self.bull_queue(queue).getJob(job_id)
        if job is None:
            raise NotFoundError(f"Queue {queue} has no job {job_id}.")
        return job

    async def _claim(self, queue: QueueName, job: Any) -> bool:
        bull = self.bull_queue(queue)
        key = f"{bull.toKey('de')}:{job.deduplication_id}"
        claimed = await bull.client.set(key, job.id, nx=True)
        return bool(claimed)

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        """Bound what is asked of the server; raises QueueUnreachableError."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                yield
        except (TimeoutError, RedisError, OSError) as error:
            reason = str(error) or f"no answer within {ANSWER_SECONDS} s"
            raise QueueUnreachableError(f"Redis at {self.address}: {reason}.") from error


def _next_run(view: ScheduleView) -> datetime:
    return view.next_run_at or datetime.min.replace(tzinfo=UTC)


def _new_worker(queue: QueueName, run: JobRunner, options: Mapping[str, Any]) -> BullWorker:
    async def process(record: Any, lock_token: str) -> JSON:
        match await run(BullJob(queue, record, lock_token)):
            case Completed(value):
                return value
            case LetGo():
                raise DelayedError
            case Failed(DoNotRetry() as error):
                raise UnrecoverableError(str(error)) from error
            case Failed(error):
                raise error

    worker: BullWorker = Worker(queue.value, process, options)
    return worker
