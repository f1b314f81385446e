"""Running a role until it is told to stop, and telling the service manager. No commands here."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bakehouse.errors import ConflictError
from bakehouse.ledger.database import Ledger
from bakehouse.roles.background import in_background
from bakehouse.roles.fitting import end_when_outdated
from bakehouse.roles.service_manager import ServiceManager

#: Between two looks whether another version has changed the ledger's schema.
_LOOK_SECONDS = 30


@asynccontextmanager
async def stop_signal() -> AsyncIterator[asyncio.Event]:
    """Give what Ctrl-C and SIGTERM set; the service manager is told when the block ends."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        in_background(stack, ServiceManager().feed_watchdog())
        yield stop


async def until(stop: asyncio.Event, ledger: Ledger) -> None:
    """Say that the work has begun, and return when it is to end.

    Raises ConflictError when another version has changed the ledger's schema: this one must not
    write to it any more.
    """
    manager = ServiceManager()
    outdated = asyncio.Event()
    async with AsyncExitStack() as stack:
        in_background(stack, end_when_outdated(ledger, _LOOK_SECONDS, outdated))
        manager.ready()
        waits = [asyncio.create_task(each.wait()) for each in (stop, outdated)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
    manager.stopping()
    if outdated.is_set():
        raise ConflictError(
            "another version of Bakehouse has changed the ledger's schema: install that version "
            "here as well"
        )
