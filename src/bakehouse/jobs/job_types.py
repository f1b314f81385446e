"""The values that queues, processors and pages exchange. Plain data: no Redis, no BullMQ."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeAlias

from bakehouse.errors import InputError

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

#: Lower runs first; a job without a priority would overtake every other, so 0 is not offered.
PRIORITY_MANUAL = 1
PRIORITY_SCHEDULED = 10
PRIORITY_MAX = 2**21

#: Schedule ids become parts of Redis keys, in which ':' separates.
_SCHEDULE_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")


class QueueName(StrEnum):
    """The queues, under the names the field's dashboards know."""

    CYCLE_MONITORING = "cycle-monitoring"
    REWARD_DISTRIBUTION = "reward-distribution"
    BLOCKCHAIN_POLLING = "blockchain-polling"
    BOND_POOL = "bond-pool"
    ALERT_DELIVERY = "alert-delivery"


class JobName(StrEnum):
    """What a job asks for; one name a queue, but for what is delivered."""

    CHECK_CYCLE = "check-cycle"
    DISTRIBUTE = "distribute"
    POLL_BALANCE = "poll-balance"
    DISTRIBUTE_BOND_POOL = "distribute-bond-pool"
    DELIVER_ALERT = "deliver-alert"
    DELIVER_ANNOUNCEMENT = "deliver-announcement"
    TELL_HOOK = "tell-hook"


#: The work that each queue is for: what a job that a person adds asks for.
JOB_OF: Mapping[QueueName, JobName] = {
    QueueName.CYCLE_MONITORING: JobName.CHECK_CYCLE,
    QueueName.REWARD_DISTRIBUTION: JobName.DISTRIBUTE,
    QueueName.BLOCKCHAIN_POLLING: JobName.POLL_BALANCE,
    QueueName.BOND_POOL: JobName.DISTRIBUTE_BOND_POOL,
    QueueName.ALERT_DELIVERY: JobName.DELIVER_ALERT,
}


class JobState(StrEnum):
    """Where a job stands; `prioritized` is waiting too, in order of priority.

    Only jobs that another tool added ever wait for children.
    """

    WAITING = "waiting"
    WAITING_CHILDREN = "waiting-children"
    PRIORITIZED = "prioritized"
    DELAYED = "delayed"
    ACTIVE = "active"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """How a job is run, whatever it is. Raises InputError for a value out of its range."""

    priority: int = PRIORITY_SCHEDULED
    #: Runs allowed in all, the first one included.
    attempts: int = 1
    #: Wait before the first retry; it doubles with every further one. 0 retries at once.
    backoff_seconds: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.priority <= PRIORITY_MAX:
            raise InputError(f"A job's priority runs from 1 to {PRIORITY_MAX}.")
        if self.attempts < 1:
            raise InputError("A job needs at least one attempt.")
        if self.backoff_seconds < 0:
            raise InputError("The wait between two attempts cannot be negative.")


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A job to be added. While one with the same `deduplication_id` is unfinished, none is."""

    queue: QueueName
    name: JobName
    data: Mapping[str, JSON]
    options: JobOptions = field(default_factory=JobOptions)
    delay_seconds: int = 0
    deduplication_id: str | None = None

    def __post_init__(self) -> None:
        if self.delay_seconds < 0:
            raise InputError("A job cannot be delayed into the past.")


@dataclass(frozen=True, slots=True)
class AddedJob:
    """The job that answers a request: a new one, or (deduplicated) the one already under way."""

    id: str
    deduplicated: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job to be added again and again."""

    id: str
    queue: QueueName
    name: JobName
    data: Mapping[str, JSON]
    every_seconds: int
    options: JobOptions = field(default_factory=JobOptions)

    def __post_init__(self) -> None:
        if not _SCHEDULE_ID.fullmatch(self.id):
            raise InputError("A schedule's id is 1 to 100 letters, digits, dots, _ or -.")
        if self.every_seconds < 1:
            raise InputError("A schedule runs every second at most.")


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """A schedule as the queue holds it. One made by another tool may have a cron `pattern`."""

    id: str
    queue: QueueName
    name: str
    data: JSON
    every_seconds: int | None
    pattern: str | None
    options: JobOptions
    next_run_at: datetime | None

    def matches(self, schedule: Schedule) -> bool:
        """Whether upserting `schedule` would change nothing."""
        return (
            self.id == schedule.id
            and self.queue == schedule.queue
            and self.name == schedule.name
            and self.data == schedule.data
            and self.every_seconds == schedule.every_seconds
            and self.options == schedule.options
        )

    def is_overdue(self, now: datetime) -> bool:
        """Whether it is more than two intervals late: nobody works, or its next job got lost.

        Upserting it again makes a lost job anew and changes nothing otherwise.
        """
        if self.next_run_at is None:
            return True
        return now - self.next_run_at > 2 * timedelta(seconds=self.every_seconds or 0)


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as the queue holds it, for people to look at."""

    id: str
    queue: QueueName
    name: str
    data: JSON
    #: None when the queue no longer says (the job moved while it was read).
    state: JobState | None
    attempts_made: int
    attempts_max: int
    failed_reason: str | None
    #: One Python traceback for each failed attempt, the latest last.
    tracebacks: tuple[str, ...]
    progress: JSON
    return_value: JSON
    #: The schedule that made it.
    schedule_id: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class RunningJob(Protocol):
    """What a processor is given."""

    @property
    def id(self) -> str:
        """Unique within the queue."""

    @property
    def queue(self) -> QueueName:
        """Where the job waited."""

    @property
    def name(self) -> str:
        """A JobName, unless another tool added the job."""

    @property
    def data(self) -> Mapping[str, JSON]:
        """What the job was added with."""

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""

    @property
    def attempts_max(self) -> int:
        """How many attempts the job has in all."""

    @property
    def is_last_attempt(self) -> bool:
        """Whether failing now is failing for good."""

    @property
    def waited_seconds(self) -> float | None:
        """How long it was due before it was first taken; None for later runs of it."""

    async def report_progress(self, value: JSON) -> None:
        """Show how far the job is: a percentage or an object."""

    async def log(self, line: str) -> None:
        """Add a line to the job's own log, which people read beside it."""


class WaitThenContinue(Exception):  # noqa: N818 - an instruction to the queue, not an error
    """Raised by a processor: put this job back for some seconds; no attempt is used up."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"waits {seconds} s")


class DoNotRetry(Exception):  # noqa: N818 - an instruction to the queue, not an error
    """Raised by a processor: this job has failed for good, whatever attempts are left."""
