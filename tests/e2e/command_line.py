"""A Bakehouse as its user has it: the command in a process of its own, a chain beside it."""

import asyncio
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bakehouse.sandbox.server import SandboxServer
from bakehouse.tezos.key_file import encrypt_secret_key

API_TOKEN = "a-token-for-tests"
_DEADLINE_SECONDS = 100
#: Whoever is asked has work to do as well.
_LOOK_SECONDS = 0.25


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.out)
        return document


@dataclass(frozen=True)
class Commands:
    """Runs the command line with a data directory and settings of its own."""

    data_dir: Path
    environment: dict[str, str] = field(default_factory=dict)

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("BAKEHOUSE_")
        }
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bakehouse",
            *arguments,
            env={**inherited, "BAKEHOUSE_DATA_DIR": str(self.data_dir), **self.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *arguments: str) -> Finished:
        process = await self.start(*arguments)
        out, err = await asyncio.wait_for(process.communicate(), _DEADLINE_SECONDS)
        return Finished(process.returncode or 0, out.decode(), err.decode())


@dataclass(frozen=True)
class Service:
    """A running `bakehouse run`."""

    process: asyncio.subprocess.Process
    url: str
    client: httpx2.AsyncClient

    async def trigger_cycle_check(self, baker_id: str) -> httpx2.Response:
        return await self.client.post("/api/jobs/trigger/cycle-check", json={"baker_id": baker_id})

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()


async def eventually(
    condition: Callable[[], Awaitable[bool]], what: str, seconds: float = _DEADLINE_SECONDS
) -> None:
    """Wait until a condition holds; fails saying what never came."""
    try:
        async with asyncio.timeout(seconds):
            while not await condition():  # noqa: ASYNC110 - it happens in another process
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        pytest.fail(f"waited {seconds} s in vain: {what}")


def commands_for(chain: SandboxServer, folder: Path) -> Commands:
    """Settings and an encrypted key with which a Bakehouse can pay on this chain."""
    passphrase = secrets.token_hex()
    _write_private(folder / "passphrase", passphrase)
    _write_private(folder / "payout.key", encrypt_secret_key(chain.payout_secret_key, passphrase))
    return Commands(
        folder / "data",
        {
            "BAKEHOUSE_NETWORK": chain.chain_id,
            "BAKEHOUSE_NODE_URLS": chain.node_url,
            "BAKEHOUSE_INDEXER_URLS": chain.indexer_url,
            "BAKEHOUSE_KEY_FILES": str(folder / "payout.key"),
            "BAKEHOUSE_KEY_PASSPHRASE_FILE": str(folder / "passphrase"),
            "BAKEHOUSE_API_TOKEN": API_TOKEN,
            "BAKEHOUSE_PORT": str(_free_port()),
        },
    )


@asynccontextmanager
async def service(commands: Commands) -> AsyncIterator[Service]:
    """Run `bakehouse run` until the block ends, then stop it as systemd would."""
    process = await commands.start("run")
    url = f"http://127.0.0.1:{commands.environment['BAKEHOUSE_PORT']}"
    headers = {"Authorization": f"Bearer {API_TOKEN}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers) as client:
        running = Service(process, url, client)

        async def answers() -> bool:
            if process.returncode is not None:
                _, err = await process.communicate()
                pytest.fail(f"bakehouse run ended: {err.decode()}")
            try:
                return (await client.get("/health")).is_success
            except httpx2.TransportError:
                return False

        await eventually(answers, "the service answers /health")
        try:
            yield running
        finally:
            if process.returncode is None:
                process.terminate()
            await asyncio.wait_for(process.communicate(), _DEADLINE_SECONDS)


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
