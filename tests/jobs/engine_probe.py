"""What tests of the engine ask it to do, and how they watch it."""

import asyncio
from collections.abc import Awaitable, Callable

from bakehouse.errors import ConflictError
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import (
    JSON,
    AddedJob,
    JobName,
    JobOptions,
    JobRequest,
    JobState,
    QueueName,
    RunningJob,
    Schedule,
)

QUEUE = QueueName.REWARD_DISTRIBUTION

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
Reaches = Callable[[str, JobState], Awaitable[None]]


def request(data: dict[str, JSON] | None = None, **options: int) -> JobRequest:
    return JobRequest(QUEUE, JobName.DISTRIBUTE, data or {}, JobOptions(**options))


def schedule(every_seconds: int, **data: JSON) -> Schedule:
    return Schedule("cycle-monitor-7", QUEUE, JobName.CHECK_CYCLE, data, every_seconds)


async def holds(condition: bool) -> bool:  # noqa: FBT001 - reads as a sentence where it is used
    return condition


class Runs:
    """Processors that note what they ran, and failures as they are handed over."""

    def __init__(self) -> None:
        self.jobs: list[RunningJob] = []
        self.attempts: list[tuple[int, bool]] = []
        self.failures: list[tuple[str, str]] = []
        self.running = asyncio.Event()
        self.may_end = asyncio.Event()

    def note(self, job: RunningJob) -> None:
        self.jobs.append(job)
        self.attempts.append((job.attempt, job.is_last_attempt))
        self.running.set()

    async def succeed(self, job: RunningJob) -> JSON:
        self.note(job)
        return None

    async def fail(self, job: RunningJob) -> JSON:
        self.note(job)
        raise ConflictError("The node said no.")

    async def wait_until_told(self, job: RunningJob) -> JSON:
        self.note(job)
        await self.may_end.wait()
        return "told"

    async def on_failed_for_good(self, job: RunningJob, message: str) -> None:
        self.failures.append((job.id, message))


async def is_completed(engine: JobEngine, job: AddedJob) -> bool:
    return (await engine.job(QUEUE, job.id)).state is JobState.COMPLETED
