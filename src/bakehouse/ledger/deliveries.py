"""What messages of every kind share: how often each is tried, and how a try's end is noted.

What they say, to whom, and when they are written is each kind's own.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, Table, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.states import DeliveryState

#: What was not taken is tried so often in all, after waits that double: for fifteen hours.
ATTEMPTS_MAX: Final = 12
FIRST_WAIT: Final = timedelta(seconds=30)
_WAIT_MAX: Final = timedelta(hours=6)


def next_try_at(attempts_before: int, now: datetime, first_wait: timedelta) -> datetime | None:
    """Say when a message that was refused just now is tried again; None: never."""
    attempts = attempts_before + 1
    if attempts >= ATTEMPTS_MAX:
        return None
    return now + min(first_wait * (1 << (attempts - 1)), _WAIT_MAX)


def due(table: Table, at: datetime, limit: int) -> Select[Any]:
    """Ask for the rows that are pending and to be tried by now, the oldest first."""
    pending = select(table).where(table.c.state == DeliveryState.PENDING, table.c.next_at <= at)
    return pending.order_by(table.c.next_at, table.c.id).limit(limit)


async def mark_sent(tx: AsyncConnection, table: Table, delivery_id: int, *, at: datetime) -> None:
    """Note that it was taken."""
    await tx.execute(
        update(table)
        .where(table.c.id == delivery_id)
        .values(
            state=DeliveryState.SENT,
            attempts=table.c.attempts + 1,
            sent_at=at,
            last_error=None,
        )
    )


async def mark_refused(
    tx: AsyncConnection, table: Table, delivery_id: int, error: str, next_at: datetime | None
) -> None:
    """Note that an attempt failed, and when the next one is due: None when it was the last.

    One that was sent meanwhile by somebody else stays so.
    """
    values: dict[str, Any] = {
        "attempts": table.c.attempts + 1,
        "last_error": error,
        "state": DeliveryState.FAILED if next_at is None else DeliveryState.PENDING,
    }
    if next_at is not None:
        values["next_at"] = next_at
    await tx.execute(
        update(table)
        .where(table.c.id == delivery_id, table.c.state != DeliveryState.SENT)
        .values(values)
    )
