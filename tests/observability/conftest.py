"""The parts that are watched: a real queue for jobs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.valkey import EmbeddedValkey


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[JobEngine]:
    server = EmbeddedValkey(tmp_path / "valkey")
    await server.start()
    connected = JobEngine(server.address)
    await connected.connect()
    yield connected
    await connected.close(grace_seconds=0)
    await server.stop()
