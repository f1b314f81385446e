"""Leases on payout addresses: who may sign now. The token fences off whoever held it before.

A lease that has run out is merely free to be taken; safety never depends on a clock, only on the
token, which is compared in the very transaction that stores a signature.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import OvertakenError
from bakehouse.ledger.schema import source_leases

#: How many times our own span another process, set up otherwise, may ask for.
_PATIENCE = 4

# Built once, for each step of a payment asks for its lease. The names of what is compared are none
# of columns: those are what an update sets.
_IS_OF: Final = (
    source_leases.c.network == bindparam("of_network"),
    source_leases.c.source == bindparam("of_source"),
)
_OF_SOURCE: Final = select(source_leases).where(*_IS_OF)
_TOKEN: Final = select(source_leases.c.token).where(*_IS_OF)
_ENTER: Final = insert(source_leases)
_TAKE: Final = update(source_leases).where(*_IS_OF)
_RENEW: Final = _TAKE.where(source_leases.c.token == bindparam("held_token"))


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to sign for a payout address until somebody takes a higher token."""

    network: str
    source: str
    holder: str
    token: int


async def acquire(  # noqa: PLR0913 - keyword-only facts of one lease
    tx: AsyncConnection, network: str, source: str, *, holder: str, at: datetime, seconds: int
) -> Lease | None:
    """Take the lease of an address, or give None while somebody else holds it.

    Whoever takes it, even from itself, gets a token higher than all before. A lease that would last
    for longer than anybody takes one was written under a wrong clock, and counts for nothing.
    """
    row = (await tx.execute(_OF_SOURCE, _of(network, source))).one_or_none()
    longest = at + timedelta(seconds=_PATIENCE * seconds)
    if row is not None and row.holder != holder and at < row.expires_at <= longest:
        return None
    lease = Lease(network, source, holder, 1 if row is None else row.token + 1)
    values = {
        "holder": holder,
        "token": lease.token,
        "expires_at": at + timedelta(seconds=seconds),
    }
    if row is None:
        await tx.execute(_ENTER, {"network": network, "source": source, **values})
    else:
        await tx.execute(_TAKE, {**_of(network, source), **values})
    return lease


async def renew(tx: AsyncConnection, lease: Lease, *, at: datetime, seconds: int) -> bool:
    """Hold a lease for longer; False when it is somebody else's by now."""
    held = {**_of(lease.network, lease.source), "held_token": lease.token}
    renewed = await tx.execute(_RENEW, {**held, "expires_at": at + timedelta(seconds=seconds)})
    return bool(renewed.rowcount)


async def release(tx: AsyncConnection, lease: Lease, *, at: datetime) -> None:
    """Let others have the lease at once; does nothing when it is somebody else's by now."""
    await renew(tx, lease, at=at, seconds=0)


async def require_current(tx: AsyncConnection, lease: Lease) -> None:
    """Raise OvertakenError unless nobody has taken the lease since; call it where it matters."""
    token = (await tx.execute(_TOKEN, _of(lease.network, lease.source))).scalar()
    if token != lease.token:
        raise OvertakenError(
            f"another process signs for {lease.source} now (lease {token}, ours was "
            f"{lease.token}): what this one signed is thrown away unsent"
        )


def _of(network: str, source: str) -> dict[str, str]:
    return {"of_network": network, "of_source": source}
