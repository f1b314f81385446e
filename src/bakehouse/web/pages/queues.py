"""The queues as they stand: counts, newest jobs, schedules. To look at, not to touch."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from bakehouse.jobs.job_types import JobState, JobView, QueueName, ScheduleView
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.services import Services, WebServices

router = APIRouter(include_in_schema=False)

_JOBS_SHOWN = 5

#: What needs looking at first.
_ORDER = (
    JobState.FAILED,
    JobState.ACTIVE,
    JobState.DELAYED,
    JobState.PRIORITIZED,
    JobState.WAITING,
    JobState.COMPLETED,
)


@dataclass(frozen=True, slots=True)
class QueueView:
    """One queue, with its newest jobs of each state."""

    name: QueueName
    counts: dict[JobState, int]
    is_paused: bool
    has_worker: bool
    jobs: list[JobView]
    schedules: list[ScheduleView]


@router.get("/admin/queues")
async def queues_page(request: Request, services: Services) -> HTMLResponse:
    """Show the four queues."""
    views = [await _view(services, name) for name in QueueName]
    return renderer_of(request).page(request, "queues.html", is_live=True, queues=views)


async def _view(services: WebServices, name: QueueName) -> QueueView:
    engine = services.workshop.engine
    counts = await engine.counts(name)
    return QueueView(
        name=name,
        counts={state: counts[state] for state in _ORDER},
        is_paused=await engine.is_paused(name),
        has_worker=engine.workers_running.get(name, False),
        jobs=await engine.jobs(name, _ORDER, 0, _JOBS_SHOWN - 1),
        schedules=await engine.schedules(name),
    )
