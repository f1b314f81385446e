"""What hooks are to be told, one row an event and hook: written where it happened.

A row that is pending will be told, whatever becomes of the queue: at least once, rarely twice.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import NotFoundError
from bakehouse.ledger import deliveries
from bakehouse.ledger.hook_tables import hook_deliveries
from bakehouse.ledger.states import DeliveryState, HookPoint

_REMOVED = "the hook was removed before it could be told"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookDelivery:
    """One event that a hook is told of, and what became of that."""

    id: int
    hook_id: int
    distribution_id: int
    point: HookPoint
    subject: str
    #: What it is told, as JSON.
    document: str
    state: DeliveryState
    attempts: int
    created_at: datetime
    #: When it is tried next, while it is pending.
    next_at: datetime
    last_error: str | None
    sent_at: datetime | None


async def enter(  # noqa: PLR0913 - keyword-only facts of one event
    tx: AsyncConnection,
    hook_id: int,
    distribution_id: int,
    *,
    point: HookPoint,
    subject: str,
    document: Mapping[str, Any],
    at: datetime,
) -> None:
    """Have a hook told of something, unless it is or was told of it already."""
    known = select(func.count()).where(
        hook_deliveries.c.hook_id == hook_id,
        hook_deliveries.c.point == point,
        hook_deliveries.c.subject == subject,
    )
    if (await tx.execute(known)).scalar_one():
        return
    await tx.execute(
        insert(hook_deliveries).values(
            hook_id=hook_id,
            distribution_id=distribution_id,
            point=point,
            subject=subject,
            document=json.dumps(document, sort_keys=True, separators=(",", ":")),
            state=DeliveryState.PENDING,
            attempts=0,
            created_at=at,
            next_at=at,
        )
    )


async def get(tx: AsyncConnection, delivery_id: int) -> HookDelivery:
    """Give a delivery; raises NotFoundError."""
    query = select(hook_deliveries).where(hook_deliveries.c.id == delivery_id)
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no hook delivery {delivery_id}")
    return _delivery(row)


async def due(tx: AsyncConnection, at: datetime, limit: int) -> list[HookDelivery]:
    """Give what is pending and to be tried by now, the oldest first."""
    rows = await tx.execute(deliveries.due(hook_deliveries, at, limit))
    return [_delivery(row) for row in rows]


async def of_hook(tx: AsyncConnection, hook_id: int, limit: int = 20) -> list[HookDelivery]:
    """Give what a hook was and is to be told, newest first."""
    query = select(hook_deliveries).where(hook_deliveries.c.hook_id == hook_id)
    rows = await tx.execute(query.order_by(hook_deliveries.c.id.desc()).limit(limit))
    return [_delivery(row) for row in rows]


async def mark_sent(tx: AsyncConnection, delivery_id: int, *, at: datetime) -> None:
    """Note that the hook has it."""
    await deliveries.mark_sent(tx, hook_deliveries, delivery_id, at=at)


async def mark_refused(
    tx: AsyncConnection, delivery_id: int, error: str, next_at: datetime | None
) -> None:
    """Note that an attempt failed; `ledger.deliveries` has the rules."""
    await deliveries.mark_refused(tx, hook_deliveries, delivery_id, error, next_at)


async def give_up(tx: AsyncConnection, hook_id: int) -> None:
    """Never tell a hook what is pending."""
    table = hook_deliveries
    await tx.execute(
        update(table)
        .where(table.c.hook_id == hook_id, table.c.state == DeliveryState.PENDING)
        .values(state=DeliveryState.FAILED, last_error=_REMOVED)
    )


def _delivery(row: Row[Any]) -> HookDelivery:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return HookDelivery(
        **{**values, "point": HookPoint(row.point), "state": DeliveryState(row.state)}
    )
