"""Being the only one who signs for a wallet: a lock within the process, a lease beyond it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger import leases
from bakehouse.ledger.leases import Lease
from bakehouse.payments.payer import Payer

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def sole_sender(payer: Payer, network: str, source: str) -> AsyncIterator[Lease | None]:
    """Hold the lease of an address while the block runs, or give None while another process does.

    Should the lease be lost meanwhile (this machine slept, say), its token is no longer the
    highest, and nothing that was signed under it can be stored.
    """
    async with payer.locks.of(source):
        async with payer.ledger.write() as tx:
            lease = await leases.acquire(
                tx,
                network,
                source,
                holder=payer.holder,
                at=payer.clock(),
                seconds=payer.limits.lease_seconds,
            )
        if lease is None:
            yield None
            return
        failpoint(Failpoint.CLAIM)
        renewing = asyncio.create_task(_renew_until_cancelled(payer, lease))
        try:
            yield lease
        finally:
            renewing.cancel()
            # Not awaited as such: that would take our own cancellation for that of the task.
            await asyncio.wait({renewing})
            if not renewing.cancelled():
                renewing.result()
            async with payer.ledger.write() as tx:
                await leases.release(tx, lease, at=payer.clock())


async def _renew_until_cancelled(payer: Payer, lease: Lease) -> None:
    while True:
        await asyncio.sleep(payer.limits.lease_seconds / 3)
        failpoint(Failpoint.LEASE_RENEW)
        async with payer.ledger.write() as tx:
            seconds = payer.limits.lease_seconds
            if not await leases.renew(tx, lease, at=payer.clock(), seconds=seconds):
                _log.warning("lease-lost", source=lease.source, token=lease.token)
                return
