"""Small values kept for a while."""

import re

import pytest

from bakehouse.errors import SourceUnreachableError
from bakehouse.jobs.cache import RedisCache
from bakehouse.jobs.job_types import JSON
from tests.jobs.engine_probe import Eventually
from tests.jobs.redis_server import QueueServer


@pytest.mark.parametrize("value", [0, 2**60 + 1, {"mutez": 5, "at": None}, [], "text", False])
async def test_a_value_comes_back_as_it_went_in(queue_server: QueueServer, value: JSON) -> None:
    async with RedisCache(queue_server.address) as cache:
        await cache.set("balance-7", value, ttl_seconds=60)
        assert await cache.get("balance-7") == value
        assert await cache.get("balance-8") is None


async def test_a_server_that_is_gone_is_named(queue_server: QueueServer) -> None:
    address = queue_server.address
    await queue_server.stop()
    async with RedisCache(address) as cache:
        with pytest.raises(SourceUnreachableError, match=re.escape(str(address))):
            await cache.get("balance-7")


async def test_a_value_is_gone_when_its_time_is_over(
    queue_server: QueueServer, eventually: Eventually
) -> None:
    async with RedisCache(queue_server.address) as cache:
        await cache.set("balance-7", 1, ttl_seconds=1)

        async def gone() -> bool:
            return await cache.get("balance-7") is None

        await eventually(gone)
