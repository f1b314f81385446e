"""Signed groups as they enter the ledger, with their transfers; what becomes of them is beside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger import audit, leases, payouts
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.leases import Lease
from bakehouse.ledger.schema import operations, transfers
from bakehouse.ledger.states import OperationKind, OperationState
from bakehouse.rewards.money import NO_MUTEZ, Mutez

_ENTER: Final = insert(operations).returning(operations.c.id)
_ENTER_TRANSFERS: Final = insert(transfers).returning(transfers.c.position, transfers.c.id)


@dataclass(frozen=True, slots=True)
class NewTransfer:
    """One transfer of a group about to be stored, and the payouts it settles."""

    position: int
    destination: str
    amount: Mutez
    fee: Mutez
    gas_limit: int
    storage_limit: int
    payout_ids: tuple[int, ...]
    #: What payouts bear of its cost, by row: `amount` is what they are owed without it.
    withheld: Mapping[int, Mutez] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewOperation:
    """A signed group about to be stored; nothing of it has left the machine yet."""

    source: str
    hash: str
    signed_bytes: bytes
    protocol: str
    branch: str
    branch_level: int
    last_includable_level: int
    counter_first: int
    content_count: int
    total_fee: Mutez
    gas_limit: int
    #: The newest final block when it was signed: no block up to it can hold the operation.
    born_level: int
    born_block: str
    transfers: tuple[NewTransfer, ...]
    kind: OperationKind = OperationKind.PAYOUT
    #: The operation whose counters a cancellation takes.
    replaces_id: int | None = None


@dataclass(frozen=True, slots=True)
class SignedFor:
    """What a group is signed for: a distribution, or an order outside any cycle."""

    network: str
    baker_id: str
    distribution_id: int | None
    #: How the audit trail calls it.
    name: str


async def store_signed(
    tx: AsyncConnection,
    distribution: Distribution,
    new: NewOperation,
    lease: Lease,
    *,
    at: datetime,
) -> int:
    """Keep a signed group and bind its payouts to it; gives the row's id.

    Committing this is what allows the first byte to leave the machine. Raises OvertakenError when
    somebody else has taken the lease. The database refuses a second group in flight, or a second
    living group with the same counter, for one source.
    """
    key = distribution.key
    signed_for = SignedFor(key.network, key.baker_id, distribution.id, str(key))
    return await store(tx, signed_for, new, lease, at=at)


async def store(
    tx: AsyncConnection, signed_for: SignedFor, new: NewOperation, lease: Lease, *, at: datetime
) -> int:
    """Keep a signed group, whatever it is for; as `store_signed`, which is for payouts."""
    await leases.require_current(tx, lease)
    values = {
        "network": signed_for.network,
        "baker_id": signed_for.baker_id,
        "distribution_id": signed_for.distribution_id,
        "source": new.source,
        "kind": new.kind,
        "replaces_id": new.replaces_id,
        "state": OperationState.SIGNED,
        "hash": new.hash,
        "signed_bytes": new.signed_bytes,
        "protocol": new.protocol,
        "branch": new.branch,
        "branch_level": new.branch_level,
        "last_includable_level": new.last_includable_level,
        "counter_first": new.counter_first,
        "content_count": new.content_count,
        "total_fee": new.total_fee,
        "gas_limit": new.gas_limit,
        "born_level": new.born_level,
        "born_block": new.born_block,
        "lease_token": lease.token,
        "scanned_level": new.born_level,
        "created_at": at,
        "updated_at": at,
    }
    operation_id = int((await tx.execute(_ENTER, values)).scalar_one())
    failpoint(Failpoint.MID_PERSIST)
    await _store_transfers(tx, operation_id, new.transfers)
    detail = {
        "kind": new.kind,
        "distribution": signed_for.name,
        "source": new.source,
        "lease": lease.token,
        "counter": new.counter_first,
        "transfers": len(new.transfers),
        "mutez": sum(transfer.amount for transfer in new.transfers),
        "fee": new.total_fee,
    }
    await audit.record(tx, AuditEvent(at, "bakehouse", "operation.signed", new.hash, detail))
    return operation_id


async def _store_transfers(
    tx: AsyncConnection, operation_id: int, new: Sequence[NewTransfer]
) -> None:
    if not new:
        return
    rows = [
        {
            "operation_id": operation_id,
            "position": transfer.position,
            "destination": transfer.destination,
            "amount": transfer.amount,
            "fee": transfer.fee,
            "gas_limit": transfer.gas_limit,
            "storage_limit": transfer.storage_limit,
        }
        for transfer in new
    ]
    # Hundreds at a time: a statement for each would take longer than a block.
    stored = await tx.execute(_ENTER_TRANSFERS, rows)
    id_by_position = {row.position: row.id for row in stored}
    await payouts.assign(
        tx,
        [
            (
                payout_id,
                id_by_position[transfer.position],
                transfer.withheld.get(payout_id, NO_MUTEZ),
            )
            for transfer in new
            for payout_id in transfer.payout_ids
        ],
    )
