"""What is to be told of alerts, one row a message and channel: written where the alert is written.

A row that is pending will be sent, whatever becomes of the queue: at least once, rarely twice.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import NotFoundError
from bakehouse.ledger import deliveries
from bakehouse.ledger.alert_tables import alert_deliveries
from bakehouse.ledger.states import DeliveryState, Telling


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message to one channel, and what became of it."""

    id: int
    #: None for a test.
    alert_id: int | None
    channel_id: int
    what: Telling
    state: DeliveryState
    attempts: int
    created_at: datetime
    #: When it is tried next, while it is pending.
    next_at: datetime
    last_error: str | None
    sent_at: datetime | None


async def add(
    tx: AsyncConnection, alert_id: int, channel_id: int, what: Telling, *, at: datetime
) -> None:
    """Have a channel told something of an alert."""
    await tx.execute(
        insert(alert_deliveries).values(
            alert_id=alert_id,
            channel_id=channel_id,
            what=what,
            state=DeliveryState.PENDING,
            attempts=0,
            created_at=at,
            next_at=at,
        )
    )


async def note_test(
    tx: AsyncConnection, channel_id: int, error: str | None, *, at: datetime
) -> None:
    """Keep what came of trying a channel: None when it took the message."""
    await tx.execute(
        insert(alert_deliveries).values(
            channel_id=channel_id,
            what=Telling.TEST,
            state=DeliveryState.SENT if error is None else DeliveryState.FAILED,
            attempts=1,
            created_at=at,
            next_at=at,
            last_error=error,
            sent_at=at if error is None else None,
        )
    )


async def get(tx: AsyncConnection, delivery_id: int) -> Delivery:
    """Give a delivery; raises NotFoundError."""
    query = select(alert_deliveries).where(alert_deliveries.c.id == delivery_id)
    found = (await tx.execute(query)).one_or_none()
    if found is None:
        raise NotFoundError(f"there is no delivery {delivery_id}: its channel was removed")
    return _delivery(found)


async def due(tx: AsyncConnection, at: datetime, limit: int) -> list[Delivery]:
    """Give what is pending and to be tried by now, the oldest first."""
    rows = await tx.execute(deliveries.due(alert_deliveries, at, limit))
    return [_delivery(row) for row in rows]


async def of_alert(tx: AsyncConnection, alert_id: int) -> list[Delivery]:
    """Give what was and is to be told of an alert, in order."""
    query = select(alert_deliveries).where(alert_deliveries.c.alert_id == alert_id)
    return [_delivery(row) for row in await tx.execute(query.order_by(alert_deliveries.c.id))]


async def of_channel(tx: AsyncConnection, channel_id: int, limit: int = 20) -> list[Delivery]:
    """Give what was and is to be told to a channel, newest first."""
    query = select(alert_deliveries).where(alert_deliveries.c.channel_id == channel_id)
    rows = await tx.execute(query.order_by(alert_deliveries.c.id.desc()).limit(limit))
    return [_delivery(row) for row in rows]


async def mark_sent(tx: AsyncConnection, delivery_id: int, *, at: datetime) -> None:
    """Note that the channel took the message."""
    await deliveries.mark_sent(tx, alert_deliveries, delivery_id, at=at)


async def mark_refused(
    tx: AsyncConnection, delivery_id: int, error: str, next_at: datetime | None
) -> None:
    """Note that an attempt failed; `ledger.deliveries` has the rules."""
    await deliveries.mark_refused(tx, alert_deliveries, delivery_id, error, next_at)


def _delivery(row: Row[Any]) -> Delivery:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return Delivery(**{**values, "what": Telling(row.what), "state": DeliveryState(row.state)})
