"""The sources in process: what a client of a broken network sees, without sockets or waiting."""

from collections.abc import Mapping
from typing import Final

import httpx2

from bakehouse.sandbox.hostile.network import Manner, Strike
from bakehouse.sandbox.hostile.source import Source
from bakehouse.sandbox.routing import Question

#: What each broken connection is to a client, with the words that clients use.
_ERRORS: Final[Mapping[Manner, tuple[type[httpx2.TransportError], str]]] = {
    Manner.CUT: (
        httpx2.RemoteProtocolError,
        "peer closed connection without sending complete message body (received 1 bytes)",
    ),
    Manner.RESET: (httpx2.ReadError, "[Errno 104] Connection reset by peer"),
    Manner.REFUSED: (httpx2.ConnectError, "All connection attempts failed"),
    Manner.SILENCE: (httpx2.ReadTimeout, "The read operation timed out"),
}


class HostileTransport(httpx2.AsyncBaseTransport):
    """Hands requests to sources by the host of their URL."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request, or fail as the network does."""
        url = request.url
        source = self._sources.get(url.host)
        if source is None:
            raise httpx2.ConnectError(f"there is no host {url.host}", request=request)
        body = await request.aread() if request.method == "POST" else b""
        question = Question(request.method, url.path, url.query.decode("ascii"), body)
        reply = source.ask(question)
        if isinstance(reply, Strike):
            if reply.manner is not Manner.HTML:
                error, words = _ERRORS[reply.manner]
                raise error(words, request=request)
            reply = reply.page
        headers = dict(reply.headers)
        if reply.media_type is not None:
            headers["content-type"] = reply.media_type
        return httpx2.Response(reply.status, headers=headers, content=reply.body)
