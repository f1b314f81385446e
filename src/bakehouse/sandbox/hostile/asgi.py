"""The sources over real HTTP: connections that are cut, reset, or left hanging."""

import socket
import struct
from typing import Final

from bakehouse.sandbox.app import App, Message, Receive, Send, app_of, read_question, send_reply
from bakehouse.sandbox.head_feed import HeadFeed
from bakehouse.sandbox.hostile.network import Manner, Strike
from bakehouse.sandbox.hostile.source import Source

#: Closing at once, with a reset instead of a farewell.
_LINGER: Final = struct.pack("ii", 1, 0)


def hostile_app(source: Source, feed: HeadFeed) -> App:
    """Serve a source over a network that may fail."""
    honest = app_of(source, lambda: source.chain, feed)

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        question = await read_question(scope, receive)
        if question.path.startswith("/monitor/"):
            await honest(scope, receive, send)
            return
        reply = source.ask(question)
        if isinstance(reply, Strike):
            await _fail(reply, receive, send)
        else:
            await send_reply(reply, send)

    return app


async def _fail(strike: Strike, receive: Receive, send: Send) -> None:
    match strike.manner:
        case Manner.HTML:
            await send_reply(strike.page, send)
        case Manner.SILENCE:
            await _until_hung_up(receive)
        case Manner.CUT:
            await _cut(send)
        case Manner.RESET | Manner.REFUSED:
            if _reset(receive):
                await _until_hung_up(receive)
            else:
                await _cut(send)


async def _cut(send: Send) -> None:
    headers = [(b"content-length", b"2"), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})


def _reset(receive: Receive) -> bool:
    # ASGI has no word for this. uvicorn's `receive` belongs to what holds the connection.
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        return False
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    transport.abort()
    return True


async def _until_hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
