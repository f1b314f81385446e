"""Operations: every group ever signed, and what was heard of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger import audit, leases, payouts
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.leases import Lease
from bakehouse.ledger.schema import attempts, operations, transfers
from bakehouse.ledger.statement_parts import in_parts
from bakehouse.ledger.states import IN_FLIGHT, Death, OperationKind, OperationState
from bakehouse.ledger.transition import move, state_of
from bakehouse.rewards.money import NO_MUTEZ, Mutez

#: Not yet final, and not yet proven dead: the chain must be watched for these.
UNFINISHED = frozenset({*IN_FLIGHT, OperationState.INCLUDED})


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


@dataclass(frozen=True, slots=True)
class Operation:
    """A signed group as the ledger has it; `total_fee` in mutez."""

    id: int
    network: str
    baker_id: str
    #: None for what was ordered outside any cycle, and what cancels that.
    distribution_id: int | None
    source: str
    kind: OperationKind
    replaces_id: int | None
    state: OperationState
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
    born_level: int
    born_block: str
    lease_token: int
    scanned_level: int
    included_level: int | None
    included_block: str | None
    applied: bool | None
    death: Death | None
    evidence: str | None
    cancel_requested_at: datetime | None
    created_at: datetime

    @property
    def counter_last(self) -> int:
        """The counter of its last content."""
        return self.counter_first + self.content_count - 1


_NAMES: Final = tuple(each.name for each in fields(Operation))
_COLUMNS: Final = tuple(operations.c[name] for name in _NAMES)


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
    row = insert(operations).values(
        network=signed_for.network,
        baker_id=signed_for.baker_id,
        distribution_id=signed_for.distribution_id,
        source=new.source,
        kind=new.kind,
        replaces_id=new.replaces_id,
        state=OperationState.SIGNED,
        hash=new.hash,
        signed_bytes=new.signed_bytes,
        protocol=new.protocol,
        branch=new.branch,
        branch_level=new.branch_level,
        last_includable_level=new.last_includable_level,
        counter_first=new.counter_first,
        content_count=new.content_count,
        total_fee=new.total_fee,
        gas_limit=new.gas_limit,
        born_level=new.born_level,
        born_block=new.born_block,
        lease_token=lease.token,
        scanned_level=new.born_level,
        created_at=at,
        updated_at=at,
    )
    operation_id = int((await tx.execute(row.returning(operations.c.id))).scalar_one())
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
    stored = await tx.execute(
        insert(transfers).returning(transfers.c.position, transfers.c.id), rows
    )
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


async def enter_state(
    tx: AsyncConnection,
    operation: Operation,
    to: OperationState,
    *,
    at: datetime,
    actor: str = "bakehouse",
    **values: Any,
) -> None:
    """Move an operation; raises IllegalTransitionError."""
    left = await state_of(tx, operations, operation.id)
    await move(tx, operations, [operation.id], to, updated_at=at, **values)
    detail = {"from": left, **values}
    event = AuditEvent(at, actor, f"operation.{to}", operation.hash, detail)
    await audit.record(tx, event)


async def request_cancel(tx: AsyncConnection, operation: Operation, *, at: datetime) -> None:
    """Note that a person wants the operation's counters used up by a transfer to itself."""
    await tx.execute(
        update(operations)
        .where(operations.c.id == operation.id)
        .values(cancel_requested_at=at, updated_at=at)
    )


async def mark_scanned(tx: AsyncConnection, operation: Operation, level: int) -> None:
    """Remember that every block up to `level` was read and does not hold the operation."""
    await tx.execute(
        update(operations).where(operations.c.id == operation.id).values(scanned_level=level)
    )


async def record_attempt(
    tx: AsyncConnection, operation: Operation, *, at: datetime, node: str, answer: str
) -> None:
    """Keep what a node said to an injection: evidence, never proof."""
    await tx.execute(
        insert(attempts).values(operation_id=operation.id, at=at, node=node, answer=answer)
    )


async def in_states(
    tx: AsyncConnection, network: str, source: str, states: Collection[OperationState]
) -> list[Operation]:
    """Give a source's operations in these states, in counter order."""
    query = select(*_COLUMNS).where(
        operations.c.network == network,
        operations.c.source == source,
        operations.c.state.in_(states),
    )
    return await _fetch(tx, query.order_by(operations.c.counter_first, operations.c.id))


async def unfinished_sources(tx: AsyncConnection, baker_id: str) -> list[str]:
    """Give the addresses from which something signed for a baker is not decided yet."""
    query = select(operations.c.source).where(
        operations.c.baker_id == baker_id, operations.c.state.in_(UNFINISHED)
    )
    return list((await tx.execute(query.distinct().order_by(operations.c.source))).scalars())


async def bakers_with_unfinished(tx: AsyncConnection) -> list[str]:
    """Give the bakers for whom something signed is not decided yet."""
    query = select(operations.c.baker_id).where(operations.c.state.in_(UNFINISHED)).distinct()
    return list((await tx.execute(query)).scalars())


async def find(tx: AsyncConnection, operation_hash: str) -> Operation | None:
    """Give the operation of a hash, or None."""
    found = await _fetch(tx, select(*_COLUMNS).where(operations.c.hash == operation_hash))
    return found[0] if found else None


async def by_ids(tx: AsyncConnection, ids: Collection[int]) -> list[Operation]:
    """Give the operations of these rows, in any order."""
    return [
        operation
        for part in in_parts(ids)
        for operation in await _fetch(tx, select(*_COLUMNS).where(operations.c.id.in_(part)))
    ]


async def living(tx: AsyncConnection, hashes: Collection[str]) -> set[str]:
    """Give those of the hashes that were signed here, and are not taken for dead."""
    found: set[str] = set()
    for part in in_parts(hashes):
        query = select(operations.c.hash).where(
            operations.c.hash.in_(part), operations.c.state != OperationState.DEAD
        )
        found.update((await tx.execute(query)).scalars())
    return found


async def final_hashes(
    tx: AsyncConnection, distribution_ids: Collection[int]
) -> dict[int, list[str]]:
    """Give the hashes of what is final, by distribution, in counter order."""
    found: dict[int, list[str]] = {}
    for part in in_parts(distribution_ids):
        query = (
            select(operations.c.distribution_id, operations.c.hash)
            .where(
                operations.c.distribution_id.in_(part),
                operations.c.kind == OperationKind.PAYOUT,
                operations.c.state == OperationState.FINAL,
            )
            .order_by(operations.c.counter_first)
        )
        for distribution_id, operation_hash in await tx.execute(query):
            found.setdefault(distribution_id, []).append(operation_hash)
    return found


async def has_paid(tx: AsyncConnection, baker_id: str) -> bool:
    """Whether any payout group of the baker was ever applied in a final block."""
    query = select(operations.c.id).where(
        operations.c.baker_id == baker_id,
        operations.c.kind == OperationKind.PAYOUT,
        operations.c.state == OperationState.FINAL,
        operations.c.applied,
    )
    return (await tx.execute(query.limit(1))).first() is not None


async def of_distribution(tx: AsyncConnection, distribution_id: int) -> list[Operation]:
    """Give every operation signed for a distribution, in counter order."""
    query = select(*_COLUMNS).where(operations.c.distribution_id == distribution_id)
    return await _fetch(tx, query.order_by(operations.c.counter_first, operations.c.id))


async def newest_in_a_block(tx: AsyncConnection, network: str, source: str) -> Operation | None:
    """Give a source's newest operation that is in a block, by its counter, or None."""
    query = select(*_COLUMNS).where(
        operations.c.network == network,
        operations.c.source == source,
        operations.c.state.in_([OperationState.INCLUDED, OperationState.FINAL]),
    )
    found = await _fetch(tx, query.order_by(operations.c.counter_first.desc()).limit(1))
    return found[0] if found else None


async def final_by_hand(tx: AsyncConnection, baker_id: str) -> list[Operation]:
    """Give what a baker had signed outside any cycle and is final, oldest first."""
    query = select(*_COLUMNS).where(
        operations.c.baker_id == baker_id,
        operations.c.kind == OperationKind.MANUAL,
        operations.c.state == OperationState.FINAL,
    )
    return await _fetch(tx, query.order_by(operations.c.id))


async def by_hand_since(
    tx: AsyncConnection, network: str, source: str, at: datetime
) -> list[Operation]:
    """Give what a source signed outside any cycle since a moment, oldest first."""
    query = select(*_COLUMNS).where(
        operations.c.network == network,
        operations.c.source == source,
        operations.c.kind == OperationKind.MANUAL,
        operations.c.created_at >= at,
    )
    return await _fetch(tx, query.order_by(operations.c.id))


async def _fetch(tx: AsyncConnection, query: Select[Any]) -> list[Operation]:
    return [_operation(row) for row in await tx.execute(query)]


def _operation(row: Row[Any]) -> Operation:
    # By place, not by name: a cycle of thousands has a hundred of them.
    values: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    death = values["death"]
    values["kind"] = OperationKind(values["kind"])
    values["state"] = OperationState(values["state"])
    values["death"] = None if death is None else Death(death)
    return Operation(**values)
