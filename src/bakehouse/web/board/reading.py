"""What Bull Board's pages ask for. Nothing is changed here."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from bakehouse.jobs import job_flows, queue_inspection
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_flows import FlowWindow
from bakehouse.jobs.job_types import JOB_OF, JSON, JobState, QueueName
from bakehouse.jobs.queue_records import JobRecord
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.web.board import wire
from bakehouse.web.board.answers import Answer, BoardRoute
from bakehouse.web.caller import CallerOf
from bakehouse.web.permission import needs
from bakehouse.web.services import Services

router: Final = APIRouter(
    prefix="/admin/queues/api",
    include_in_schema=False,
    route_class=BoardRoute,
    dependencies=[needs(Role.VIEWER, all_bakers=True)],
)

_PAGE_MAX: Final = 300
_DEPTH_MAX: Final = 20
_CHILDREN_MAX: Final = 1000

#: What a job of each queue is told, for the form that adds one.
_BAKER: Final[dict[str, JSON]] = {
    "type": "string",
    "title": "Address of the baker",
    "pattern": "^tz[1-4][1-9A-HJ-NP-Za-km-z]{33}$",
}
_ONE_BAKER: Final[dict[str, JSON]] = {
    "type": "object",
    "required": ["baker_id"],
    "properties": {"baker_id": _BAKER, "retry_failed": {"type": "boolean"}},
}
_ONE_DISTRIBUTION: Final[dict[str, JSON]] = {
    "type": "object",
    "required": ["network", "baker_id", "cycle", "kind", "mode"],
    "properties": {
        "network": {"type": "string", "title": "Id of the chain"},
        "baker_id": _BAKER,
        "cycle": {"type": "integer", "minimum": 0},
        "kind": {"type": "string", "enum": [kind.value for kind in DistributionKind]},
        "mode": {"type": "string", "enum": [Mode.SIMULATION.value, Mode.ON.value]},
    },
}
_ONE_DELIVERY: Final[dict[str, JSON]] = {
    "type": "object",
    "required": ["delivery_id"],
    "properties": {"delivery_id": {"type": "integer", "minimum": 1}},
}
_SCHEMAS: Final = {
    QueueName.CYCLE_MONITORING: _ONE_BAKER,
    QueueName.BLOCKCHAIN_POLLING: _ONE_BAKER,
    QueueName.REWARD_DISTRIBUTION: _ONE_DISTRIBUTION,
    QueueName.BOND_POOL: _ONE_DISTRIBUTION,
    QueueName.ALERT_DELIVERY: _ONE_DELIVERY,
}


class WantedJobs(BaseModel):
    """Which page of which jobs of which queue is looked at."""

    active_queue: Annotated[str, Field(alias="activeQueue")] = ""
    # `paused` was a state in older versions of BullMQ.
    status: JobState | Literal["latest", "paused"] = wire.LATEST
    page: Annotated[int, Field(ge=1, le=2**31)] = 1
    per_page: Annotated[int, Field(alias="jobsPerPage", ge=1, le=_PAGE_MAX)] = 10

    @property
    def states(self) -> tuple[JobState, ...]:
        """The states whose jobs are shown; of all, the newest of each."""
        if self.status == wire.LATEST:
            return wire.STATES
        return tuple(state for state in wire.STATES if state == self.status)

    @property
    def start(self) -> int:
        """The number of the first job of the page, from 0."""
        return 0 if self.status == wire.LATEST else (self.page - 1) * self.per_page

    @property
    def end(self) -> int:
        """The number of the last job of the page."""
        return self.start + self.per_page - 1

    def pagination(self, counts: Mapping[JobState, int]) -> dict[str, JSON]:
        """Say how many pages there are, and which jobs this one shows."""
        total = sum(counts[state] for state in self.states)
        pages = 1 if self.status == wire.LATEST else -(-total // self.per_page)
        return {"pageCount": pages, "range": {"start": self.start, "end": self.end}}


class WantedTree(BaseModel):
    """How much of the tree of a job is looked at."""

    root: str = ""
    depth: int = 10
    children_max: Annotated[int, Field(alias="maxChildren")] = 20

    def window(self) -> FlowWindow:
        """Bound what is wanted."""
        return FlowWindow(
            depth=min(max(self.depth, 1), _DEPTH_MAX),
            children_max=min(max(self.children_max, 1), _CHILDREN_MAX),
        )


@router.get("/queues")
async def queues(
    caller: CallerOf, services: Services, wanted: Annotated[WantedJobs, Query()]
) -> Answer:
    """Show the queues, and a page of the jobs of one."""
    engine = services.workshop.engine
    # Says at once that the queue is away; the next call would wait for it.
    await engine.ping()
    shown: list[JSON] = []
    for name in QueueName:
        figures = await queue_inspection.figures(engine, name)
        jobs: list[JobRecord] = []
        if name == wanted.active_queue:
            jobs = await queue_inspection.records(
                engine, name, wanted.states, wanted.start, wanted.end
            )
        page = wanted.pagination(figures.counts)
        shown.append(
            wire.queue(name, figures, read_only=not caller.has(Role.OPERATOR), jobs=jobs, page=page)
        )
    return {"queues": shown}


@router.get("/queues/{queue}/metrics")
async def metrics(queue: QueueName, services: Services) -> Answer:
    """Count the jobs that ended, by the minute."""
    engine = services.workshop.engine
    completed = await queue_inspection.ended_jobs(engine, queue, "completed")
    failed = await queue_inspection.ended_jobs(engine, queue, "failed")
    return {"completed": wire.ended(completed), "failed": wire.ended(failed)}


@router.get("/queues/{queue}/workers")
async def workers(queue: QueueName, services: Services) -> Answer:
    """List the workers of a queue."""
    connections = await queue_inspection.workers(services.workshop.engine, queue)
    if connections is None:
        return {"workers": None}
    return {"workers": [wire.worker(each) for each in connections]}


@router.get("/queues/{queue}/rate-limit")
async def rate_limit(queue: QueueName, services: Services) -> Answer:
    """Give a queue's rate limit."""
    limit = await queue_inspection.rate_limit(services.workshop.engine, queue)
    shown: JSON = {"max": limit.jobs_max, "duration": limit.duration_ms} if limit else None
    return {"supported": True, "rateLimit": shown}


@router.get("/queues/{queue}/default-job-options")
async def default_job_options(queue: QueueName) -> Answer:
    """Give what a job added by hand has unless it says otherwise."""
    del queue
    return {"attempts": 1}


@router.get("/queues/{queue}/job-data-schema")
async def job_data_schema(queue: QueueName) -> Answer:
    """Describe what a job of a queue is told."""
    return {"title": JOB_OF[queue], **_SCHEMAS[queue]}


@router.get("/queues/{queue}/{job_id}/logs")
async def job_logs(queue: QueueName, job_id: str, services: Services) -> list[str]:
    """Give the lines a job logged."""
    return await services.workshop.engine.job_log(queue, job_id)


@router.get("/queues/{queue}/{job_id}/flow")
async def job_flow(
    queue: QueueName, job_id: str, services: Services, wanted: Annotated[WantedTree, Query()]
) -> Answer:
    """Show the tree of jobs that a job is in."""
    tree = await job_flows.flow(
        services.workshop.engine, queue, job_id, wanted.window(), from_root=wanted.root != "node"
    )
    return wire.flow(job_id, tree)


@router.get("/queues/{queue}/{job_id}")
async def job(queue: QueueName, job_id: str, services: Services) -> Answer:
    """Show one job."""
    return wire.job_with_state(
        await queue_inspection.record(services.workshop.engine, queue, job_id)
    )


@router.get("/job-schedulers")
async def job_schedulers(
    services: Services, queue: Annotated[QueueName | None, Query(alias="queueName")] = None
) -> Answer:
    """List the schedules of one queue or all."""
    engine: JobEngine = services.workshop.engine
    wanted = [queue] if queue else list(QueueName)
    listed = [each for name in wanted for each in await queue_inspection.schedules(engine, name)]
    return {"schedulers": [wire.schedule(each) for each in listed]}


@router.get("/redis/stats")
async def redis_stats(services: Services) -> Answer:
    """Tell how the server of the queues fares."""
    return wire.server(await queue_inspection.server_figures(services.workshop.engine))
