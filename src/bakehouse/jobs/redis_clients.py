"""Clients of one Redis or Valkey, by its address: made here, closed here. Nothing is asked here.

With Sentinels each connection asks first where the master is, and does so anew when it is lost.
"""

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import BusyLoadingError, ConnectionError, TimeoutError  # noqa: A004 - Redis's

from bakehouse.jobs.redis_address import RedisAddress, SentinelGroup

#: As BullMQ tries its own connections.
_PATIENT = Retry(ExponentialBackoff(cap=20, base=1), 20)


class _ToTheMaster(SentinelManagedConnection):
    """A connection that asks Sentinels each time that it is made.

    One that redis-py makes again in the midst of a command goes to the old master for ever
    (8.1: `send_packed_command` does not ask as `connect` does).
    """

    async def connect_check_health(
        self,
        check_health: bool = True,  # noqa: FBT001, FBT002 - as redis-py calls it
        retry_socket_connect: bool = True,  # noqa: FBT001, FBT002 - same
    ) -> None:
        if not self.is_connected:
            self.host, self.port = await self.connection_pool.get_master_address()
        await super().connect_check_health(check_health, retry_socket_connect)


class _ToTheMasterByTls(_ToTheMaster, SentinelManagedSSLConnection):
    """The same with TLS."""


class RedisClients:
    """Makes clients, and closes what they leave open."""

    def __init__(self, address: RedisAddress) -> None:
        self.address = address
        self._pools: list[SentinelConnectionPool] = []

    def options(self) -> dict[str, Any]:
        """Give the options of a patient client: new ones for each, as connections carry names."""
        return self._options(_PATIENT)

    def patient(self) -> Redis:
        """Make a client that tries again as the Redis client does by itself."""
        return Redis(decode_responses=True, **self.options())

    def impatient(self) -> Redis:
        """Make a client that says at once what is wrong."""
        # Once more at once: a connection that the server has closed meanwhile is no news.
        retry = Retry(NoBackoff(), 1)
        return Redis(decode_responses=True, **self._options(retry), retry=retry)

    async def close(self) -> None:
        """Close the connections that clients gave back; close the clients first."""
        for pool in self._pools:
            await pool.disconnect()
            await pool.sentinel_manager.aclose()
        self._pools.clear()

    def _options(self, retry: Retry) -> dict[str, Any]:
        options = self.address.connection_options()
        if self.address.sentinel is None:
            return options
        sentinel = _sentinel(self.address.sentinel, options)
        tls = options.pop("ssl")
        pool = SentinelConnectionPool(  # type: ignore[no-untyped-call]
            self.address.sentinel.service,
            sentinel,
            decode_responses=True,
            connection_class=_ToTheMasterByTls if tls else _ToTheMaster,
            retry=retry,
            retry_on_error=[BusyLoadingError, ConnectionError, TimeoutError],
            **options,
        )
        self._pools.append(pool)
        return {"connection_pool": pool}


def _sentinel(group: SentinelGroup, options: dict[str, Any]) -> Sentinel:
    # The same network as the server's, with another login, and quickly given up for the next.
    shared = {name: value for name, value in options.items() if name.startswith(("socket_", "ssl"))}
    return Sentinel(  # type: ignore[no-untyped-call]
        list(group.hosts),
        sentinel_kwargs={
            **shared,
            "socket_timeout": options["socket_connect_timeout"],
            "username": group.username,
            "password": group.password,
        },
    )
