"""BullMQ's untyped records and ours, translated both ways. Nothing is imported from BullMQ here."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from bakehouse.jobs.job_types import (
    JSON,
    PRIORITY_SCHEDULED,
    JobOptions,
    JobState,
    JobView,
    QueueName,
    ScheduleView,
)
from bakehouse.jobs.queue_records import JobAddress, JobRecord

BACKOFF_NAME: Final = "exponential-with-jitter"
LOG_LINES_MAX: Final = 1000
TRACEBACKS_MAX: Final = 10


class BullJob:
    """A job that runs on a worker here, as processors and their runner see it."""

    def __init__(self, queue: QueueName, record: Any, lock_token: str) -> None:
        self._record = record
        self._lock_token = lock_token
        self.queue = queue
        self.id: str = record.id
        self.name: str = record.name
        self.data: Mapping[str, JSON] = record.data
        self.attempt: int = record.attemptsMade + 1
        self.attempts_max = _attempts_max(record.opts)
        self.stalls: int = record.stalledCounter
        self.waited_seconds = _waited_seconds(record)

    @property
    def is_last_attempt(self) -> bool:
        """Whether failing now is failing for good."""
        return self.attempt >= self.attempts_max

    async def report_progress(self, value: JSON) -> None:
        """Show how far the job is: a percentage or an object."""
        await self._record.updateProgress(value)

    async def log(self, line: str) -> None:
        """Add a line to the job's own log; it keeps the last thousand."""
        await self._record.log(line)

    async def put_back(self, seconds: int) -> None:
        """Return the job to its queue for `seconds`; no attempt is used up."""
        await self._record.moveToDelayed(now_ms() + seconds * 1000, self._lock_token)

    async def forget_stalls(self) -> None:
        """Let the count of workers that died over this job begin anew."""
        backend = self._record.backend
        await backend.conn.hdel(backend.toKey(self.id), "stc")


def bull_options(options: JobOptions) -> dict[str, Any]:
    """Say to BullMQ how a job is run."""
    encoded: dict[str, Any] = {
        "priority": options.priority,
        "attempts": options.attempts,
        "keepLogs": LOG_LINES_MAX,
        "stackTraceLimit": TRACEBACKS_MAX,
    }
    if options.backoff_seconds:
        encoded["backoff"] = {"type": BACKOFF_NAME, "delay": options.backoff_seconds * 1000}
    return encoded


def job_view(queue: QueueName, record: Any, state: JobState | None) -> JobView:
    """Show a BullMQ job."""
    return JobView(
        id=record.id,
        queue=queue,
        name=record.name,
        data=record.data,
        state=state,
        attempts_made=record.attemptsMade,
        attempts_max=_attempts_max(record.opts),
        failed_reason=record.failedReason,
        tracebacks=tuple(record.stacktrace),
        progress=record.progress,
        return_value=record.returnvalue,
        schedule_id=record.repeatJobKey,
        created_at=_at(record.timestamp),
        started_at=_at(record.processedOn) if record.processedOn else None,
        finished_at=_at(record.finishedOn) if record.finishedOn else None,
    )


def known_state(state: str) -> JobState | None:
    """Read a state; None for one that the queue no longer knows (the job moved meanwhile)."""
    return JobState(state) if state in set(JobState) else None


def job_record(record: Any, state: JobState | None) -> JobRecord:
    """Show all of a BullMQ job."""
    return JobRecord(
        id=record.id,
        name=record.name or "",
        state=state,
        data=record.data,
        options=record.opts,
        progress=record.progress,
        return_value=record.returnvalue,
        failed_reason=record.failedReason,
        tracebacks=tuple(record.stacktrace),
        attempts_made=record.attemptsMade,
        attempts_started=record.attemptsStarted,
        stalls=record.stalledCounter,
        priority=record.priority,
        delay_ms=record.delay,
        added_ms=record.timestamp,
        started_ms=record.processedOn or None,
        finished_ms=record.finishedOn or None,
        deduplication_id=record.deduplication_id,
        deferred_failure=record.deferredFailure,
        schedule_id=record.repeatJobKey,
        parent=_parent(record.opts.get("parent")),
    )


def _parent(parent: Any) -> JobAddress | None:
    if not isinstance(parent, Mapping) or not parent.get("id") or not parent.get("queue"):
        return None
    return JobAddress(str(parent["queue"]), str(parent["id"]))


def schedule_view(queue: QueueName, record: Mapping[str, Any]) -> ScheduleView:
    """Show a BullMQ job scheduler."""
    template = record.get("template", {})
    options = template.get("opts") or {}
    every_ms = record.get("every")
    return ScheduleView(
        id=record["key"],
        queue=queue,
        name=record.get("name") or "",
        data=template.get("data", {}),
        every_seconds=every_ms // 1000 if every_ms else None,
        pattern=record.get("pattern"),
        options=JobOptions(
            priority=options.get("priority") or PRIORITY_SCHEDULED,
            attempts=_attempts_max(options),
            backoff_seconds=_backoff_seconds(options),
        ),
        next_run_at=_at(record["next"]) if record.get("next") else None,
    )


def next_slot(start_ms: int, every_ms: int, now: int) -> int:
    """`start_ms` if it is still to come, else the first whole interval after it that is."""
    if start_ms > now:
        return start_ms
    return start_ms + ((now - start_ms) // every_ms + 1) * every_ms


def now_ms() -> int:
    """Milliseconds since 1970, the clock of BullMQ's records."""
    return time.time_ns() // 1_000_000


def _waited_seconds(record: Any) -> float | None:
    # Of a job that was put back or tried again, the record no longer tells since when it was due.
    if record.attemptsStarted != 1 or not record.processedOn:
        return None
    due_ms: int = record.timestamp + (record.opts.get("delay") or 0)
    taken_ms: int = record.processedOn
    # The two clocks may be of two machines.
    return max(0, taken_ms - due_ms) / 1000


def _attempts_max(options: Mapping[str, Any]) -> int:
    # A job added by another tool may say 0 or nothing, which both mean one attempt.
    return options.get("attempts") or 1


def _backoff_seconds(options: Mapping[str, Any]) -> int:
    backoff = options.get("backoff")
    return int(backoff.get("delay", 0)) // 1000 if isinstance(backoff, Mapping) else 0


def _at(timestamp_ms: int) -> datetime:
    return datetime.fromtimestamp(timestamp_ms / 1000, tz=UTC)
