"""A real Valkey and a real engine for every test that asks."""

import asyncio
import inspect
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bakehouse.jobs.cache import RedisCache
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import JobState
from bakehouse.jobs.valkey import EmbeddedValkey
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger.database import Ledger
from tests.fault_scale import FAULT_SCALE
from tests.jobs.engine_probe import QUEUE, Eventually, Reaches, Runs
from tests.jobs.hostile_work import Work
from tests.jobs.lent_valkey import LentValkey
from tests.jobs.redis_server import QueueServer, redis_server
from tests.payments.hostile_baker import hostile_baker
from tests.payments.lives import SHORT_LIVES

#: What a Redis could do otherwise than a Valkey; with FAULT_SCALE=2 every test of a queue runs on
#: both.
ON_REDIS_TOO = {"test_engine", "test_cache"}

VALKEY, REDIS = "valkey", "redis"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, and say so, what takes long and has seldom more to tell."""
    if FAULT_SCALE > 1:
        return
    here = Path(__file__).parent
    out = {
        item
        for item in items
        if item.path.is_relative_to(here)
        and isinstance(item, pytest.Function)
        and hasattr(item, "callspec")
        and item.callspec.params.get("queue_server") == REDIS
        and item.path.stem not in ON_REDIS_TOO
    }
    if out:
        config.hook.pytest_deselected(items=list(out))
        items[:] = [item for item in items if item not in out]


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path / "valkey")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(params=[VALKEY, REDIS])
async def queue_server(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[QueueServer]:
    """Where the queues of a test are: with the embedded Valkey, and again with a Redis.

    A test that asks for the server itself has one of its own, else a Valkey is lent.
    """
    if request.param == REDIS:
        async with redis_server(tmp_path / "redis") as server:
            yield server
        return
    if "queue_server" not in inspect.signature(request.function).parameters:
        lent: LentValkey = request.getfixturevalue("lent_valkey")
        yield lent
        await lent.stop()
        return
    valkey = EmbeddedValkey(tmp_path / "valkey")
    await valkey.start()
    yield valkey
    await valkey.stop()


@pytest.fixture
async def engine(queue_server: QueueServer) -> AsyncIterator[JobEngine]:
    connected = JobEngine(queue_server.address)
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


@pytest.fixture
def reaches(engine: JobEngine, eventually: Eventually) -> Reaches:
    """Wait until a job is in a state."""

    async def wait(job_id: str, state: JobState) -> None:
        async def there() -> bool:
            return (await engine.job(QUEUE, job_id)).state is state

        await eventually(there)

    return wait


@pytest.fixture
async def runs() -> Runs:
    return Runs()


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that is migrated, once for all."""
    path = tmp_path_factory.mktemp("empty") / "ledger.db"

    async def make() -> None:
        await (await Ledger.open(f"sqlite:///{path}")).close()

    asyncio.run(make())
    return path


@pytest.fixture
async def empty_ledger_copy(empty_ledger: Path, tmp_path: Path) -> AsyncIterator[Ledger]:
    """A ledger with nothing in it."""
    shutil.copy(empty_ledger, tmp_path / "copy.db")
    opened = await Ledger.open(f"sqlite:///{tmp_path / 'copy.db'}")
    yield opened
    await opened.close()


@pytest.fixture
async def work(engine: JobEngine, tmp_path: Path, empty_ledger: Path) -> AsyncIterator[Work]:
    """Distributions on a hostile chain with one node."""
    database = tmp_path / "hostile.db"
    shutil.copy(empty_ledger, database)
    async with (
        hostile_baker(database, limits=SHORT_LIVES, node_count=1) as baker,
        RedisCache(engine.address) as cache,
    ):
        yield Work(baker, Workshop(baker.payer, engine, cache, 1))
