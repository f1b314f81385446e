"""Server-sent events: names of what changed, so that pages ask again for what they show."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from bakehouse.ledger.roles import Role
from bakehouse.web.change_feed import ChangeFeed
from bakehouse.web.permission import needs

router: Final = APIRouter(include_in_schema=False, dependencies=[needs(Role.VIEWER)])

#: Proxies end a connection on which nothing was sent for a while.
_KEEP_ALIVE_SECONDS: Final = 15
_RECONNECT_MILLISECONDS: Final = 3_000


@router.get("/events")
async def events(request: Request) -> StreamingResponse:
    """Send a name whenever something of that name changed: ledger, alerts, queues."""
    feed: ChangeFeed = request.app.state.changes
    return StreamingResponse(
        _told(feed), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def _told(feed: ChangeFeed) -> AsyncIterator[str]:
    yield f"retry: {_RECONNECT_MILLISECONDS}\n\n"
    async with feed.listen() as heard:
        while True:
            try:
                name = await asyncio.wait_for(heard.get(), _KEEP_ALIVE_SECONDS)
            except TimeoutError:
                yield ": still here\n\n"
                continue
            if name is None:
                return
            yield f"event: {name}\ndata: {name}\n\n"
