"""One run of one job: under its lock, with every way it can end. No BullMQ and no Redis here."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol, TypeAlias

import structlog
from structlog.contextvars import bound_contextvars

from bakehouse.errors import BakehouseError
from bakehouse.jobs.job_types import JSON, DoNotRetry, RunningJob, WaitThenContinue

log = structlog.get_logger()

Processor: TypeAlias = Callable[[RunningJob], Awaitable[JSON]]
FailureHandler: TypeAlias = Callable[[RunningJob, str], Awaitable[None]]

#: A job whose worker died this often while running it is taken for the cause and fails for good.
#: Generous, because processors are idempotent and a machine may be restarted several times a day.
STALLS_MAX: Final = 5

#: A failure for good that could not be recorded is no failure yet: the job comes back after this.
UNRECORDED_FAILURE_SECONDS: Final = 30


class StopReason(StrEnum):
    """Why a run was cut short."""

    LOCK_LOST = "lock-lost"
    SHUTDOWN = "shutdown"


class RunStoppedError(Exception):
    """A processor was stopped before it had finished."""

    def __init__(self, reason: StopReason) -> None:
        self.reason = reason
        super().__init__(reason.value)


class EngineJob(RunningJob, Protocol):
    """A running job, and what only its runner may do with it."""

    @property
    def stalls(self) -> int:
        """How often a worker died while running this job."""

    async def forget_stalls(self) -> None:
        """Begin to count anew."""

    async def put_back(self, seconds: int) -> None:
        """Return the job to its queue for `seconds`; no attempt is used up."""


@dataclass(frozen=True, slots=True)
class Completed:
    """The processor returned."""

    value: JSON


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt failed; the queue decides by `for_good` whether there is another."""

    error: Exception
    for_good: bool


@dataclass(frozen=True, slots=True)
class LetGo:
    """The job is not this worker's any more: put back, or its lock lost. Nothing is to be told."""


Outcome: TypeAlias = Completed | Failed | LetGo


class LockedRun:
    """A processor at work, cancelled as soon as its job may belong to another worker.

    The lock is renewed elsewhere; each renewal is reported here. Without one for `held_seconds`
    the lock must be taken as lost even if nobody says so, for instance while Redis is away.
    """

    def __init__(self, work: Coroutine[Any, Any, JSON], held_seconds: float) -> None:
        self._task = asyncio.create_task(work)
        self._held_seconds = held_seconds
        self.stopped: StopReason | None = None
        self._deadline = self._new_deadline()

    def _new_deadline(self) -> asyncio.TimerHandle:
        loop = asyncio.get_running_loop()
        return loop.call_later(self._held_seconds, self.stop, StopReason.LOCK_LOST)

    def renewed(self) -> None:
        """Note that the lock is held anew from now."""
        self._deadline.cancel()
        if self.stopped is None:
            self._deadline = self._new_deadline()

    def on_end(self, callback: Callable[[], None]) -> None:
        """Call back when the processor has ended, however it did."""
        self._task.add_done_callback(lambda _: callback())

    def stop(self, reason: StopReason) -> None:
        """Cancel the processor; the first reason stands."""
        if self._task.done() or self.stopped is not None:
            return
        self.stopped = reason
        self._task.cancel()

    async def wait(self, timeout_seconds: float) -> None:
        """Wait until the processor has ended, or for the given time."""
        await asyncio.wait({self._task}, timeout=timeout_seconds)

    async def ended(self) -> JSON:
        """Wait for the processor; return its value, or raise its error or RunStoppedError.

        A processor that finished although it was told to stop has finished: whether its lock
        still held is for the queue to say.
        """
        try:
            await asyncio.wait({self._task})
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        finally:
            self._deadline.cancel()
        unfinished = self._task.cancelled() or self._task.exception() is not None
        if unfinished and self.stopped is not None:
            raise RunStoppedError(self.stopped)
        if self._task.cancelled():
            raise RuntimeError("The processor cancelled itself.")
        return self._task.result()


async def run_job(
    job: EngineJob,
    start: Callable[[EngineJob], LockedRun],
    on_failed_for_good: FailureHandler | None,
) -> Outcome:
    """Run the job that `start` sets going, and say how it ended. Raises nothing but cancellation.

    A failure for good is handed to `on_failed_for_good` before the queue is told, so that it
    cannot get lost between the two; in a crash it may be handed over twice. Every line that is
    logged meanwhile, by whatever, says which job and which attempt it belongs to.
    """
    with bound_contextvars(**_names_of(job)):
        return await _run(job, start, on_failed_for_good)


async def give_back(job: EngineJob) -> LetGo:
    """Return a job that this worker will not finish to its queue, for another to take at once."""
    with bound_contextvars(**_names_of(job)):
        return await _put_back(job, 0)


def _names_of(job: EngineJob) -> dict[str, str | int]:
    return {
        "queue": job.queue.value,
        "job": job.name,
        "job_id": job.id,
        "attempt": job.attempt,
    }


async def _run(
    job: EngineJob,
    start: Callable[[EngineJob], LockedRun],
    on_failed_for_good: FailureHandler | None,
) -> Outcome:
    if job.stalls > STALLS_MAX:
        reason = f"The worker died {job.stalls} times while running this job."
        outcome = await _fail(job, DoNotRetry(reason), on_failed_for_good)
        if isinstance(outcome, Failed):
            # A person who retries it later means it: the count begins anew.
            await _attempt(job.forget_stalls(), "job-stalls-not-forgotten")
        return outcome
    log.info("job-started")
    run = start(job)
    try:
        value = await run.ended()
    except WaitThenContinue as wait:
        log.info("job-waits", seconds=wait.seconds)
        return await _put_back(job, wait.seconds)
    except RunStoppedError as stopped:
        log.warning("job-stopped", reason=stopped.reason.value)
        return await _put_back(job, 0) if stopped.reason is StopReason.SHUTDOWN else LetGo()
    except Exception as error:  # noqa: BLE001 - a processor may raise anything; the queue keeps it
        return await _fail(job, error, on_failed_for_good)
    log.info("job-completed")
    return Completed(value)


def checked(value: JSON) -> JSON:
    """Return `value` if it can be stored with the job; raises TypeError or ValueError if not.

    Left to the queue, this would be found out after the job counts as done.
    """
    json.dumps(value, allow_nan=False)
    return value


async def _put_back(job: EngineJob, seconds: int) -> LetGo:
    # Should this fail, the lock runs out and the job is found again.
    await _attempt(job.put_back(seconds), "job-not-put-back")
    return LetGo()


async def _attempt(change: Awaitable[None], event_if_it_fails: str) -> None:
    try:
        await change
    except Exception as error:  # noqa: BLE001 - Redis may fail in any way; the run still ends
        log.warning(event_if_it_fails, error=_sentence(error))


def _sentence(error: Exception) -> str:
    # Our own errors are sentences; what a fault says is often only the name of a key.
    if isinstance(error, BakehouseError | DoNotRetry):
        return str(error)
    return f"{type(error).__name__}: {error}"


async def _fail(
    job: EngineJob, error: Exception, on_failed_for_good: FailureHandler | None
) -> Outcome:
    message = _sentence(error)
    for_good = job.is_last_attempt or isinstance(error, DoNotRetry)
    # The traceback is kept with the job. Not here: some renderers print the values of variables,
    # and one of them may be a key.
    log.error("job-failed" if for_good else "job-attempt-failed", error=message)
    if for_good and on_failed_for_good is not None:
        try:
            await on_failed_for_good(job, message)
        except Exception as unrecorded:  # noqa: BLE001 - the handler may raise anything
            log.error("job-failure-not-recorded", error=_sentence(unrecorded))  # noqa: TRY400 - as above
            return await _put_back(job, UNRECORDED_FAILURE_SECONDS)
    return Failed(error, for_good)
