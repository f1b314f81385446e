"""Orders outside any cycle: transfers by hand, reveals, extra payments, top-ups. Done once each.

An order is entered before anything is signed for it, under a key of its giver's choice: whoever
gives it again, after a crash say, finds the one that is there.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, Final

from sqlalchemy import Row, Select, bindparam, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import ConflictError, NotFoundError
from bakehouse.ledger import audit, new_operations
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.by_hand_tables import manual_transfers
from bakehouse.ledger.leases import Lease
from bakehouse.ledger.new_operations import NewOperation, SignedFor
from bakehouse.ledger.page import Page, Slice
from bakehouse.ledger.schema import operations as operations_table
from bakehouse.ledger.states import ManualOrigin, ManualState
from bakehouse.ledger.transition import move
from bakehouse.rewards.money import Mutez

#: What is still to be done, or under way.
OPEN = frozenset({ManualState.WANTED, ManualState.ASSIGNED})

#: Built once, for every operation that is settled and every round of a baker asks for them.
_OF_OPERATIONS: Final = (
    select(manual_transfers)
    .where(manual_transfers.c.operation_id.in_(bindparam("operation_ids", expanding=True)))
    .order_by(manual_transfers.c.id)
)
_OPEN_OF: Final = (
    select(manual_transfers)
    .where(manual_transfers.c.baker_id == bindparam("baker_id"), manual_transfers.c.state.in_(OPEN))
    .order_by(manual_transfers.c.id)
)
_OF_ID: Final = select(manual_transfers).where(manual_transfers.c.id == bindparam("row_id"))


@dataclass(frozen=True, slots=True)
class NewManualTransfer:
    """An order as it is given; `amount` in mutez, nothing for a reveal."""

    network: str
    baker_id: str
    origin: ManualOrigin
    idempotence_key: str
    source: str
    destination: str
    amount: Mutez
    actor: str
    why: str
    #: The newest final level now: no block up to it can hold what does it.
    ordered_level: int
    #: Whether it may use what is owed to delegators.
    spends_owed: bool = False


@dataclass(frozen=True, slots=True)
class ManualTransfer:
    """An order as the ledger has it; `amount` in mutez."""

    id: int
    network: str
    baker_id: str
    origin: ManualOrigin
    idempotence_key: str
    source: str
    destination: str
    amount: Mutez
    spends_owed: bool
    actor: str
    why: str
    state: ManualState
    operation_id: int | None
    signed_at: datetime | None
    reason: str | None
    ordered_level: int
    #: When it was given last: after a failure it may be given again.
    ordered_at: datetime
    created_at: datetime

    @property
    def name(self) -> str:
        """How the audit trail and alerts call it."""
        return f"{self.baker_id}/{self.origin}/{self.idempotence_key}"


async def order(tx: AsyncConnection, new: NewManualTransfer, *, at: datetime) -> ManualTransfer:
    """Enter an order, or give the one that has its key; a failed one is taken up again.

    Raises ConflictError when the key is that of another order.
    """
    known = await find(tx, new.baker_id, new.idempotence_key)
    if known is None:
        row = insert(manual_transfers).values(
            network=new.network,
            baker_id=new.baker_id,
            origin=new.origin,
            idempotence_key=new.idempotence_key,
            source=new.source,
            destination=new.destination,
            amount=new.amount,
            spends_owed=new.spends_owed,
            actor=new.actor,
            why=new.why,
            state=ManualState.WANTED,
            ordered_level=new.ordered_level,
            ordered_at=at,
            created_at=at,
            updated_at=at,
        )
        entered_id = (await tx.execute(row.returning(manual_transfers.c.id))).scalar_one()
        entered = await by_id(tx, int(entered_id))
        detail = {"destination": new.destination, "mutez": new.amount, "why": new.why}
        await _record(tx, entered, "ordered", new.actor, at, **detail)
        return entered
    _require_same(known, new)
    if known.state is not ManualState.FAILED:
        return known
    again = {"reason": None, "ordered_at": at, "updated_at": at}
    await move(tx, manual_transfers, [known.id], ManualState.WANTED, **again)
    await _record(tx, known, "ordered_again", new.actor, at, was=known.reason, why=new.why)
    return await by_id(tx, known.id)


def _require_same(known: ManualTransfer, new: NewManualTransfer) -> None:
    facts = ("network", "origin", "source", "destination", "amount", "spends_owed")
    different = [name for name in facts if getattr(known, name) != getattr(new, name)]
    if different:
        raise ConflictError(
            f"the key {new.idempotence_key!r} is taken by another order, of {known.amount} mutez "
            f"from {known.source} to {known.destination}; it differs in {', '.join(different)}: "
            "name a new key for a new order"
        )


async def store_signed(
    tx: AsyncConnection,
    transfer: ManualTransfer,
    new: NewOperation,
    lease: Lease,
    *,
    at: datetime,
) -> int:
    """Keep a signed group and bind the order to it, in one transaction; gives the operation's row.

    Raises OvertakenError when somebody else has taken the lease, IllegalTransitionError when the
    order was signed, or given up, by another.
    """
    operation_id = await new_operations.store(
        tx,
        SignedFor(transfer.network, transfer.baker_id, None, transfer.name),
        new,
        lease,
        at=at,
    )
    await move(
        tx,
        manual_transfers,
        [transfer.id],
        ManualState.ASSIGNED,
        operation_id=operation_id,
        signed_at=at,
        updated_at=at,
    )
    return operation_id


async def settle_operation(tx: AsyncConnection, operation_id: int, *, at: datetime) -> None:
    """Mark the order that an operation was for as done, if it was for one."""
    for transfer in await of_operations(tx, [operation_id]):
        await move(tx, manual_transfers, [transfer.id], ManualState.DONE, updated_at=at)
        await _record(tx, transfer, "done", "bakehouse", at)


async def release_operation(
    tx: AsyncConnection, operation_id: int, *, at: datetime, failed: str | None
) -> None:
    """Free the order of an operation that will never do it: wanted again, or `failed` with why.

    Only after it is proven that the operation will never be applied.
    """
    for transfer in await of_operations(tx, [operation_id]):
        unbound = {"operation_id": None, "signed_at": None, "updated_at": at}
        to = ManualState.WANTED if failed is None else ManualState.FAILED
        await move(tx, manual_transfers, [transfer.id], to, reason=failed, **unbound)
        await _record(tx, transfer, to, "bakehouse", at, reason=failed)


async def give_up(
    tx: AsyncConnection, transfer: ManualTransfer, reason: str, *, actor: str, at: datetime
) -> None:
    """Mark an order failed that was not signed; raises IllegalTransitionError once it is.

    Nothing has moved: given again under its key, it is wanted again.
    """
    if (await by_id(tx, transfer.id)).operation_id is not None:
        raise ConflictError(
            f"{transfer.name} is signed already: cancel its operation while it is in no block"
        )
    await move(
        tx, manual_transfers, [transfer.id], ManualState.FAILED, reason=reason, updated_at=at
    )
    await _record(tx, transfer, "failed", actor, at, reason=reason)


async def topped_up_since_midnight(tx: AsyncConnection, baker_id: str, at: datetime) -> Mutez:
    """Sum what was signed for top-ups of a baker in the UTC day of `at`, and is not dead."""
    midnight = datetime.combine(at.astimezone(UTC).date(), time(), UTC)
    query = select(func.coalesce(func.sum(manual_transfers.c.amount), 0)).where(
        manual_transfers.c.baker_id == baker_id,
        manual_transfers.c.origin == ManualOrigin.TOP_UP,
        manual_transfers.c.state.in_([ManualState.ASSIGNED, ManualState.DONE]),
        manual_transfers.c.signed_at >= midnight,
    )
    return Mutez(int((await tx.execute(query)).scalar_one()))


async def by_id(tx: AsyncConnection, transfer_id: int) -> ManualTransfer:
    """Give an order; raises NotFoundError."""
    found = await _fetch(tx, _OF_ID, {"row_id": transfer_id})
    if not found:
        raise NotFoundError(f"there is no order {transfer_id}")
    return found[0]


async def find(tx: AsyncConnection, baker_id: str, key: str) -> ManualTransfer | None:
    """Give the order of a baker that has this key, or None."""
    query = select(manual_transfers).where(
        manual_transfers.c.baker_id == baker_id, manual_transfers.c.idempotence_key == key
    )
    found = await _fetch(tx, query)
    return found[0] if found else None


async def open_of(tx: AsyncConnection, baker_id: str) -> list[ManualTransfer]:
    """Give a baker's orders that are not done yet, the oldest first."""
    return await _fetch(tx, _OPEN_OF, {"baker_id": baker_id})


async def bakers_with_open(tx: AsyncConnection) -> list[str]:
    """Give the bakers that have orders which are not done yet."""
    query = select(manual_transfers.c.baker_id).where(manual_transfers.c.state.in_(OPEN)).distinct()
    return list((await tx.execute(query)).scalars())


async def last_done_level(tx: AsyncConnection, baker_id: str, origin: ManualOrigin) -> int:
    """Give the level of the newest block that did such an order; 0 when there is none."""
    query = (
        select(func.max(operations_table.c.included_level))
        .join(manual_transfers, manual_transfers.c.operation_id == operations_table.c.id)
        .where(
            manual_transfers.c.baker_id == baker_id,
            manual_transfers.c.origin == origin,
            manual_transfers.c.state == ManualState.DONE,
        )
    )
    return (await tx.execute(query)).scalar() or 0


async def of_operations(
    tx: AsyncConnection, operation_ids: Collection[int]
) -> list[ManualTransfer]:
    """Give the orders that these operations do."""
    return await _fetch(tx, _OF_OPERATIONS, {"operation_ids": list(operation_ids)})


async def listed(tx: AsyncConnection, baker_id: str, part: Slice) -> Page[ManualTransfer]:
    """Give a page of a baker's orders, the newest first."""
    query = select(manual_transfers).where(manual_transfers.c.baker_id == baker_id)
    ordered = query.order_by(manual_transfers.c.id.desc())
    return Page.of(await _fetch(tx, ordered.offset(part.offset).limit(part.limit_and_one)), part)


async def _record(
    tx: AsyncConnection,
    transfer: ManualTransfer,
    what: str,
    actor: str,
    at: datetime,
    **detail: Any,
) -> None:
    event = AuditEvent(at, actor, f"manual_transfer.{what}", transfer.name, detail)
    await audit.record(tx, event)


async def _fetch(
    tx: AsyncConnection, query: Select[Any], asked: Mapping[str, Any] | None = None
) -> list[ManualTransfer]:
    return [_manual_transfer(row) for row in await tx.execute(query, asked)]


def _manual_transfer(row: Row[Any]) -> ManualTransfer:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    values.pop("updated_at")
    typed = {
        "origin": ManualOrigin(values["origin"]),
        "state": ManualState(values["state"]),
        "amount": Mutez(values["amount"]),
    }
    return ManualTransfer(**{**values, **typed})
