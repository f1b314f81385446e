"""A service that takes messages over HTTP, as a person's own webhook would; it may be down."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bakehouse.asgi_server import serving

#: What is in its URL and must be seen nowhere else.
PASSWORD = "hunter2hunter2"
TOKEN = "very-secret-path-of-the-hook"


@dataclass
class Webhook:
    """What it was sent; `status` is its answer."""

    port: int
    status: int = 200
    received: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"json://ann:{PASSWORD}@127.0.0.1:{self.port}/{TOKEN}"

    @property
    def titles(self) -> list[str]:
        return [str(message["title"]) for message in self.received]

    async def take(self, request: Request) -> Response:
        if self.status == 200:
            self.received.append(await request.json())
        return Response(status_code=self.status)

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """It can be reached while the block runs."""
        app = Starlette(routes=[Route("/{path:path}", self.take, methods=["POST"])])
        async with serving(app, port=self.port):
            yield


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
