"""One worker of one queue: kept alive, told of its locks, closed gracefully. No BullMQ here."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

import structlog

from bakehouse.jobs.bull_settings import LOCK_SECONDS
from bakehouse.jobs.forever import is_being_cancelled
from bakehouse.jobs.job_run import (
    EngineJob,
    FailureHandler,
    LockedRun,
    Outcome,
    Processor,
    StopReason,
    checked,
    give_back,
    run_job,
)
from bakehouse.jobs.job_types import JSON, QueueName

log = structlog.get_logger()

#: A lock is trusted for a little less than it lasts, since the renewal's answer took its time.
LOCK_HELD_SECONDS: Final = 0.8 * LOCK_SECONDS

IDLE_CHECK_SECONDS: Final = 0.1
RESTART_SECONDS: Final = 1.0
#: After the grace a cancelled processor has this long to clean up, and Redis to take note.
LET_GO_SECONDS: Final = 5.0


class BullWorker(Protocol):
    """What is used of BullMQ's worker."""

    running: bool
    processing: set[asyncio.Future[Any]]
    #: The wait for a job to come, while there is none.
    waiting: asyncio.Future[Any] | None

    def on(self, event_name: str, function: Callable[..., None]) -> Any:
        """Call `function` at each such event."""

    async def run(self) -> None:
        """Take and run jobs until closed, or until something goes wrong."""

    async def pause(self, *, do_not_wait_active: bool) -> None:
        """Take no further jobs."""

    async def close(self, *, force: bool) -> None:
        """End; without force only after the running jobs."""


JobRunner = Callable[[EngineJob], Awaitable[Outcome]]


class SupervisedWorker:
    """Runs a queue's jobs until closed; BullMQ's loop may end silently and is then restarted."""

    def __init__(
        self,
        queue: QueueName,
        processor: Processor,
        on_failed_for_good: FailureHandler | None,
        new_worker: Callable[[JobRunner], BullWorker],
    ) -> None:
        self.queue = queue
        self._processor = processor
        self._on_failed_for_good = on_failed_for_good
        self._new_worker = new_worker
        self._worker: BullWorker | None = None
        self._runs: dict[str, LockedRun] = {}
        self._closing = asyncio.Event()
        self._supervision = asyncio.create_task(self._supervise(), name=f"worker {queue}")

    @property
    def is_running(self) -> bool:
        """Whether jobs of this queue are being taken."""
        return self._worker is not None and self._worker.running

    async def close(self, grace_seconds: float) -> None:
        """Take no more jobs, wait for those running, then put back the ones still not done."""
        self._closing.set()
        if self._worker is not None:
            await self._drain(self._worker, grace_seconds)
            # Force is for a processor that hangs, and for a Redis that does not answer.
            await self._worker.close(force=bool(_unfinished(self._worker)))
        await asyncio.wait({self._supervision}, timeout=RESTART_SECONDS)
        self._supervision.cancel()
        await asyncio.gather(self._supervision, return_exceptions=True)
        if self._worker is not None:
            # One that had only just begun connects while it is being closed.
            await self._worker.close(force=True)

    async def _drain(self, worker: BullWorker, grace_seconds: float) -> None:
        # Not `worker.close()`: with a free slot it stops renewing the locks of what still runs.
        await worker.pause(do_not_wait_active=True)
        await asyncio.gather(*(run.wait(grace_seconds) for run in self._runs.values()))
        for run in list(self._runs.values()):
            run.stop(StopReason.SHUTDOWN)
        # What is done is now told to the queue.
        await _until_idle(worker, LET_GO_SECONDS)

    async def _supervise(self) -> None:
        while not self._closing.is_set():
            worker = self._worker = self._new_worker(self._run)
            worker.on("locksRenewed", self._on_locks_renewed)
            worker.on("lockRenewalFailed", self._on_locks_lost)
            worker.on("error", self._on_error)
            reason = await self._end_of(worker)
            if self._closing.is_set():
                return
            log.error("worker-ended", queue=self.queue.value, error=reason)
            await worker.close(force=True)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), RESTART_SECONDS)

    async def _end_of(self, worker: BullWorker) -> str:
        try:
            await worker.run()
        except asyncio.CancelledError:
            # BullMQ's loop ends like this too when one of its own tasks is cancelled.
            if is_being_cancelled():
                raise
            return "cancelled from within"
        except Exception as error:  # noqa: BLE001 - whatever ended it, it must run again
            return str(error) or type(error).__name__
        return "ended by itself"

    async def _run(self, job: EngineJob) -> Outcome:
        if self._closing.is_set():
            return await give_back(job)
        return await run_job(job, self._start, self._on_failed_for_good)

    def _start(self, job: EngineJob) -> LockedRun:
        async def work() -> JSON:
            return checked(await self._processor(job))

        run = self._runs[job.id] = LockedRun(work(), LOCK_HELD_SECONDS)
        run.on_end(lambda: self._forget(job.id, run))
        return run

    def _forget(self, job_id: str, run: LockedRun) -> None:
        # A job that lost its lock may already run here again, under the same id.
        if self._runs.get(job_id) is run:
            del self._runs[job_id]

    # The engine calls these synchronously and unguarded: they must not raise.

    def _on_locks_renewed(self, renewed: Mapping[str, Any]) -> None:
        for job_id in renewed["jobIds"]:
            if run := self._runs.get(job_id):
                run.renewed()

    def _on_locks_lost(self, job_ids: Sequence[str]) -> None:
        for job_id in job_ids:
            if run := self._runs.get(job_id):
                run.stop(StopReason.LOCK_LOST)

    def _on_error(self, error: Exception, job: Any = None) -> None:
        job_id = getattr(job, "id", None)
        log.warning("worker-error", queue=self.queue.value, id=job_id, error=str(error))


def _unfinished(worker: BullWorker) -> set[asyncio.Future[Any]]:
    return {task for task in worker.processing if not task.done()}


async def _until_idle(worker: BullWorker, timeout_seconds: float) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_seconds
    while busy := _unfinished(worker):
        remaining = deadline - loop.time()
        if remaining <= 0:
            return
        # A fetch that began in the moment of the pause escaped it, and would wait for seconds.
        if worker.waiting is not None:
            worker.waiting.cancel()
        await asyncio.wait(busy, timeout=min(remaining, IDLE_CHECK_SECONDS))
