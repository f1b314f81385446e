"""Watching for changes while somebody listens, and telling every listener their names, no more."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

from bakehouse.errors import BakehouseError, QueueUnreachableError
from bakehouse.jobs.forever import forever
from bakehouse.jobs.job_types import QueueName
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger.change_stamp import alerts_stamp, ledger_stamp

_log = structlog.get_logger(__name__)

#: Names that a listener may fall behind by; whoever is slower misses some, and asks again later.
_WAITING_MAX: Final = 8

#: What changes, each with something that is another thing after a change.
Stamps = Mapping[str, object]


class ChangeFeed:
    """One look for all listeners, `seconds` apart; none while nobody listens."""

    def __init__(self, read: Callable[[], Awaitable[Stamps]], *, seconds: float = 1) -> None:
        self._read = read
        self._seconds = seconds
        self._listeners: set[asyncio.Queue[str | None]] = set()
        self._watch: asyncio.Task[None] | None = None
        self._is_closed = False

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[asyncio.Queue[str | None]]:
        """Give a queue of names while the block runs; None says that no more will come."""
        heard: asyncio.Queue[str | None] = asyncio.Queue(_WAITING_MAX)
        if self._is_closed:
            heard.put_nowait(None)
        self._listeners.add(heard)
        if self._watch is None and not self._is_closed:
            self._watch = asyncio.create_task(self._look_forever())
        try:
            yield heard
        finally:
            self._listeners.discard(heard)
            if not self._listeners:
                self._stop_looking()

    def close(self) -> None:
        """End every listener at once; whoever comes later hears only that it is over."""
        self._is_closed = True
        self._stop_looking()
        for heard in self._listeners:
            if heard.full():
                heard.get_nowait()
            heard.put_nowait(None)

    async def _look_forever(self) -> None:
        known = await self._stamps({})

        async def look() -> None:
            nonlocal known
            found = await self._stamps(known)
            for name in found:
                if found[name] != known.get(name, found[name]):
                    self._tell(name)
            known = found

        await forever(look, self._seconds, "looking-for-changes-failed")

    async def _stamps(self, known: Stamps) -> Stamps:
        try:
            return {**known, **await self._read()}
        except BakehouseError as error:
            # Whoever asks for a page is told; here the next look is soon.
            _log.warning("cannot look for changes", error=error.message)
            return known

    def _tell(self, name: str) -> None:
        for heard in self._listeners:
            with suppress(asyncio.QueueFull):
                heard.put_nowait(name)

    def _stop_looking(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None


def feed_of(workshop: Workshop) -> ChangeFeed:
    """Make the feed of a house: `ledger`, `alerts` and `queues`."""

    async def read() -> Stamps:
        async with workshop.payer.ledger.read() as tx:
            stamps = {"ledger": await ledger_stamp(tx), "alerts": await alerts_stamp(tx)}
        return {**stamps, "queues": await _queues_stamp(workshop)}

    return ChangeFeed(read)


async def _queues_stamp(workshop: Workshop) -> object:
    try:
        # Says at once that the queue is away; the next call would wait for it.
        await workshop.engine.ping()
        return [await workshop.engine.counts(queue) for queue in QueueName]
    except QueueUnreachableError:
        return "away"
