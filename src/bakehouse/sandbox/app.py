"""A simulated server over HTTP, as an ASGI application."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Final, Protocol

from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.head_feed import HeadFeed
from bakehouse.sandbox.routing import Question, Reply
from bakehouse.sandbox.service import honest_service

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

#: The one path whose answer does not end: new heads as they come.
HEADS_PATH: Final = re.compile(r"/monitor/heads/(main|Net[1-9A-Za-z]{12})", re.ASCII)


class Answering(Protocol):
    """Whatever answers questions."""

    def answer(self, question: Question) -> Reply:
        """Answer any question."""


def sandbox_app(chain: Chain, feed: HeadFeed) -> App:
    """Serve a chain as a node and, below /v1, as an indexer."""
    return app_of(honest_service(chain), lambda: chain, feed)


def app_of(service: Answering, view: Callable[[], Chain], feed: HeadFeed) -> App:
    """Serve what a service answers, and new heads of a node's `view` as `feed` tells of them."""

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        question = await read_question(scope, receive)
        name = HEADS_PATH.fullmatch(question.path)
        if question.method == "GET" and name and name[1] in {"main", view().chain_id}:
            await _stream(feed.heads(view), send)
        else:
            await send_reply(service.answer(question), send)

    return app


async def read_question(scope: Message, receive: Receive) -> Question:
    """Read a request; one that asks for the head of an answer gets all of it."""
    body, more = b"", scope["method"] == "POST"
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    return Question(method, scope["path"], scope["query_string"].decode("ascii"), body)


async def send_reply(reply: Reply, send: Send) -> None:
    """Send a response."""
    headers = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
    if reply.media_type is not None:
        headers.append((b"content-type", reply.media_type.encode()))
    headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def _stream(lines: AsyncIterator[str], send: Send) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    async for line in lines:
        await send({"type": "http.response.body", "body": line.encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b""})
