"""Work that is done again and again for as long as the process lives."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

_log = structlog.get_logger(__name__)


async def forever(
    work: Callable[[], Awaitable[None]], seconds: float, on_failure: str, *, at_once: bool = False
) -> None:
    """Do the work every so many seconds until cancelled; `at_once`, or after the first of them.

    A failure is logged under the name `on_failure`, and the work is tried again.
    """
    # Asked each time: before Python 3.12 `asyncio.wait_for`, which the Redis client writes with,
    # swallows a cancellation that comes just as the write is done (python/cpython#86296).
    while not is_being_cancelled():
        await asyncio.sleep(0 if at_once else seconds)
        at_once = False
        try:
            await work()
        except Exception:  # noqa: BLE001 - nobody would notice if this ended: the next time counts
            _log.exception(on_failure)


def is_being_cancelled() -> bool:
    """Whether somebody told the running task to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
