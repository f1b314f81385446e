"""Operations: every group ever signed, its transfers, and what was heard of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import audit, payouts
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.schema import attempts, operations, transfers
from bakehouse.ledger.states import IN_FLIGHT, OperationState
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
    transfers: tuple[NewTransfer, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """A signed group as the ledger has it; `total_fee` in mutez."""

    id: int
    network: str
    baker_id: str
    distribution_id: int
    source: str
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
    scanned_level: int
    included_level: int | None
    included_block: str | None
    applied: bool | None
    created_at: datetime

    @property
    def is_overdue(self) -> bool:
        """Whether every block that could hold it is final and was read, and none does."""
        return self.scanned_level >= self.last_includable_level


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer of a stored group; amounts in mutez."""

    id: int
    position: int
    destination: str
    amount: Mutez
    fee: Mutez
    status: str | None
    burn: Mutez


async def store_signed(
    tx: AsyncConnection, distribution: Distribution, new: NewOperation, *, at: datetime
) -> int:
    """Keep a signed group and bind its payouts to it; gives the row's id.

    Committing this is what allows the first byte to leave the machine. The database refuses a
    second group in flight, or a second living group with the same counter, for one source.
    """
    key = distribution.key
    row = insert(operations).values(
        network=key.network,
        baker_id=key.baker_id,
        distribution_id=distribution.id,
        source=new.source,
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
        scanned_level=new.branch_level,
        created_at=at,
        updated_at=at,
    )
    operation_id = int((await tx.execute(row.returning(operations.c.id))).scalar_one())
    for transfer in new.transfers:
        stored = insert(transfers).values(
            operation_id=operation_id,
            position=transfer.position,
            destination=transfer.destination,
            amount=transfer.amount,
            fee=transfer.fee,
            gas_limit=transfer.gas_limit,
            storage_limit=transfer.storage_limit,
        )
        transfer_id = int((await tx.execute(stored.returning(transfers.c.id))).scalar_one())
        await payouts.assign(tx, transfer.payout_ids, transfer_id)
    detail = {
        "distribution": str(key),
        "source": new.source,
        "counter": new.counter_first,
        "transfers": len(new.transfers),
        "mutez": sum(transfer.amount for transfer in new.transfers),
        "fee": new.total_fee,
    }
    await audit.record(tx, AuditEvent(at, "bakehouse", "operation.signed", new.hash, detail))
    return operation_id


async def enter_state(
    tx: AsyncConnection, operation: Operation, to: OperationState, *, at: datetime, **values: Any
) -> None:
    """Move an operation; raises IllegalTransitionError."""
    left = await state_of(tx, operations, operation.id)
    await move(tx, operations, [operation.id], to, updated_at=at, **values)
    detail = {"from": left, **values}
    event = AuditEvent(at, "bakehouse", f"operation.{to}", operation.hash, detail)
    await audit.record(tx, event)


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


async def record_receipts(
    tx: AsyncConnection, operation: Operation, receipts: Sequence[tuple[int, str, Mutez]]
) -> None:
    """Keep (position, status, burn) of each transfer as its block shows it."""
    for position, status, burn in receipts:
        await tx.execute(
            update(transfers)
            .where(transfers.c.operation_id == operation.id, transfers.c.position == position)
            .values(status=status, burn=burn)
        )


async def in_states(
    tx: AsyncConnection, network: str, source: str, states: Collection[OperationState]
) -> list[Operation]:
    """Give a source's operations in these states, in counter order."""
    query = select(operations).where(
        operations.c.network == network,
        operations.c.source == source,
        operations.c.state.in_(states),
    )
    return await _fetch(tx, query.order_by(operations.c.counter_first))


async def of_distribution(tx: AsyncConnection, distribution_id: int) -> list[Operation]:
    """Give every operation signed for a distribution, in counter order."""
    query = select(operations).where(operations.c.distribution_id == distribution_id)
    return await _fetch(tx, query.order_by(operations.c.counter_first, operations.c.id))


async def transfers_of(tx: AsyncConnection, operation_id: int) -> list[Transfer]:
    """Give the transfers of an operation by position."""
    query = select(transfers).where(transfers.c.operation_id == operation_id)
    rows = await tx.execute(query.order_by(transfers.c.position))
    return [
        Transfer(
            row.id,
            row.position,
            row.destination,
            Mutez(row.amount),
            Mutez(row.fee),
            row.status,
            Mutez(row.burn),
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class TransferSums:
    """How many transfers an operation has, what they move and what they burn, in mutez."""

    count: int = 0
    amount: Mutez = NO_MUTEZ
    burn: Mutez = NO_MUTEZ


async def transfer_sums(tx: AsyncConnection, distribution_id: int) -> dict[int, TransferSums]:
    """Sum up the transfers of a distribution's operations, by operation."""
    query = (
        select(
            transfers.c.operation_id,
            func.count(),
            func.sum(transfers.c.amount),
            func.sum(transfers.c.burn),
        )
        .join(operations, operations.c.id == transfers.c.operation_id)
        .where(operations.c.distribution_id == distribution_id)
        .group_by(transfers.c.operation_id)
    )
    return {
        operation_id: TransferSums(count, Mutez(int(amount)), Mutez(int(burn)))
        for operation_id, count, amount, burn in await tx.execute(query)
    }


async def total_burn(tx: AsyncConnection, distribution_id: int) -> Mutez:
    """Sum the storage burns (mutez) of a distribution's operations."""
    query = (
        select(func.coalesce(func.sum(transfers.c.burn), 0))
        .join(operations, operations.c.id == transfers.c.operation_id)
        .where(operations.c.distribution_id == distribution_id)
    )
    return Mutez(int((await tx.execute(query)).scalar_one()))


async def _fetch(tx: AsyncConnection, query: Select[Any]) -> list[Operation]:
    return [_operation(row) for row in await tx.execute(query)]


def _operation(row: Row[Any]) -> Operation:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    values.pop("updated_at")
    return Operation(**{**values, "state": OperationState(values["state"])})
