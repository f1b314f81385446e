"""The audit trail: append-only, each event chained by hash to the one before."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Row, Text, cast, insert, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import InputError
from bakehouse.ledger.backend import WHY
from bakehouse.ledger.column_types import storable
from bakehouse.ledger.schema import audit_events

GENESIS = "0" * 64

#: Built once, for whatever is done ends with them.
_APPEND: Final = insert(audit_events)
_NEWEST_HASH: Final = select(audit_events.c.hash).order_by(audit_events.c.id.desc()).limit(1)

#: The longest reason that is kept, in characters.
WHY_LENGTH_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who did what to what, and when."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


def checked_why(text: str | None) -> str | None:
    """Give a reason as it is kept, None where nothing is said; InputError for one too long."""
    why = (text or "").strip()
    if len(why) > WHY_LENGTH_MAX:
        raise InputError(f"say why in {WHY_LENGTH_MAX} characters", setting="why")
    return why or None


async def record(tx: AsyncConnection, event: AuditEvent) -> None:
    """Append an event in the caller's transaction: it is there if and only if the deed is.

    Where the transaction says why, and the event does not, that is kept with it.
    """
    why = _why(tx)
    told = event.detail if why is None else {"why": why, **event.detail}
    detail = json.dumps(told, sort_keys=True, separators=(",", ":"))
    # What is hashed is what will be read back.
    actor, action, subject = map(storable, (event.actor, event.action, event.subject))
    previous = await _last_hash(tx)
    values = {
        "at": event.at,
        "actor": actor,
        "action": action,
        "subject": subject,
        "detail": detail,
        "previous_hash": previous,
        "hash": _chain(previous, event.at, actor, action, subject, detail),
    }
    await tx.execute(_APPEND, values)


async def latest(tx: AsyncConnection, limit: int = 100) -> list[AuditEvent]:
    """Give the newest events, newest first."""
    rows = await tx.execute(select(audit_events).order_by(audit_events.c.id.desc()).limit(limit))
    return [_event(row) for row in rows]


async def about(
    tx: AsyncConnection, subjects: Collection[str], limit: int = 100
) -> list[AuditEvent]:
    """Give the newest events about any of these subjects, newest first."""
    query = select(audit_events).where(audit_events.c.subject.in_(subjects))
    rows = await tx.execute(query.order_by(audit_events.c.id.desc()).limit(limit))
    return [_event(row) for row in rows]


async def first_broken_link(tx: AsyncConnection) -> int | None:
    """Recompute the chain; give the id of the first event that does not fit, or None."""
    previous = GENESIS
    others = [column for column in audit_events.c if column.name != "at"]
    # The time as the text it is stored as: one that was tampered with need not be a time any more.
    as_text = cast if tx.dialect.name == "postgresql" else type_coerce
    raw = select(as_text(audit_events.c.at, Text).label("at"), *others)
    for row in await tx.execute(raw.order_by(audit_events.c.id)):
        if not _is_intact(row, previous):
            return int(row.id)
        previous = row.hash
    return None


def _why(tx: AsyncConnection) -> str | None:
    connection = tx.sync_connection
    why: str | None = connection.get_execution_options().get(WHY) if connection else None
    return why


async def _last_hash(tx: AsyncConnection) -> str:
    return (await tx.execute(_NEWEST_HASH)).scalar() or GENESIS


def _event(row: Row[Any]) -> AuditEvent:
    return AuditEvent(row.at, row.actor, row.action, row.subject, json.loads(row.detail))


def _is_intact(row: Row[Any], previous: str) -> bool:
    said = (row.actor, row.action, row.subject, row.detail)
    try:
        at = datetime.fromisoformat(row.at)
        # SQLite keeps no zone: what is there is in UTC.
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        return bool(row.previous_hash == previous and row.hash == _chain(previous, at, *said))
    except (TypeError, ValueError):
        # Not a time, or not text: so it was never written here.
        return False


def _chain(previous: str, at: datetime, *said: str) -> str:
    # The form of the time and the order of the fields are part of the format: never change them.
    fields = [previous, at.astimezone(UTC).isoformat(), *said]
    return hashlib.sha256(json.dumps(fields).encode()).hexdigest()
