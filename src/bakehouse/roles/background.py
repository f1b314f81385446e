"""Work beside what a role serves, for as long as it is open."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress


def in_background(stack: AsyncExitStack, work: Coroutine[None, None, None]) -> None:
    """Do the work until `stack` is closed; then it is cancelled, and has ended."""
    task = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(end)
