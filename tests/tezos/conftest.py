"""A real HTTP server that answers from a script, for clients that must survive bad servers."""

import asyncio
import json
import socket
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Self

import httpx2
import pytest
import uvicorn

from bakehouse.tezos.transport import JsonSource, SourceLimits

#: Quick enough for tests, patient enough for a loaded machine.
LIMITS = SourceLimits(
    attempts=3,
    attempt_seconds=10,
    total_seconds=20,
    wait_initial_seconds=0.001,
    wait_seconds_max=0.002,
    wait_jitter_seconds=0.001,
    body_bytes_max=8 * 1024 * 1024,
)


@dataclass(frozen=True)
class Reply:
    """What the server answers once; `length` may lie, `hang` answers nothing at all."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    length: int | None = None
    encoding: str | None = None
    hang: bool = False


@dataclass(frozen=True)
class Asked:
    """One request as the server received it."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    headers: dict[str, str]


Script = Callable[[Asked], Any]


@dataclass
class Stub:
    """One host of the scripted server, under a base URL of its own."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    scripts: dict[str, list[Any]] = field(default_factory=dict)

    def on(self, path: str, *replies: Any) -> None:
        """Script a path: each reply is given once, the last one ever after.

        A reply is a Reply, a value to send as JSON, or a function from the request to such a value.
        """
        self.scripts[path] = list(replies)

    def count(self, path: str) -> int:
        """Count the requests for a path."""
        return sum(asked.path == path for asked in self.asked)

    def source(self, client: httpx2.AsyncClient, name: str = "stub", **limits: Any) -> JsonSource:
        """Give this host as a source, with limits that differ from the tests' as named."""
        return JsonSource(self.url, client, name=name, limits=replace(LIMITS, **limits))

    def reply_to(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        script = self.scripts.get(asked.path)
        if script is None:
            return Reply(b"No service found at this URL", 404, "text/plain")
        step = script.pop(0) if len(script) > 1 else script[0]
        answer = step(asked) if callable(step) else step
        return answer if isinstance(answer, Reply) else Reply(json.dumps(answer).encode())

    @staticmethod
    def html(status: int) -> Reply:
        return Reply(b"<html><body>nginx</body></html>", status, "text/html")

    @staticmethod
    def text(status: int, text: str) -> Reply:
        return Reply(text.encode(), status, "text/plain")

    @staticmethod
    def raw(body: bytes, status: int = 200) -> Reply:
        return Reply(body, status)

    @staticmethod
    def no_content() -> Reply:
        return Reply(status=204)

    @staticmethod
    def hang() -> Reply:
        return Reply(hang=True)

    @staticmethod
    def cut(body: bytes) -> Reply:
        """Give an answer whose connection is closed before it is whole."""
        return Reply(body, length=len(body) + 10)

    @staticmethod
    def compressed(body: bytes) -> Reply:
        """Give an answer that claims to be packed with gzip."""
        return Reply(body, encoding="gzip")

    @staticmethod
    def refusal(*error_ids: str, **details: str) -> Reply:
        """Give the errors of an octez node."""
        errors = [{"kind": "temporary", "id": error_id, **details} for error_id in error_ids]
        return Reply(json.dumps(errors).encode(), 500)


class _Server:
    def __init__(self) -> None:
        self._stubs: dict[str, Stub] = {}
        self._numbers = count(1)
        # Only with its protocol named does asyncio spare the connections Nagle's 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()
        config = uvicorn.Config(self, log_config=None, lifespan="off", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(timeout=10)
        self._socket.close()

    def stub(self) -> Stub:
        name = f"/host-{next(self._numbers)}"
        port = self._socket.getsockname()[1]
        self._stubs[name] = Stub(f"http://127.0.0.1:{port}{name}")
        return self._stubs[name]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = await receive()
        body = request.get("body", b"")
        while request.get("more_body"):
            request = await receive()
            body += request.get("body", b"")
        _, host, path = scope["path"].split("/", 2)
        asked = Asked(
            method=scope["method"],
            path=f"/{path}",
            query=dict(httpx2.QueryParams(scope["query_string"].decode())),
            body=body,
            headers={name.decode(): value.decode() for name, value in scope["headers"]},
        )
        reply = self._stubs[f"/{host}"].reply_to(asked)
        while reply.hang:
            if (await receive())["type"] == "http.disconnect":
                return
        length = len(reply.body) if reply.length is None else reply.length
        headers = [(b"content-type", reply.content_type.encode())]
        if reply.status != 204:
            headers.append((b"content-length", str(length).encode()))
        if reply.encoding:
            headers.append((b"content-encoding", reply.encoding.encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})


@pytest.fixture(scope="session")
def scripted_server() -> Iterator[_Server]:
    with _Server() as server:
        yield server


@pytest.fixture(scope="session")
def limits() -> SourceLimits:
    """What sources may cost in tests: waits of a few milliseconds."""
    return LIMITS


@pytest.fixture
def stub(scripted_server: _Server) -> Stub:
    """One scripted host."""
    return scripted_server.stub()


@pytest.fixture
def other_stub(scripted_server: _Server) -> Stub:
    """Another scripted host, for tests of several sources."""
    return scripted_server.stub()


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    """An HTTP client that ignores the proxies of the machine it runs on."""
    # Nothing here speaks TLS, and loading certificates would take most of a test's time.
    no_certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with httpx2.AsyncClient(trust_env=False, verify=no_certificates) as client:
        yield client


@pytest.fixture
async def resetting_url() -> AsyncIterator[str]:
    """URL of a server that resets every connection as soon as it has been spoken to."""

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        connection = writer.get_extra_info("socket")
        # Lingering for 0 seconds makes closing a reset.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
