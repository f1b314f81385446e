"""What stands between a worker and the world, and may be wrong: its clock, and its network."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx2


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Clock:
    """The clock of those who work here; it may be set ahead."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


class Cable(httpx2.AsyncHTTPTransport):
    """The way to the chain, which may be cut and mended."""

    is_cut = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.is_cut:
            raise httpx2.ConnectError("the cable is cut")
        return await super().handle_async_request(request)
