"""Operations as people look for them: a page at a time, and what was heard of each."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import operations as stored
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.page import Page, Slice
from bakehouse.ledger.schema import attempts, distributions, operations
from bakehouse.ledger.states import DistributionKind, OperationState
from bakehouse.ledger.transfers import TransferSums, sums_of_operations


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFilter:
    """Which of a baker's operations are wanted; what is None or empty makes no difference."""

    baker_id: str
    cycle: int | None = None
    states: Collection[OperationState] = ()


@dataclass(frozen=True, slots=True)
class FoundOperation:
    """An operation, what it is for, and the sums of its transfers."""

    operation: Operation
    #: None for what was ordered outside any cycle.
    cycle: int | None
    kind: DistributionKind | None
    transfers: TransferSums


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a node answered when the operation was sent to it: evidence, never proof."""

    at: datetime
    node: str
    answer: str


async def page(tx: AsyncConnection, wanted: OperationFilter, part: Slice) -> Page[FoundOperation]:
    """Give a page of a baker's operations, the newest first."""
    query = _of_baker(wanted.baker_id).order_by(operations.c.id.desc())
    if wanted.cycle is not None:
        query = query.where(distributions.c.cycle == wanted.cycle)
    if wanted.states:
        query = query.where(operations.c.state.in_(sorted(wanted.states)))
    return Page.of(await _fetch(tx, query.offset(part.offset).limit(part.limit_and_one)), part)


async def find(tx: AsyncConnection, baker_id: str, operation_hash: str) -> FoundOperation | None:
    """Give the operation of a hash if it was signed for the baker, or None."""
    found = await _fetch(tx, _of_baker(baker_id).where(operations.c.hash == operation_hash))
    return found[0] if found else None


async def attempts_of(tx: AsyncConnection, operation_id: int) -> list[Attempt]:
    """Give what nodes answered to an operation, the oldest first."""
    query = select(attempts).where(attempts.c.operation_id == operation_id)
    rows = await tx.execute(query.order_by(attempts.c.at, attempts.c.id))
    return [Attempt(row.at, row.node, row.answer) for row in rows]


def _of_baker(baker_id: str) -> Select[int, int | None, str | None]:
    return (
        select(operations.c.id, distributions.c.cycle, distributions.c.kind)
        .outerjoin(distributions, distributions.c.id == operations.c.distribution_id)
        .where(operations.c.baker_id == baker_id)
    )


async def _fetch(
    tx: AsyncConnection, query: Select[int, int | None, str | None]
) -> list[FoundOperation]:
    paid_for = {
        row.id: (row.cycle, row.kind and DistributionKind(row.kind))
        for row in await tx.execute(query)
    }
    rows = {each.id: each for each in await stored.by_ids(tx, list(paid_for))}
    sums = await sums_of_operations(tx, list(paid_for))
    return [
        FoundOperation(rows[key], cycle, kind, sums.get(key, TransferSums()))
        for key, (cycle, kind) in paid_for.items()
    ]
