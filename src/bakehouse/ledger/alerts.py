"""Alerts as stored: one open row for each thing that waits for a person, however often raised."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.schema import alerts


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that deserves a person's attention."""

    id: int
    baker_id: str | None
    code: str
    subject: str
    message: str
    raised_at: datetime
    times: int
    acknowledged_at: datetime | None


async def raise_alert(  # noqa: PLR0913 - keyword-only facts of one alert
    tx: AsyncConnection,
    *,
    code: str,
    subject: str,
    message: str,
    at: datetime,
    baker_id: str | None = None,
) -> bool:
    """Open an alert, or count one more time on the open one; gives whether it is new."""
    repeated = await tx.execute(
        update(alerts)
        .where(
            alerts.c.code == code, alerts.c.subject == subject, alerts.c.acknowledged_at.is_(None)
        )
        .values(times=alerts.c.times + 1, repeated_at=at, message=message)
    )
    if repeated.rowcount:
        return False
    await tx.execute(
        insert(alerts).values(
            baker_id=baker_id,
            code=code,
            subject=subject,
            message=message,
            raised_at=at,
            repeated_at=at,
            times=1,
        )
    )
    return True


async def close(tx: AsyncConnection, *, code: str, subject: str, at: datetime) -> None:
    """Close the open alert of this code and subject, if there is one: its cause is gone."""
    await tx.execute(
        update(alerts)
        .where(
            alerts.c.code == code, alerts.c.subject == subject, alerts.c.acknowledged_at.is_(None)
        )
        .values(acknowledged_at=at)
    )


async def unacknowledged(tx: AsyncConnection, baker_id: str | None = None) -> list[Alert]:
    """Give the open alerts, newest first."""
    query = select(alerts).where(alerts.c.acknowledged_at.is_(None))
    if baker_id is not None:
        query = query.where(alerts.c.baker_id == baker_id)
    rows = await tx.execute(query.order_by(alerts.c.repeated_at.desc(), alerts.c.id.desc()))
    return [_alert(row) for row in rows]


def _alert(row: Row[Any]) -> Alert:
    return Alert(
        row.id,
        row.baker_id,
        row.code,
        row.subject,
        row.message,
        row.raised_at,
        row.times,
        row.acknowledged_at,
    )
