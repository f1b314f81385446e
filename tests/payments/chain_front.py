"""The simulated node and indexer behind a front that can fail, alter answers, or look on."""

import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.responses import JSONResponse, PlainTextResponse

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

INJECTION = "POST /injection/operation"
SIMULATION = "POST .*/simulate_operation"
FEES = "GET .*/mempool/filter"
SPLIT = "GET /v1/rewards/split/.*"
INDEXER_HEAD = "GET /v1/head"
HEAD_HEADER = "GET .*/blocks/head/header"
ANY = ".*"


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way in: `app` is what would answer it."""

    app: App
    scope: Message
    receive: Receive
    send: Send

    async def hand_on(self) -> None:
        await self.app(self.scope, self.receive, self.send)

    async def answer_kept_back(self) -> tuple[int, bytes]:
        """Have the request answered, and keep the answer from the one who asked."""
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await self.app(self.scope, self.receive, keep)
        return kept[0]["status"], b"".join(message.get("body", b"") for message in kept)


Treatment = Callable[[Call], Awaitable[None]]


@dataclass(slots=True)
class _Rule:
    pattern: re.Pattern[str]
    treatment: Treatment
    times: int | None


@dataclass(slots=True)
class ChainFront:
    """An ASGI application in front of another one: passes on what no rule treats otherwise.

    `requests` keeps the method and path of every request, in the order of their arrival.
    """

    app: App
    requests: list[str] = field(default_factory=list)
    _rules: list[_Rule] = field(default_factory=list)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        request = f"{scope['method']} {scope['path']}"
        self.requests.append(request)
        await self._treatment_of(request)(Call(self.app, scope, receive, send))

    def treat(self, request: str, treatment: Treatment, *, times: int | None = None) -> None:
        """Treat requests that match (`METHOD path`) otherwise, so many times or for ever."""
        self._rules.append(_Rule(re.compile(request), treatment, times))

    def be_good(self) -> None:
        """Pass everything on from now."""
        self._rules.clear()

    def asked(self, request: str) -> int:
        """Count the requests that matched."""
        return sum(bool(re.fullmatch(request, each)) for each in self.requests)

    def _treatment_of(self, request: str) -> Treatment:
        for rule in self._rules:
            if rule.times != 0 and rule.pattern.fullmatch(request):
                if rule.times is not None:
                    rule.times -= 1
                return rule.treatment
        return Call.hand_on


async def lose_reply(call: Call) -> None:
    """Do what was asked, and cut the connection in the middle of the answer."""
    _, body = await call.answer_kept_back()
    length = str(len(body) + 1).encode()
    await call.send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]}
    )
    await call.send({"type": "http.response.body", "body": body[:1], "more_body": True})


async def bad_gateway(call: Call) -> None:
    """Be a proxy that did not reach the node."""
    await PlainTextResponse("bad gateway", 502)(call.scope, call.receive, call.send)


async def bad_gateway_after_all(call: Call) -> None:
    """Be a proxy that reached the node and then lost it."""
    await call.answer_kept_back()
    await bad_gateway(call)


async def hang(call: Call) -> None:
    """Do what was asked, and never answer: until the client hangs up."""
    await call.answer_kept_back()
    while (await call.receive())["type"] != "http.disconnect":
        pass


def then_all_fail(front: "ChainFront") -> Treatment:
    """Answer this request, and none after it."""

    async def treatment(call: Call) -> None:
        await call.hand_on()
        front.treat(ANY, bad_gateway)

    return treatment


def altered(alter: Callable[[Any], Any]) -> Treatment:
    """Answer with another document than the one that was meant."""

    async def treatment(call: Call) -> None:
        status, body = await call.answer_kept_back()
        response = JSONResponse(alter(json.loads(body)), status)
        await response(call.scope, call.receive, call.send)

    return treatment


def updated(**fields: Any) -> Treatment:
    """Answer with an object some of whose fields are others."""
    return altered(lambda document: {**document, **fields})


@asynccontextmanager
async def served(app: App) -> AsyncIterator[str]:
    """Serve an application on this machine while the block runs; gives its URL."""
    # With a protocol of 0, asyncio leaves Nagle's algorithm on: each answer would take 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(
            uvicorn.Config(
                app, log_config=None, access_log=False, lifespan="off", ws="none", interface="asgi3"
            )
        )
        # In parts, because `serve` looks only ten times a second whether it should stop.
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup(sockets=[listener])
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            await server.shutdown(sockets=[listener])
