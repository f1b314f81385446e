"""Alerts as stored: one open row for each thing that waits for a person, however often raised.

An alert is *closed* when its cause is gone, and *acknowledged* when a person saw it: one that was
acknowledged stays open, and is told to nobody again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import ConflictError, NotFoundError
from bakehouse.ledger import audit
from bakehouse.ledger.alert_tables import alerts
from bakehouse.ledger.audit import AuditEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that deserves a person's attention."""

    id: int
    #: None for what is about the whole house.
    baker_id: str | None
    code: str
    subject: str
    message: str
    raised_at: datetime
    #: When it was raised last; `times` counts how often.
    repeated_at: datetime
    times: int
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    closed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether its cause is still there, as far as is known."""
        return self.closed_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """Which alerts are wanted; None is no condition."""

    is_open: bool | None = None
    is_acknowledged: bool | None = None
    codes: Collection[str] | None = None
    #: Those of these bakers, and none that is about the whole house.
    baker_ids: Collection[str] | None = None


#: The table's columns that an Alert has.
_SHOWN = [column for column in alerts.c if column.name != "told_at"]

# The names of what is compared are none of columns: those are what an update sets.
_IS_ABOUT: Final = (
    alerts.c.code == bindparam("of_code"),
    alerts.c.subject == bindparam("of_subject"),
)
_OF_THIS: Final = update(alerts).where(*_IS_ABOUT, alerts.c.closed_at.is_(None))
_REPEAT: Final = _OF_THIS.values(times=alerts.c.times + 1)
_CLOSE: Final = _OF_THIS.returning(alerts.c.id)
_ENTERED_BEFORE: Final = select(alerts.c.id).where(*_IS_ABOUT).limit(1)
_ENTER: Final = insert(alerts).returning(alerts.c.id)

#: Built once, for every job ends with it.
_OPEN_CODES: Final = select(alerts.c.code).where(
    alerts.c.code.in_(bindparam("codes", expanding=True)),
    alerts.c.subject == bindparam("subject"),
    alerts.c.closed_at.is_(None),
)


async def raise_alert(  # noqa: PLR0913 - keyword-only facts of one alert
    tx: AsyncConnection,
    *,
    code: str,
    subject: str,
    message: str,
    at: datetime,
    baker_id: str | None = None,
) -> int | None:
    """Open an alert and give its id; None when it was open, and only counts one more time."""
    asked = {"of_code": code, "of_subject": subject, "repeated_at": at, "message": message}
    repeated = await tx.execute(_REPEAT, asked)
    if repeated.rowcount:
        return None
    return await _enter(
        tx, code=code, subject=subject, message=message, raised_at=at, baker_id=baker_id
    )


async def note_event(  # noqa: PLR0913 - keyword-only facts of one event
    tx: AsyncConnection,
    *,
    code: str,
    subject: str,
    message: str,
    at: datetime,
    baker_id: str | None = None,
) -> int | None:
    """Enter what happened once and waits for nobody, as closed; None when it was entered before."""
    asked = {"of_code": code, "of_subject": subject}
    if (await tx.execute(_ENTERED_BEFORE, asked)).scalar() is not None:
        return None
    return await _enter(
        tx,
        code=code,
        subject=subject,
        message=message,
        raised_at=at,
        baker_id=baker_id,
        closed_at=at,
    )


async def close(tx: AsyncConnection, *, code: str, subject: str, at: datetime) -> int | None:
    """Close the open alert of this code and subject: its cause is gone. Gives its id, or None."""
    asked = {"of_code": code, "of_subject": subject, "closed_at": at}
    closed = await tx.execute(_CLOSE, asked)
    alert_id: int | None = closed.scalar()
    return alert_id


async def open_codes(tx: AsyncConnection, codes: Collection[str], subject: str) -> set[str]:
    """Give those of the codes of which an alert about the subject is open."""
    asked = {"codes": list(codes), "subject": subject}
    return set((await tx.execute(_OPEN_CODES, asked)).scalars())


async def open_subjects(tx: AsyncConnection, code: str) -> set[str]:
    """Give what the open alerts of a code are about."""
    query = select(alerts.c.subject).where(alerts.c.code == code, alerts.c.closed_at.is_(None))
    return set((await tx.execute(query)).scalars())


async def acknowledge(tx: AsyncConnection, alert_id: int, *, actor: str, at: datetime) -> Alert:
    """Note that a person saw an alert: it stays open, and is told no more.

    Raises NotFoundError; ConflictError for one that is closed. Doing it twice changes nothing.
    """
    alert = await get(tx, alert_id)
    if alert.acknowledged_at is not None:
        return alert
    if not alert.is_open:
        raise ConflictError(f"alert {alert_id} is closed: there is nothing left to acknowledge")
    await tx.execute(
        update(alerts)
        .where(alerts.c.id == alert_id)
        .values(acknowledged_at=at, acknowledged_by=actor)
    )
    detail = {"id": alert_id, "message": alert.message}
    subject = f"{alert.code} {alert.subject}"
    await audit.record(tx, AuditEvent(at, actor, "alert.acknowledged", subject, detail))
    return await get(tx, alert_id)


async def get(tx: AsyncConnection, alert_id: int) -> Alert:
    """Give an alert; raises NotFoundError."""
    found = (await tx.execute(select(*_SHOWN).where(alerts.c.id == alert_id))).one_or_none()
    if found is None:
        raise NotFoundError(f"there is no alert {alert_id}")
    return _alert(found)


async def still_open(tx: AsyncConnection, baker_id: str | None = None) -> list[Alert]:
    """Give the open alerts, acknowledged or not, newest first; of one baker, or all."""
    baker_ids = None if baker_id is None else [baker_id]
    return await listed(tx, AlertFilter(is_open=True, baker_ids=baker_ids))


async def unacknowledged(tx: AsyncConnection, baker_id: str | None = None) -> list[Alert]:
    """Give what waits for a person: open, and not acknowledged yet; newest first."""
    baker_ids = None if baker_id is None else [baker_id]
    return await listed(tx, AlertFilter(is_open=True, is_acknowledged=False, baker_ids=baker_ids))


async def listed(
    tx: AsyncConnection, wanted: AlertFilter, *, offset: int = 0, limit: int | None = None
) -> list[Alert]:
    """Give the alerts wanted, the one that was raised last first."""
    query = select(*_SHOWN).where(*_conditions(wanted))
    query = query.order_by(alerts.c.repeated_at.desc(), alerts.c.id.desc())
    rows = await tx.execute(query.offset(offset).limit(limit))
    return [_alert(row) for row in rows]


async def to_repeat(
    tx: AsyncConnection, codes: Collection[str], told_before: datetime
) -> list[Alert]:
    """Give what is open, unacknowledged, of these codes, and was told last before a time."""
    query = select(*_SHOWN).where(
        alerts.c.closed_at.is_(None),
        alerts.c.acknowledged_at.is_(None),
        alerts.c.code.in_(codes),
        alerts.c.told_at < told_before,
    )
    return [_alert(row) for row in await tx.execute(query.order_by(alerts.c.id))]


async def mark_told(tx: AsyncConnection, alert_id: int, *, at: datetime) -> None:
    """Note when channels were last told that an alert is there."""
    await tx.execute(update(alerts).where(alerts.c.id == alert_id).values(told_at=at))


async def _enter(tx: AsyncConnection, *, raised_at: datetime, **values: Any) -> int:
    times = {"raised_at": raised_at, "repeated_at": raised_at, "told_at": raised_at, "times": 1}
    return int((await tx.execute(_ENTER, {**times, **values})).scalar_one())


def _conditions(wanted: AlertFilter) -> list[ColumnElement[bool]]:
    conditions = []
    if wanted.is_open is not None:
        conditions.append(_is_null(alerts.c.closed_at, is_null=wanted.is_open))
    if wanted.is_acknowledged is not None:
        conditions.append(_is_null(alerts.c.acknowledged_at, is_null=not wanted.is_acknowledged))
    if wanted.codes is not None:
        conditions.append(alerts.c.code.in_(wanted.codes))
    if wanted.baker_ids is not None:
        conditions.append(alerts.c.baker_id.in_(wanted.baker_ids))
    return conditions


def _is_null(column: ColumnElement[Any], *, is_null: bool) -> ColumnElement[bool]:
    return column.is_(None) if is_null else column.is_not(None)


def _alert(row: Row[Any]) -> Alert:
    return Alert(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
