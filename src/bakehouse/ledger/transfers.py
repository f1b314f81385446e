"""Transfers: what each signed group moves to whom, and what its block says became of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.operations import Operation
from bakehouse.ledger.schema import operations, transfers
from bakehouse.ledger.statement_parts import in_parts
from bakehouse.ledger.states import OperationState
from bakehouse.rewards.money import NO_MUTEZ, Mutez

#: Built once, for every operation that is settled asks for them.
_OF_OPERATION: Final = (
    select(transfers)
    .where(transfers.c.operation_id == bindparam("operation_id"))
    .order_by(transfers.c.position)
)
_RECORD: Final = update(transfers).where(
    transfers.c.operation_id == bindparam("of_operation"),
    transfers.c.position == bindparam("at_position"),
)


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


@dataclass(frozen=True, slots=True)
class TransferSums:
    """How many transfers an operation has, what they move and what they burn, in mutez."""

    count: int = 0
    amount: Mutez = NO_MUTEZ
    burn: Mutez = NO_MUTEZ


async def transfers_of(tx: AsyncConnection, operation_id: int) -> list[Transfer]:
    """Give the transfers of an operation by position."""
    rows = await tx.execute(_OF_OPERATION, {"operation_id": operation_id})
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


async def transfer_sums(tx: AsyncConnection, distribution_id: int) -> dict[int, TransferSums]:
    """Sum up the transfers of a distribution's operations, by operation."""
    return await _sums(tx, operations.c.distribution_id == distribution_id)


async def sums_of_operations(
    tx: AsyncConnection, operation_ids: Collection[int]
) -> dict[int, TransferSums]:
    """Sum up the transfers of these operations, by operation."""
    found: dict[int, TransferSums] = {}
    for part in in_parts(operation_ids):
        found |= await _sums(tx, operations.c.id.in_(part))
    return found


async def total_burn(tx: AsyncConnection, distribution_id: int) -> Mutez:
    """Sum the storage burns (mutez) of a distribution's operations."""
    query = (
        select(func.coalesce(func.sum(transfers.c.burn), 0))
        .join(operations, operations.c.id == transfers.c.operation_id)
        .where(operations.c.distribution_id == distribution_id)
    )
    return Mutez(int((await tx.execute(query)).scalar_one()))


async def record_receipts(
    tx: AsyncConnection, operation: Operation, receipts: Sequence[tuple[int, str, Mutez]]
) -> None:
    """Keep (position, status, burn) of each transfer as its block shows it."""
    if not receipts:
        return
    await tx.execute(
        _RECORD,
        [
            {
                "of_operation": operation.id,
                "at_position": position,
                "status": status,
                "burn": burn,
            }
            for position, status, burn in receipts
        ],
    )


async def settled_transfers(tx: AsyncConnection, transfer_ids: Collection[int]) -> set[int]:
    """Give those of the transfers whose operation is final and was applied."""
    found: set[int] = set()
    for part in in_parts(transfer_ids):
        query = (
            select(transfers.c.id)
            .join(operations, operations.c.id == transfers.c.operation_id)
            .where(
                transfers.c.id.in_(part),
                operations.c.state == OperationState.FINAL,
                operations.c.applied,
            )
        )
        found.update((await tx.execute(query)).scalars())
    return found


async def _sums(tx: AsyncConnection, which: ColumnElement[bool]) -> dict[int, TransferSums]:
    query = (
        select(
            transfers.c.operation_id,
            func.count(),
            func.sum(transfers.c.amount),
            func.sum(transfers.c.burn),
        )
        .join(operations, operations.c.id == transfers.c.operation_id)
        .where(which)
        .group_by(transfers.c.operation_id)
    )
    return {
        operation_id: TransferSums(count, Mutez(int(amount)), Mutez(int(burn)))
        for operation_id, count, amount, burn in await tx.execute(query)
    }
