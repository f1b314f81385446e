"""Deterministic interleaving: processes run one at a time, from one call to the world to the next.

Each call waits here until its process is chosen. Threads below (the database has them) cannot
change the order, because nobody else runs while one process does.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any


class Crash(BaseException):
    """The machine stops here: nothing that follows happens, and nobody may catch it."""


class Process:
    """One process that can be stepped, and killed between any two of its calls."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls = 0
        self.is_dead = False
        self._waiting: list[asyncio.Future[None]] = []
        self._came_to_rest = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, life: Coroutine[Any, Any, None]) -> None:
        """Begin its life; it runs up to its first call when it is let on."""
        self._task = asyncio.create_task(life)
        self._task.add_done_callback(lambda _: self._came_to_rest.set())

    @property
    def has_ended(self) -> bool:
        return self._task is not None and self._task.done()

    async def turn(self) -> None:
        """Wait to be chosen, as every call to the world does first."""
        self.live_or_crash()
        chosen: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(chosen)
        self._came_to_rest.set()
        await chosen
        self.live_or_crash()
        self.calls += 1

    def live_or_crash(self) -> None:
        """Raise Crash in a process that is dead: whatever it still tries does not happen."""
        if self.is_dead:
            raise Crash

    def die(self) -> None:
        """Be dead from here: what is being done is not finished, nothing more is begun."""
        self.is_dead = True
        raise Crash

    async def go_on(self) -> None:
        """Let one call through, and return when the process waits with its next one, or ended."""
        await self.come_to_rest()
        self._forget_the_cancelled()
        if self._waiting:
            self._came_to_rest.clear()
            self._waiting.pop(0).set_result(None)
            await self.come_to_rest()

    async def come_to_rest(self) -> None:
        """Return when every part of the process waits, or it ended."""
        self._forget_the_cancelled()
        if not self._waiting and not self.has_ended:
            await self._came_to_rest.wait()
        # Parts that run side by side each get to their own next call.
        for _ in range(3):
            await asyncio.sleep(0)

    async def kill(self) -> None:
        """Kill the process where it waits."""
        self.is_dead = True
        self._forget_the_cancelled()
        for chosen in self._waiting:
            chosen.set_result(None)
        self._waiting.clear()
        await self.ended()

    def _forget_the_cancelled(self) -> None:
        # A part of the process that was told to stop waits for no turn any more.
        self._waiting = [chosen for chosen in self._waiting if not chosen.done()]

    async def ended(self) -> None:
        """Return when it has ended; raises what made it fail, unless that was its death."""
        if self._task is not None:
            with suppress(Crash):
                await self._task
