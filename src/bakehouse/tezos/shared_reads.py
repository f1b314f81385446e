"""One answer for all who ask the same within a moment. What is asked is not known here."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

Result = TypeVar("Result")

#: Answers kept at a time; a moment later all of them are old.
_KEPT_MAX: Final = 256


@dataclass(slots=True)
class _Read:
    task: "asyncio.Task[Any]"
    #: Until when its answer is given to others; None while it is on its way.
    until: float | None = None


class SharedReads:
    """Reads that are asked for by several at once are read once.

    A failure is told to all who waited for it, and to nobody after them.
    """

    def __init__(self) -> None:
        self._reads: dict[Hashable, _Read] = {}

    async def get(
        self,
        key: Hashable,
        read: Callable[[], Awaitable[Result]],
        kept_seconds: Callable[[Result], float],
    ) -> Result:
        """Give the answer that is on its way or still kept, or read it.

        `kept_seconds` tells, once it is there, for how long it is given to others as well.
        """
        loop = asyncio.get_running_loop()
        known = self._reads.get(key)
        if known is None or (known.until is not None and known.until <= loop.time()):
            self._forget_old(loop.time())
            known = self._reads[key] = _Read(asyncio.create_task(_run(read)))
            known.task.add_done_callback(lambda task: self._ended(key, task, kept_seconds))
        # Whoever is cancelled does not take the answer from the others.
        result: Result = await asyncio.shield(known.task)
        return result

    def _ended(
        self, key: Hashable, task: "asyncio.Task[Any]", kept_seconds: Callable[[Any], float]
    ) -> None:
        known = self._reads.get(key)
        if known is None or known.task is not task:
            return
        if task.cancelled() or task.exception() is not None:
            del self._reads[key]
            return
        known.until = task.get_loop().time() + kept_seconds(task.result())

    def _forget_old(self, now: float) -> None:
        if len(self._reads) < _KEPT_MAX:
            return
        self._reads = {
            key: read for key, read in self._reads.items() if read.until is None or read.until > now
        }


async def _run(read: Callable[[], Awaitable[Result]]) -> Result:
    return await read()
