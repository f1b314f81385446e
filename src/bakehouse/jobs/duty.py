"""Work that one process does for all, whichever it is: a lease, and who takes over when it ends.

For work that may be done twice without harm, and need not be: nothing is fenced off here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Final

import structlog

from bakehouse.jobs.forever import is_being_cancelled
from bakehouse.ledger import leases
from bakehouse.ledger.leases import Lease
from bakehouse.payments.payer import Payer

_log = structlog.get_logger(__name__)

#: How long a dead process keeps a duty from others.
LEASE_SECONDS: Final = 15
#: How often it is renewed, and how often those who stand by ask for it.
LOOK_SECONDS: Final = 3.0

#: Leases of duties stand beside those of wallets, under a network that there is not.
_NETWORK: Final = "duty"

Work = Callable[[], Awaitable[None]]


class Duty(StrEnum):
    """What is done by one process at a time."""

    ROUNDS = "rounds"  # schedules and jobs are made good, alerts looked for and posted
    FOLLOWING = "following"  # what was signed is followed, orders by hand are gone on with


async def on_duty(payer: Payer, duty: Duty, works: Sequence[Work]) -> None:
    """Do the works, side by side, whenever the duty is ours, until cancelled."""
    while not is_being_cancelled():
        lease = await _acquire(payer, duty)
        if lease is None:
            await asyncio.sleep(LOOK_SECONDS)
            continue
        _log.info("on-duty", duty=duty.value)
        doing = [asyncio.ensure_future(work()) for work in works]
        try:
            await _while_ours(payer, lease, doing)
        finally:
            for task in doing:
                task.cancel()
            await asyncio.gather(*doing, return_exceptions=True)
            await _release(payer, lease)
            _log.info("off-duty", duty=duty.value)


async def _while_ours(payer: Payer, lease: Lease, doing: Sequence[asyncio.Future[None]]) -> None:
    """Return when the lease is lost, or when one of the works has ended."""
    loop = asyncio.get_running_loop()
    renewed_at = loop.time()
    while loop.time() - renewed_at < LEASE_SECONDS:
        ended, _ = await asyncio.wait(
            doing, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        for task in ended:
            _log.error("duty-ended", duty=lease.source, error=str(task.exception()))
        if ended or is_being_cancelled():
            return
        with suppress(Exception):
            # A ledger that does not answer is told of by whoever works with it.
            async with payer.ledger.write() as tx:
                at = payer.clock()
                if not await leases.renew(tx, lease, at=at, seconds=LEASE_SECONDS):
                    _log.warning("duty-lost", duty=lease.source)
                    return
            renewed_at = loop.time()


async def _acquire(payer: Payer, duty: Duty) -> Lease | None:
    try:
        async with payer.ledger.write() as tx:
            return await leases.acquire(
                tx,
                _NETWORK,
                duty.value,
                holder=payer.holder,
                at=payer.clock(),
                seconds=LEASE_SECONDS,
            )
    except Exception as error:  # noqa: BLE001 - whatever is the matter, it is asked for again
        _log.warning("duty-not-asked-for", duty=duty.value, error=type(error).__name__)
        return None


async def _release(payer: Payer, lease: Lease) -> None:
    # Else others have to wait until it runs out.
    with suppress(Exception):
        async with payer.ledger.write() as tx:
            await leases.release(tx, lease, at=payer.clock())
