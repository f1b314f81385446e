"""Work that is done again and again for as long as the process lives."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

_log = structlog.get_logger(__name__)


async def forever(work: Callable[[], Awaitable[None]], seconds: float, on_failure: str) -> None:
    """Do the work after every so many seconds, until cancelled.

    A failure is logged under the name `on_failure`, and the work is tried again.
    """
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except Exception:  # noqa: BLE001 - nobody would notice if this ended: the next time counts
            _log.exception(on_failure)
