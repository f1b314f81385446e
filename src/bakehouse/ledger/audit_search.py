"""The audit trail as people read it: filtered, newest first, a page at a time."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, false, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.page import holds
from bakehouse.ledger.schema import audit_events, operations

#: Events about operations are named by hashes, these others by the baker's id, or what follows it.
_OF_OPERATIONS: Final = "operation."
_OF_PEOPLE: Final = ("user.", "token.")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which events are wanted; what is None or empty makes no difference."""

    actor: str = ""
    #: One action, or its beginning: `fees.` are all about fees.
    action: str = ""
    #: Part of the subject.
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None
    #: Only what is about these bakers.
    bakers: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event, and its number in the trail."""

    id: int
    event: AuditEvent


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Events, newest first; the next page is of those before `next_before`, None on the last."""

    events: list[NumberedEvent]
    next_before: int | None


async def page(
    tx: AsyncConnection, wanted: AuditFilter, *, limit: int, before: int | None = None
) -> AuditPage:
    """Give the newest events that fit, of those with a number less than `before`."""
    query = select(audit_events).where(*_conditions(wanted))
    if before is not None:
        query = query.where(audit_events.c.id < before)
    rows = await tx.execute(query.order_by(audit_events.c.id.desc()).limit(limit + 1))
    found = [_numbered(row) for row in rows]
    events = found[:limit]
    return AuditPage(events, events[-1].id if len(found) > limit else None)


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.actor:
        conditions.append(holds(audit_events.c.actor, wanted.actor))
    if wanted.action:
        conditions.append(audit_events.c.action.startswith(wanted.action, autoescape=True))
    if wanted.subject:
        conditions.append(holds(audit_events.c.subject, wanted.subject))
    if wanted.since is not None:
        conditions.append(audit_events.c.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(audit_events.c.at < wanted.until)
    if wanted.bakers is not None:
        conditions.append(_about(wanted.bakers))
    return conditions


def _about(bakers: Collection[str]) -> ColumnElement[bool]:
    subject, action = audit_events.c.subject, audit_events.c.action
    hashes = select(operations.c.hash).where(operations.c.baker_id.in_(sorted(bakers)))
    of_operation = action.startswith(_OF_OPERATIONS) & subject.in_(hashes)
    named = [
        condition
        for baker_id in sorted(bakers)
        for condition in (subject == baker_id, subject.startswith(f"{baker_id}/", autoescape=True))
    ]
    # A user may be named as a baker is.
    of_people = or_(*(action.startswith(each) for each in _OF_PEOPLE))
    return of_operation | (or_(false(), *named) & ~of_people)


def _numbered(row: Row[Any]) -> NumberedEvent:
    event = AuditEvent(row.at, row.actor, row.action, row.subject, json.loads(row.detail))
    return NumberedEvent(row.id, event)
