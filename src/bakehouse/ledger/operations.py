"""Operations: every group ever signed, and what was heard of it. How they enter is beside."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import audit
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.schema import attempts, operations
from bakehouse.ledger.statement_parts import in_parts
from bakehouse.ledger.states import IN_FLIGHT, Death, OperationKind, OperationState
from bakehouse.ledger.transition import move, state_of
from bakehouse.rewards.money import Mutez

#: Not yet final, and not yet proven dead: the chain must be watched for these.
UNFINISHED = frozenset({*IN_FLIGHT, OperationState.INCLUDED})


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

#: Built once, for each step of a payment asks for them.
_IN_STATES: Final = (
    select(*_COLUMNS)
    .where(
        operations.c.network == bindparam("network"),
        operations.c.source == bindparam("source"),
        operations.c.state.in_(bindparam("states", expanding=True)),
    )
    .order_by(operations.c.counter_first, operations.c.id)
)
_OF_DISTRIBUTION: Final = (
    select(*_COLUMNS)
    .where(operations.c.distribution_id == bindparam("distribution_id"))
    .order_by(operations.c.counter_first, operations.c.id)
)
_OF_HASH: Final = select(*_COLUMNS).where(operations.c.hash == bindparam("hash"))
_UNFINISHED_SOURCES: Final = (
    select(operations.c.source)
    .where(operations.c.baker_id == bindparam("baker_id"), operations.c.state.in_(UNFINISHED))
    .distinct()
    .order_by(operations.c.source)
)
_PAID: Final = (
    select(operations.c.id)
    .where(
        operations.c.baker_id == bindparam("baker_id"),
        operations.c.kind == OperationKind.PAYOUT,
        operations.c.state == OperationState.FINAL,
        operations.c.applied,
    )
    .limit(1)
)
_LIVING: Final = select(operations.c.hash).where(
    operations.c.hash.in_(bindparam("hashes", expanding=True)),
    operations.c.state != OperationState.DEAD,
)
_OF_ROW: Final = update(operations).where(operations.c.id == bindparam("row_id"))
_ENTER_ATTEMPT: Final = insert(attempts)


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
    asked = {"row_id": operation.id, "cancel_requested_at": at, "updated_at": at}
    await tx.execute(_OF_ROW, asked)


async def mark_scanned(tx: AsyncConnection, operation: Operation, level: int) -> None:
    """Remember that every block up to `level` was read and does not hold the operation."""
    await tx.execute(_OF_ROW, {"row_id": operation.id, "scanned_level": level})


async def record_attempt(
    tx: AsyncConnection, operation: Operation, *, at: datetime, node: str, answer: str
) -> None:
    """Keep what a node said to an injection: evidence, never proof."""
    values = {"operation_id": operation.id, "at": at, "node": node, "answer": answer}
    await tx.execute(_ENTER_ATTEMPT, values)


async def in_states(
    tx: AsyncConnection, network: str, source: str, states: Collection[OperationState]
) -> list[Operation]:
    """Give a source's operations in these states, in counter order."""
    asked = {"network": network, "source": source, "states": list(states)}
    return await _fetch(tx, _IN_STATES, asked)


async def unfinished_sources(tx: AsyncConnection, baker_id: str) -> list[str]:
    """Give the addresses from which something signed for a baker is not decided yet."""
    return list((await tx.execute(_UNFINISHED_SOURCES, {"baker_id": baker_id})).scalars())


async def bakers_with_unfinished(tx: AsyncConnection) -> list[str]:
    """Give the bakers for whom something signed is not decided yet."""
    query = select(operations.c.baker_id).where(operations.c.state.in_(UNFINISHED)).distinct()
    return list((await tx.execute(query)).scalars())


async def find(tx: AsyncConnection, operation_hash: str) -> Operation | None:
    """Give the operation of a hash, or None."""
    found = await _fetch(tx, _OF_HASH, {"hash": operation_hash})
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
        found.update((await tx.execute(_LIVING, {"hashes": part})).scalars())
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
    return (await tx.execute(_PAID, {"baker_id": baker_id})).first() is not None


async def of_distribution(tx: AsyncConnection, distribution_id: int) -> list[Operation]:
    """Give every operation signed for a distribution, in counter order."""
    return await _fetch(tx, _OF_DISTRIBUTION, {"distribution_id": distribution_id})


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


async def _fetch(
    tx: AsyncConnection, query: Select[Any], asked: Mapping[str, Any] | None = None
) -> list[Operation]:
    return [_operation(row) for row in await tx.execute(query, asked)]


def _operation(row: Row[Any]) -> Operation:
    # By place, not by name: a cycle of thousands has a hundred of them.
    values: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    death = values["death"]
    values["kind"] = OperationKind(values["kind"])
    values["state"] = OperationState(values["state"])
    values["death"] = None if death is None else Death(death)
    return Operation(**values)
