"""A Valkey on a port, as careful with what it is told as the one that `bakehouse run` starts."""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bakehouse.jobs import valkey_launcher
from bakehouse.jobs.redis_address import RedisAddress
from bakehouse.jobs.valkey import _server_binary

HOST: Final = "127.0.0.1"
_LOOK_SECONDS: Final = 0.01


@dataclass(frozen=True, slots=True)
class QueueServer:
    """A running server."""

    process: Process
    port: int

    @property
    def address(self) -> RedisAddress:
        """Where to connect."""
        return RedisAddress(HOST, self.port)


def free_port() -> int:
    """Give a port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def queue_server(folder: Path) -> AsyncIterator[QueueServer]:
    """Run a server until the block ends; every write is on disk before it is answered."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", valkey_launcher.__file__),
        *(str(os.getpid()), str(folder / "valkey.pid"), str(_server_binary())),
        *("--port", str(port), "--bind", HOST, "--dir", str(folder), "--save", ""),
        *("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"),
        stdout=DEVNULL,
    )
    try:
        await _until_it_answers(port)
        yield QueueServer(process, port)
    finally:
        process.kill()
        await process.wait()


async def _until_it_answers(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(_LOOK_SECONDS)
        else:
            writer.close()
            return
