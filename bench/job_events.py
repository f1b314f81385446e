"""What BullMQ tells of jobs in its event streams, whoever runs them; times are the server's own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis

from bakehouse.jobs.job_types import QueueName

_WAIT_MS: Final = 200
_COUNT: Final = 5_000


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One event of a job: `name` is added, active, completed, failed and the like."""

    queue: QueueName
    name: str
    job_id: str
    at_ms: int


async def follow(
    redis: Redis, prefix: str, queues: list[QueueName], tell: Callable[[JobEvent], None]
) -> None:
    """Tell of every event from now on, until cancelled."""
    keys = {f"{prefix}:{queue.value}:events": queue for queue in queues}
    positions: dict[Any, Any] = {}
    for key in keys:
        newest = await redis.xrevrange(key, count=1)
        positions[key] = newest[0][0] if newest else "0"
    while True:
        answer: Any = await redis.xread(positions, count=_COUNT, block=_WAIT_MS)
        streams = answer.items() if isinstance(answer, dict) else answer or []
        for raw, entries in streams:
            key = _text(raw)
            for entry_id, fields in _flat(entries):
                positions[key] = entry_id
                told = {_text(name): _text(value) for name, value in fields.items()}
                at_ms = int(_text(entry_id).partition("-")[0])
                tell(JobEvent(keys[key], told["event"], told.get("jobId", ""), at_ms))


def _flat(entries: Any) -> Any:
    # Newer clients wrap the entries of a stream once more.
    return entries[0] if entries and isinstance(entries[0], list) else entries


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
