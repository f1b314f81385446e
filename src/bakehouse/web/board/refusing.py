"""What Bull Board offers elsewhere and Bakehouse does not do: hidden on the page, refused here."""

from typing import Final

from fastapi import APIRouter

from bakehouse.errors import RefusalError
from bakehouse.jobs.job_types import QueueName
from bakehouse.ledger.roles import Role
from bakehouse.web.board.answers import BoardRoute
from bakehouse.web.permission import needs

router: Final = APIRouter(
    prefix="/admin/queues/api",
    include_in_schema=False,
    route_class=BoardRoute,
    dependencies=[needs(Role.OPERATOR, all_bakers=True)],
)


@router.put("/queues/{queue}/obliterate")
async def obliterate(queue: QueueName) -> None:
    """Refuse: it would take running jobs and schedules along."""
    raise RefusalError(
        f"Queue {queue} cannot be obliterated: pause it, or remove its jobs by their state."
    )


@router.patch("/queues/{queue}/{job_id}/update-data")
async def update_data(queue: QueueName, job_id: str) -> None:
    """Refuse: a job would no longer say what it was added for."""
    raise RefusalError(
        f"What job {job_id} of queue {queue} was told stays as it is: add a job that says "
        "something else."
    )


@router.patch("/queues/{queue}/job-schedulers/{schedule_id}")
async def update_schedule(queue: QueueName, schedule_id: str) -> None:
    """Refuse: the reconciler would set it back within a minute."""
    raise RefusalError(
        f"Schedule {schedule_id} of queue {queue} follows the baker's settings: change "
        "update_freq there."
    )


@router.put("/queues/{queue}/job-schedulers/{schedule_id}/remove")
async def remove_schedule(queue: QueueName, schedule_id: str) -> None:
    """Refuse: the reconciler would make it again within a minute."""
    raise RefusalError(
        f"Schedule {schedule_id} of queue {queue} would be made again within a minute: pause "
        "the queue, or switch the baker off."
    )


@router.get("/metrics/history")
@router.get("/metrics/latency")
@router.get("/metrics/history/usage")
@router.post("/metrics/history/purge")
async def history() -> None:
    """Refuse: the history is Prometheus' to keep."""
    raise RefusalError("The queues keep no history: let Prometheus read /metrics.")
