"""A real Valkey and a real engine for every test that asks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.valkey import EmbeddedValkey

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path / "valkey")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def engine(valkey: EmbeddedValkey) -> AsyncIterator[JobEngine]:
    connected = JobEngine(valkey.address)
    await connected.connect()
    yield connected
    await connected.close(grace_seconds=0)


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a condition holds, at most 30 s."""

    async def wait(condition: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(30):
            while not await condition():  # noqa: ASYNC110 - what is awaited is in Redis
                await asyncio.sleep(0.02)

    return wait
