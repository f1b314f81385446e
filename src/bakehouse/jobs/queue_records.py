"""What people who look after the queues are shown of them. Plain data: no Redis, no BullMQ."""

from collections.abc import Mapping
from dataclasses import dataclass

from bakehouse.jobs.job_types import JSON, JobState, QueueName


@dataclass(frozen=True, slots=True)
class JobAddress:
    """Where a job is: the full name of its queue in Redis, and its id there."""

    qualified_queue: str
    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """Everything the queue knows about a job. Times are milliseconds since 1970."""

    id: str
    name: str
    #: None when the queue no longer says (the job moved while it was read).
    state: JobState | None
    data: JSON
    #: As BullMQ keeps them.
    options: Mapping[str, JSON]
    progress: JSON
    return_value: JSON
    failed_reason: str | None
    #: One Python traceback for each failed attempt, the latest last.
    tracebacks: tuple[str, ...]
    attempts_made: int
    attempts_started: int
    #: How often a worker died over it.
    stalls: int
    priority: int
    delay_ms: int
    added_ms: int
    started_ms: int | None
    finished_ms: int | None
    deduplication_id: str | None
    #: Why it will fail as soon as a worker takes it.
    deferred_failure: str | None
    #: The schedule that made it.
    schedule_id: str | None
    #: The job that waits for this one.
    parent: JobAddress | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """At most so many jobs are begun in so many milliseconds, whoever works."""

    jobs_max: int
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFigures:
    """How a queue stands."""

    counts: Mapping[JobState, int]
    is_paused: bool
    #: Jobs run at once over all workers; None is without limit.
    concurrency_max: int | None
    #: Until the rate limit lets the next job begin; 0 when it holds nothing back.
    held_back_ms: int
    schedule_count: int
    #: None if the server does not tell who is connected.
    has_workers: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRecord:
    """Everything the queue knows about a schedule. Times are milliseconds since 1970."""

    id: str
    queue: QueueName
    job_name: str
    every_ms: int | None
    pattern: str | None
    time_zone: str | None
    runs_max: int | None
    start_ms: int | None
    end_ms: int | None
    next_ms: int | None
    #: The job that the next run will be, if it is there.
    next_job_id: str | None
    last_ms: int | None
    last_job_id: str | None
    run_count: int | None
    data: JSON
    options: Mapping[str, JSON]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConnection:
    """A worker, in any process, as its connection shows it."""

    id: str
    name: str | None
    address: str
    age_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedJobs:
    """How many jobs ended one way: in all, and in each of the past minutes, the latest first."""

    total: int
    counted_until_ms: int
    counted_before: int
    by_minute: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFigures:
    """How the Redis or Valkey itself fares; memory in bytes."""

    version: str
    mode: str
    port: int
    system: str
    uptime_seconds: int
    memory_total: int
    memory_used: int
    memory_peak: int
    #: As the server writes it: 1.08.
    fragmentation: str
    clients_connected: int
    clients_blocked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildCounts:
    """How many children of a job are in each state."""

    done: int
    unfinished: int
    ignored: int
    failed: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.done + self.unfinished + self.ignored + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowNode:
    """A job in the tree of the jobs that wait for each other."""

    job: JobRecord
    queue: QueueName
    child_counts: ChildCounts
    children: tuple["FlowNode", ...]
    #: Children there are, and are not shown.
    is_truncated: bool
