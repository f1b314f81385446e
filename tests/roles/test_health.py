"""How a process without pages says that it is well, on a port of its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from bakehouse.config import load_config
from bakehouse.errors import SettingError
from bakehouse.roles.foundation import Foundation, Hands, lay_foundation
from bakehouse.roles.health import open_health
from tests.jobs.redis_server import free_port, redis_server


@asynccontextmanager
async def opened(folder: Path, **settings: str) -> AsyncIterator[tuple[Foundation, str]]:
    port = settings.setdefault("BAKEHOUSE_HEALTH_PORT", str(free_port()))
    config = load_config(
        {
            "BAKEHOUSE_DATA_DIR": str(folder),
            "BAKEHOUSE_NODE_URLS": "http://127.0.0.1:1",
            "BAKEHOUSE_INDEXER_URLS": "http://127.0.0.1:1",
            **settings,
        }
    )
    async with AsyncExitStack() as stack:
        foundation = await lay_foundation(stack, config, Hands(with_keys=False), alone=True)
        await open_health(stack, foundation)
        yield foundation, f"http://127.0.0.1:{port}"


async def test_it_tells_each_part_and_which_one_does_not_answer(tmp_path: Path) -> None:
    async with (
        redis_server(tmp_path / "redis") as redis,
        opened(tmp_path, REDIS_URL=redis.url) as (_, url),
        httpx2.AsyncClient() as client,
    ):
        well = await client.get(f"{url}/health/ready")
        closed = await client.get(f"{url}/metrics")
        await redis.kill()
        ill = await client.get(f"{url}/health/ready")
        live = await client.get(f"{url}/health/live")
        await redis.start()
        again = await client.get(f"{url}/health/ready")

    answers = (well, closed, ill, live, again)
    assert [each.status_code for each in answers] == [200, 404, 503, 200, 200]
    assert well.json()["checks"] == {"ledger": "ok", "queue": "ok", "workers": "ok"}
    assert ill.json()["checks"] == {"ledger": "ok", "queue": "failing", "workers": "ok"}


async def test_metrics_are_there_for_anybody_only_if_the_settings_open_them(
    tmp_path: Path,
) -> None:
    async with (
        opened(tmp_path, BAKEHOUSE_METRICS_OPEN="yes") as (_, url),
        httpx2.AsyncClient() as client,
    ):
        told = await client.get(f"{url}/metrics")

    assert told.status_code == 200
    assert 'bakehouse_up{part="ledger"} 1.0' in told.text


async def test_a_port_that_cannot_be_had_is_said_before_any_job_is_run(tmp_path: Path) -> None:
    async with opened(tmp_path / "one") as (foundation, _):
        taken = str(foundation.config.health_port)
        with pytest.raises(SettingError, match="cannot listen"):
            async with opened(tmp_path / "two", BAKEHOUSE_HEALTH_PORT=taken):
                pass
