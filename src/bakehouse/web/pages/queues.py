"""The queues as they stand: counts, newest jobs, schedules. To look at, not to touch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from bakehouse.jobs.job_types import JSON, JobState, JobView, QueueName, ScheduleView
from bakehouse.ledger.roles import Role
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(
    include_in_schema=False, dependencies=[needs(Role.VIEWER, all_bakers=True)]
)

#: Of each state.
_JOBS_SHOWN: Final = 5

#: What needs looking at first.
_ORDER: Final = (
    JobState.FAILED,
    JobState.ACTIVE,
    JobState.DELAYED,
    JobState.PRIORITIZED,
    JobState.WAITING,
    JobState.COMPLETED,
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job says it is."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job, and its progress if that can be drawn."""

    job: JobView
    progress: Progress | None


@dataclass(frozen=True, slots=True)
class QueueView:
    """One queue, with its newest jobs of each state."""

    name: QueueName
    counts: Mapping[JobState, int]
    is_paused: bool
    #: Whether a worker of this process takes its jobs; other processes may have theirs.
    has_worker: bool
    rows: list[JobRow]
    schedules: list[ScheduleView]


@router.get("/admin/queues")
async def queues_page(request: Request, services: Services) -> HTMLResponse:
    """Show the four queues."""
    # Says at once that the queue is away; the next call would wait for it.
    await services.workshop.engine.ping()
    views = [await _view(services, name) for name in QueueName]
    return renderer_of(request).page(request, "queues.html", is_live=True, queues=views)


async def _view(services: WebServices, name: QueueName) -> QueueView:
    engine = services.workshop.engine
    counts = await engine.counts(name)
    jobs = await engine.jobs(name, _ORDER, 0, _JOBS_SHOWN - 1)
    return QueueView(
        name=name,
        counts={state: counts[state] for state in _ORDER},
        is_paused=await engine.is_paused(name),
        has_worker=engine.workers_running.get(name, False),
        rows=[JobRow(job, _progress(job.progress)) for job in jobs],
        schedules=await engine.schedules(name),
    )


def _progress(reported: JSON) -> Progress | None:
    # Any tool may have added the job, so its progress may be of any shape.
    match reported:
        case {"paid": int(done), "total": int(total)} if 0 <= done <= total > 0:
            return Progress(done, total)
        case int(percent) if 0 < percent <= 100:  # noqa: PLR2004 - it is a percentage
            return Progress(percent, 100)
        case _:
            return None
