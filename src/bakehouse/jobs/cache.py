"""Small JSON values kept in Redis for a while, such as a baker's last known balance."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Self

from redis.exceptions import RedisError

from bakehouse.errors import QueueUnreachableError
from bakehouse.jobs.job_types import JSON
from bakehouse.jobs.redis_address import RedisAddress
from bakehouse.jobs.redis_clients import RedisClients

KEY_PREFIX: Final = "bakehouse:cache:"


class RedisCache:
    """Values that may vanish at any time and are never the truth about money.

    Reading and writing raise QueueUnreachableError when the server does not answer.
    """

    def __init__(self, address: RedisAddress) -> None:
        self._address = address
        self._clients = RedisClients(address)
        self._redis = self._clients.patient()

    async def get(self, key: str) -> JSON:
        """Return the value under `key`, or None when there is none or its time has run out."""
        with self._answering():
            text = await self._redis.get(KEY_PREFIX + key)
        if text is None:
            return None
        value: JSON = json.loads(text)
        return value

    async def get_many(self, keys: Sequence[str]) -> list[JSON]:
        """Return the value under each key, or None, in their order; in one exchange."""
        if not keys:
            return []
        with self._answering():
            texts = await self._redis.mget([KEY_PREFIX + key for key in keys])
        return [None if text is None else json.loads(text) for text in texts]

    async def set(self, key: str, value: JSON, ttl_seconds: int) -> None:
        """Keep `value` under `key` for `ttl_seconds`."""
        await self.set_many({key: value}, ttl_seconds)

    async def set_many(self, values: Mapping[str, JSON], ttl_seconds: int) -> None:
        """Keep each value under its key for `ttl_seconds`; in one exchange."""
        exchange = self._redis.pipeline(transaction=False)
        for key, value in values.items():
            exchange.set(KEY_PREFIX + key, json.dumps(value, allow_nan=False), ex=ttl_seconds)
        with self._answering():
            await exchange.execute()

    async def close(self) -> None:
        """Disconnect."""
        await self._redis.aclose()
        await self._clients.close()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, OSError) as error:
            raise QueueUnreachableError(f"Redis at {self._address}: {error}.") from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
