"""Serving an ASGI app from within this process, beside other work. What is served is not known."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import uvicorn

from bakehouse.errors import SettingError

_POLL_SECONDS = 0.01
#: Seconds that requests under way may take once the server is told to stop.
_GRACE_SECONDS = 2


class EmbeddedServer(uvicorn.Server):
    """uvicorn without its signal handlers: the process around it decides when to stop."""

    def __init__(self, app: Any) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="none",
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


@asynccontextmanager
async def serving(app: Any, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve `app` while the block runs and give its base URL; port 0 takes a free one.

    Raises SettingError when the port cannot be had.
    """
    listening = _listen(host, port)
    server = EmbeddedServer(app)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started:
            if task.done():
                await task
            await asyncio.sleep(_POLL_SECONDS)
        yield f"http://{_shown(host)}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await task
        listening.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        # Bound alone does not keep a second server from the same port.
        listening.listen()
    except OSError as error:
        listening.close()
        raise SettingError(
            f"cannot listen on {host} port {port} ({error.strerror}): "
            "stop what uses it, or choose another port"
        ) from error
    return listening


def _shown(host: str) -> str:
    if host in {"127.0.0.1", "0.0.0.0", "::", "::1"}:  # noqa: S104 - named, not bound
        return "localhost"
    return f"[{host}]" if ":" in host else host
