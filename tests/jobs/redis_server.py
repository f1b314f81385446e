"""A Redis of our own, from the system's package: by itself, with TLS, or watched by a Sentinel."""

import asyncio
import shutil
import signal
import socket
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from bakehouse.jobs.redis_address import RedisAddress

_START_SECONDS = 20
_LOOK_SECONDS = 0.02
_PORT_MAX = 65_535
_BUSY = b"-LOADING"


class QueueServer(Protocol):
    """What queues are on: an embedded Valkey, or a Redis."""

    @property
    def address(self) -> RedisAddress:
        """Where to connect."""

    async def start(self) -> object:
        """Run it, with all that it had written."""

    async def stop(self) -> None:
        """End it in an orderly way."""


class RedisServer:
    """A server in a folder on a port of its own, whose writes are on disk at once."""

    def __init__(self, folder: Path, port: int, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.port = port
        self._settings = settings
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def address(self) -> RedisAddress:
        return RedisAddress("127.0.0.1", self.port)

    async def start(self) -> None:
        """Run the server, with all that it had written."""
        words = [word for name, value in self._settings.items() for word in (f"--{name}", value)]
        self._process = await asyncio.create_subprocess_exec(
            *(_program(), "--port", str(self.port), "--dir", str(self.folder)),
            *("--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"),
            *("--appendfsync", "always", *words),
            stdin=DEVNULL,
            stdout=DEVNULL,
        )
        await answering(self._process, self.port)

    async def stop(self) -> None:
        """End it in an orderly way."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()


@asynccontextmanager
async def redis_server(folder: Path, **settings: str) -> AsyncIterator[RedisServer]:
    """Run a server while the block runs."""
    _make(folder)
    server = RedisServer(folder, free_port(), settings)
    try:
        await server.start()
        yield server
    finally:
        await server.kill()


@asynccontextmanager
async def sentinel(folder: Path, *, name: str, master_port: int) -> AsyncIterator[int]:
    """Run a Sentinel that watches a master, and decides alone; gives its port."""
    _make(folder)
    port = free_port()
    settings = folder / "sentinel.conf"
    settings.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {folder}\n"
        f"sentinel monitor {name} 127.0.0.1 {master_port} 1\n"
        f"sentinel down-after-milliseconds {name} 500\n"
        f"sentinel failover-timeout {name} 2000\n"
    )
    process = await asyncio.create_subprocess_exec(
        _program(), str(settings), "--sentinel", stdin=DEVNULL, stdout=DEVNULL
    )
    try:
        await answering(process, port)
        yield port
    finally:
        process.kill()
        await process.wait()


async def answering(process: Process, port: int) -> None:
    """Wait until a server takes connections and has read its data."""
    async with asyncio.timeout(_START_SECONDS):
        while True:
            assert process.returncode is None, "redis-server did not start"
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            try:
                writer.write(b"PING\r\n")
                # One with a password answers too, that it wants it.
                answer = await asyncio.wait_for(reader.read(64), _START_SECONDS)
                if answer and not answer.startswith(_BUSY):
                    return
            finally:
                writer.close()
            await asyncio.sleep(_LOOK_SECONDS)


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)


def free_port() -> int:
    """Give a port that nobody has; a server of a cluster takes another, 10,000 above it."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port <= _PORT_MAX - 10_000:
            return port


def _program() -> str:
    found = shutil.which("redis-server")
    if found is None:
        pytest.fail(
            "there is no Redis to test the queues on: "
            "run requirements/system-packages as root, or install redis-server"
        )
    return found
