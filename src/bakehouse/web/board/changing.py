"""What Bull Board's buttons do. What they may not do is in `refusing`."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from bakehouse.errors import ConflictError, InputError
from bakehouse.jobs import queue_control, queue_inspection
from bakehouse.jobs.job_types import (
    JOB_OF,
    PRIORITY_MANUAL,
    PRIORITY_MAX,
    JobOptions,
    JobRequest,
    JobState,
    QueueName,
)
from bakehouse.jobs.queue_records import RateLimit
from bakehouse.ledger.roles import Role
from bakehouse.web.board import wire
from bakehouse.web.board.answers import Answer, BoardRoute
from bakehouse.web.board.trail import noted
from bakehouse.web.permission import needs
from bakehouse.web.services import Services

router: Final = APIRouter(
    prefix="/admin/queues/api",
    include_in_schema=False,
    route_class=BoardRoute,
    dependencies=[needs(Role.OPERATOR, all_bakers=True), noted()],
)

_DONE: Final[Answer] = {}
#: What the form sends when nobody names the job.
_UNNAMED: Final = ("", "__default__")
_YEAR_MS: Final = 366 * 24 * 3600 * 1000
#: The states that a person may clear as a whole.
_CLEARED: Final = (JobState.COMPLETED, JobState.FAILED, JobState.DELAYED)


class WantedOptions(BaseModel):
    """The options of an added job that are heard."""

    model_config = ConfigDict(extra="ignore")

    attempts: Annotated[int, Field(ge=0, le=1000)] = 1
    delay: Annotated[int, Field(ge=0, le=_YEAR_MS)] = 0
    priority: Annotated[int, Field(ge=0, le=PRIORITY_MAX)] = PRIORITY_MANUAL


class Addition(BaseModel):
    """A job as the form adds it; of its options, those are heard that a job here has."""

    name: str = ""
    data: Any = None
    options: WantedOptions = WantedOptions()


class Concurrency(BaseModel):
    """How many jobs run at once; 0 is without limit."""

    concurrency: Annotated[int, Field(ge=0, le=1_000_000)]


class WantedRateLimit(BaseModel):
    """How many jobs in how many milliseconds; without `max`, no limit."""

    max: Annotated[int, Field(ge=1)] | None = None
    duration: Annotated[int, Field(ge=1, le=_YEAR_MS)] | None = None


class NewTime(BaseModel):
    """When a delayed job runs, in milliseconds since 1970."""

    run_at: Annotated[int, Field(alias="runAt", ge=0, le=2**53)]


class NewPriority(BaseModel):
    """Which jobs go before it: those with a lower number."""

    priority: int


@router.put("/queues/pause")
async def pause_all(services: Services) -> Answer:
    """Pause every queue."""
    for queue in QueueName:
        await services.workshop.engine.pause(queue)
    return _DONE


@router.put("/queues/resume")
async def resume_all(services: Services) -> Answer:
    """End every pause."""
    for queue in QueueName:
        await services.workshop.engine.resume(queue)
    return _DONE


@router.put("/queues/{queue}/pause")
async def pause(queue: QueueName, services: Services) -> Answer:
    """Pause a queue."""
    await services.workshop.engine.pause(queue)
    return _DONE


@router.put("/queues/{queue}/resume")
async def resume(queue: QueueName, services: Services) -> Answer:
    """End a pause."""
    await services.workshop.engine.resume(queue)
    return _DONE


@router.post("/queues/{queue}/add")
async def add_job(queue: QueueName, addition: Addition, services: Services) -> Answer:
    """Add a job. Whatever it says, the ledger decides whether anything is to be paid."""
    if addition.name not in {*_UNNAMED, JOB_OF[queue]}:
        raise InputError(f"Jobs of queue {queue} are named {JOB_OF[queue]}.")
    if not isinstance(addition.data, dict):
        raise InputError("What a job is told is a JSON object.")
    request = JobRequest(
        queue,
        JOB_OF[queue],
        addition.data,
        JobOptions(
            # 0 is how forms say nothing.
            priority=addition.options.priority or PRIORITY_MANUAL,
            attempts=addition.options.attempts or 1,
        ),
        delay_seconds=-(-addition.options.delay // 1000),
    )
    engine = services.workshop.engine
    added = await engine.add(request)
    return wire.job_with_state(await queue_inspection.record(engine, queue, added.id))


@router.put("/queues/{queue}/retry/{state}")
async def retry_all(queue: QueueName, state: str, services: Services) -> Answer:
    """Retry every failed job."""
    if state != JobState.FAILED:
        raise ConflictError("Only failed jobs are retried.")
    done = await queue_control.retry_failed(services.workshop.engine, queue)
    return {"retried": done.retried, "skipped": done.skipped}


@router.put("/queues/{queue}/promote")
async def promote_all(queue: QueueName, services: Services) -> Answer:
    """Let every delayed job run now."""
    await queue_control.promote_all(services.workshop.engine, queue)
    return _DONE


@router.put("/queues/{queue}/clean/{state}")
async def clean_all(queue: QueueName, state: str, services: Services) -> Answer:
    """Remove every job of a state."""
    if state not in _CLEARED:
        raise ConflictError("Only completed, failed and delayed jobs are removed together.")
    await queue_control.remove_all(services.workshop.engine, queue, JobState(state))
    return _DONE


@router.put("/queues/{queue}/empty")
async def empty(queue: QueueName, services: Services) -> Answer:
    """Remove every waiting job."""
    await queue_control.empty(services.workshop.engine, queue)
    return _DONE


@router.put("/queues/{queue}/concurrency")
async def set_concurrency(queue: QueueName, wanted: Concurrency, services: Services) -> Answer:
    """Limit how many jobs run at once."""
    await queue_control.set_concurrency(services.workshop.engine, queue, wanted.concurrency)
    return _DONE


@router.put("/queues/{queue}/rate-limit")
async def set_rate_limit(queue: QueueName, wanted: WantedRateLimit, services: Services) -> Answer:
    """Limit how many jobs begin in a time."""
    limit = None
    if wanted.max is not None:
        if wanted.duration is None:
            raise InputError("A rate limit says in how many milliseconds.")
        limit = RateLimit(jobs_max=wanted.max, duration_ms=wanted.duration)
    await queue_control.set_rate_limit(services.workshop.engine, queue, limit)
    return _DONE


@router.put("/queues/{queue}/rate-limit/release")
async def release_rate_limit(queue: QueueName, services: Services) -> Answer:
    """Let jobs begin again at once."""
    await queue_control.release_rate_limit(services.workshop.engine, queue)
    return _DONE


@router.put("/queues/{queue}/job-schedulers/{schedule_id}/run")
async def run_schedule(queue: QueueName, schedule_id: str, services: Services) -> Answer:
    """Run a schedule now."""
    engine = services.workshop.engine
    added = await queue_control.run_schedule_now(engine, queue, schedule_id)
    return wire.job_with_state(await queue_inspection.record(engine, queue, added.id))


@router.put("/queues/{queue}/{job_id}/retry", status_code=HTTPStatus.NO_CONTENT)
async def retry(queue: QueueName, job_id: str, services: Services) -> Response:
    """Retry a failed job."""
    await services.workshop.engine.retry(queue, job_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.put("/queues/{queue}/{job_id}/promote", status_code=HTTPStatus.NO_CONTENT)
async def promote(queue: QueueName, job_id: str, services: Services) -> Response:
    """Let a delayed job run now."""
    await queue_control.promote(services.workshop.engine, queue, job_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.put("/queues/{queue}/{job_id}/clean", status_code=HTTPStatus.NO_CONTENT)
async def clean(queue: QueueName, job_id: str, services: Services) -> Response:
    """Remove a job."""
    await queue_control.remove(services.workshop.engine, queue, job_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.put("/queues/{queue}/{job_id}/remove-unprocessed-children")
async def remove_children(queue: QueueName, job_id: str, services: Services) -> Answer:
    """Remove the children that a job waits for."""
    removed = await queue_control.remove_unfinished_children(
        services.workshop.engine, queue, job_id
    )
    if not removed:
        raise ConflictError(f"Job {job_id} waits for no children.")
    return {"removed": removed}


@router.patch("/queues/{queue}/{job_id}/delay")
async def reschedule(queue: QueueName, job_id: str, wanted: NewTime, services: Services) -> Answer:
    """Let a delayed job run at another time."""
    await queue_control.reschedule(services.workshop.engine, queue, job_id, wanted.run_at)
    return _DONE


@router.patch("/queues/{queue}/{job_id}/priority")
async def reprioritise(
    queue: QueueName, job_id: str, wanted: NewPriority, services: Services
) -> Answer:
    """Give a job another priority."""
    await queue_control.reprioritise(services.workshop.engine, queue, job_id, wanted.priority)
    return _DONE
