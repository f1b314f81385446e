"""The parts that are watched: a real queue for jobs, and a whole house that was at work."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.valkey import EmbeddedValkey
from tests.observability.scraped import scraped


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[JobEngine]:
    server = EmbeddedValkey(tmp_path / "valkey")
    await server.start()
    connected = JobEngine(server.address)
    await connected.connect()
    yield connected
    await connected.close(grace_seconds=0)
    await server.stop()


@pytest.fixture(scope="session")
def scraped_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What `/metrics` answers once everything has happened in a house."""
    return scraped(tmp_path_factory.mktemp("scraped"))
