"""When schedules run next, asked for by name: not all of a queue have to be read for one."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import QueueName


async def next_runs(
    engine: JobEngine, queue: QueueName, schedule_ids: Sequence[str]
) -> list[datetime | None]:
    """Give when each schedule runs next, in their order; None for one that is not there.

    One exchange, however many there are. Raises QueueUnreachableError.
    """
    if not schedule_ids:
        return []
    bull = engine.bull_queue(queue)
    async with engine.answering():
        millis = await bull.client.zmscore(bull.toKey("repeat"), list(schedule_ids))
    return [None if each is None else datetime.fromtimestamp(each / 1000, UTC) for each in millis]
