"""How fast a host may be asked by this process, and when it wants to be left alone. No requests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Final

from httpx2 import URL

#: Requests to one host that are on their way at a time; TzKT refuses about twenty.
AT_ONCE_MAX: Final = 10

#: Seconds' worth of requests that may come together after a silence.
_BURST_SECONDS: Final = 1.0

#: No host is left alone for longer on its word alone.
REST_SECONDS_MAX: Final = 120.0


class TooLongError(Exception):
    """A turn would come only after more than the patience there is; `seconds` tells when."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"{seconds:.0f} s")


class Pace:
    """Turns at asking one host, in the order in which they were asked for.

    `requests_per_second` None sets no limit, but for the rest that a host asks for.
    """

    def __init__(
        self, requests_per_second: int | None = None, at_once_max: int | None = None
    ) -> None:
        self._interval = 0.0 if requests_per_second is None else 1 / requests_per_second
        self._at_once = None if at_once_max is None else asyncio.Semaphore(at_once_max)
        #: When the next request would come if all came evenly (seconds of the event loop).
        self._due_at = 0.0
        self._resting_until = 0.0

    @asynccontextmanager
    async def turn(self, patience_seconds: float) -> AsyncIterator[None]:
        """Wait for a turn, and hold it while the block runs.

        Raises TooLongError at once when it would come after `patience_seconds`.
        """
        if self._at_once is None:
            await self._wait(patience_seconds)
            yield
            return
        async with self._at_once:
            await self._wait(patience_seconds)
            yield

    def rest(self, seconds: float) -> None:
        """Let nobody ask for so long, because the host said so."""
        until = asyncio.get_running_loop().time() + min(seconds, REST_SECONDS_MAX)
        self._resting_until = max(self._resting_until, until)

    async def _wait(self, patience_seconds: float) -> None:
        now = asyncio.get_running_loop().time()
        due_at = max(self._due_at, now)
        wait = max(due_at - _BURST_SECONDS, self._resting_until) - now
        if wait > patience_seconds:
            raise TooLongError(wait)
        self._due_at = due_at + self._interval
        if wait > 0:
            await asyncio.sleep(wait)


class Paces:
    """The pace of each host, the same for all sources there."""

    def __init__(self, requests_per_second: int) -> None:
        self._requests_per_second = requests_per_second
        self._by_host: dict[str, Pace] = {}

    def of(self, url: str) -> Pace:
        """Give the pace of a URL's host; one on this machine has no limit."""
        host = URL(url).host if "://" in url else url
        if host not in self._by_host:
            is_limited = self._requests_per_second > 0 and not _is_this_machine(host)
            self._by_host[host] = (
                Pace(self._requests_per_second, AT_ONCE_MAX) if is_limited else Pace()
            )
        return self._by_host[host]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def rest_wanted(headers: Mapping[str, str], now: Callable[[], datetime] = _utc_now) -> float:
    """Read for how many seconds a busy host wants to be left alone: Retry-After (RFC 9110).

    What cannot be read is no wish.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:6])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - now()).total_seconds())


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
