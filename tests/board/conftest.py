"""The queue board as it is served, with real jobs of every kind in a real Valkey."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
import pytest_asyncio

from bakehouse.jobs.job_types import (
    JOB_OF,
    JSON,
    AddedJob,
    JobOptions,
    JobRequest,
    JobState,
    QueueName,
    RunningJob,
)
from bakehouse.ledger import api_tokens
from bakehouse.ledger.roles import Grant, Role
from tests.web.conftest import BAKER, NOW, House, migrated_file, new_client, serve_house

__all__ = ["migrated_file"]

API: Final = "/admin/queues/api"
PAYING: Final = QueueName.REWARD_DISTRIBUTION
MONITORING: Final = QueueName.CYCLE_MONITORING
REASON: Final = "the node said no"


@dataclass(frozen=True)
class Board:
    """A served board, and what its page does with it."""

    house: House

    async def get(self, path: str, **query: str | int) -> Any:
        answer = await self.house.client.get(API + path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def send(self, method: str, path: str, body: JSON = None) -> httpx2.Response:
        return await self.house.client.request(method, API + path, json=body)

    async def put(self, path: str, body: JSON = None) -> Any:
        answer = await self.send("PUT", path, body)
        assert answer.status_code in {200, 204}, answer.text
        return answer.json() if answer.content else None

    async def queue(self, name: QueueName, **query: str | int) -> Any:
        """One queue as the overview or (given a status) its own page asks for it."""
        listed = (await self.get("/queues", activeQueue=name, **query))["queues"]
        return next(queue for queue in listed if queue["name"] == name)

    async def add(self, queue: QueueName, delay_seconds: int = 0, **options: int) -> AddedJob:
        data: dict[str, JSON] = {"baker_id": BAKER}
        request = JobRequest(queue, JOB_OF[queue], data, JobOptions(**options), delay_seconds)
        return await self.house.workshop.engine.add(request)

    async def fail(self, count: int = 1, attempts: int = 1) -> list[AddedJob]:
        """Jobs that a worker has run and that have failed for good, with what they left."""
        added = [await self.add(PAYING, attempts=attempts) for _ in range(count)]
        for job in added:
            await self.reaches(PAYING, job, JobState.FAILED)
        return added

    async def reaches(self, queue: QueueName, job: AddedJob, state: JobState) -> None:
        engine = self.house.workshop.engine

        async def there() -> bool:
            return (await engine.job(queue, job.id)).state is state

        await eventually(there)

    async def token(self, role: Role, bakers: frozenset[str] | None = None) -> httpx2.AsyncClient:
        """A client with the token of a program that has a role."""
        async with self.house.workshop.payer.ledger.write() as tx:
            name = f"{role}-{len(bakers or ())}"
            token = await api_tokens.add(tx, name, Grant(role, bakers), actor="test", at=NOW)
        return new_client(self.house.url, {"Authorization": f"Bearer {token}"})


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds, at most 30 s."""
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110 - what is awaited is in Redis
            await asyncio.sleep(0.02)


async def fails(job: RunningJob) -> JSON:
    await job.log("asks the node")
    await job.log("has its answer")
    await job.report_progress({"paid": 150, "total": 612})
    raise RuntimeError(REASON)


async def succeeds(job: RunningJob) -> JSON:
    await job.report_progress(40)
    return {"state": "paid"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house_of_module(
    tmp_path_factory: pytest.TempPathFactory, migrated_file: Path
) -> AsyncIterator[House]:
    """Workers that pay nobody: those of delegators fail, those of the bond pool succeed."""
    folder = tmp_path_factory.mktemp("board")
    async with serve_house(folder, migrated_file, pages_are_open=True) as house:
        await house.register()
        engine = house.workshop.engine
        engine.run_worker(PAYING, fails)
        engine.run_worker(QueueName.BOND_POOL, succeeds)
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def board(house_of_module: House) -> Board:
    """The board with no jobs, no schedules, no limits and nothing paused."""
    bull = house_of_module.workshop.engine.bull_queue(PAYING).client
    await bull.flushall()
    return Board(house_of_module)
