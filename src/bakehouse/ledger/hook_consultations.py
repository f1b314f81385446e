"""What hooks answered when they were asked about a distribution: the last answer of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import audit
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.hook_tables import hook_consultations, hooks
from bakehouse.ledger.states import HookPoint, Verdict

_ALL: Final = (
    select(*hook_consultations.c, hooks.c.name.label("hook"))
    .join(hooks, hooks.c.id == hook_consultations.c.hook_id)
    .order_by(hook_consultations.c.id)
)
_KEEPS_WAITING: Final = (
    hook_consultations.c.verdict != Verdict.ALLOWED,
    hooks.c.enabled,
    hooks.c.removed_at.is_(None),
)
#: Built once, for each step of a payment asks for them.
_OF_DISTRIBUTION: Final = _ALL.where(
    hook_consultations.c.distribution_id == bindparam("distribution_id")
)
_REFUSING: Final = _OF_DISTRIBUTION.where(*_KEEPS_WAITING)
_OF_HOOK: Final = _OF_DISTRIBUTION.where(
    hook_consultations.c.hook_id == bindparam("hook_id"),
    hook_consultations.c.point == bindparam("point"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConsultation:
    """What came of asking a hook just now."""

    distribution_id: int
    hook_id: int
    point: HookPoint
    #: SHA-256 of what it was asked.
    question: str
    verdict: Verdict
    reason: str | None
    #: The accepted answer, as it was received.
    answer: str | None
    #: Failures in a row.
    failures: int
    asked_at: datetime
    #: When it is asked anew, unless it has allowed.
    ask_again_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consultation(NewConsultation):
    """What came of asking a hook, as the ledger has it."""

    id: int
    #: The hook's name.
    hook: str


async def record(
    tx: AsyncConnection, new: NewConsultation, key: DistributionKey, hook_name: str
) -> None:
    """Keep an answer in the place of the one before; the audit trail has each that differs."""
    table = hook_consultations
    before = await find(tx, new.distribution_id, new.hook_id, new.point)
    values = {
        "distribution_id": new.distribution_id,
        "hook_id": new.hook_id,
        "point": new.point,
        "question": new.question,
        "verdict": new.verdict,
        "reason": new.reason,
        "answer": new.answer,
        "failures": new.failures,
        "asked_at": new.asked_at,
        "ask_again_at": new.ask_again_at,
    }
    if before is None:
        await tx.execute(insert(table).values(values))
    else:
        await tx.execute(update(table).where(table.c.id == before.id).values(values))
    told = (new.question, new.verdict, new.reason)
    if before is None or (before.question, before.verdict, before.reason) != told:
        detail = {
            "hook": hook_name,
            "point": new.point,
            "question_sha256": new.question,
            "reason": new.reason,
        }
        action = f"hook.{new.verdict}"
        await audit.record(tx, AuditEvent(new.asked_at, "bakehouse", action, str(key), detail))


async def find(
    tx: AsyncConnection, distribution_id: int, hook_id: int, point: HookPoint
) -> Consultation | None:
    """Give the last answer of a hook, or None."""
    asked = {"distribution_id": distribution_id, "hook_id": hook_id, "point": point}
    found = await _fetch(tx, _OF_HOOK, asked)
    return found[0] if found else None


async def of_distribution(tx: AsyncConnection, distribution_id: int) -> list[Consultation]:
    """Give the last answers about a distribution, in the order in which they were first given."""
    return await _fetch(tx, _OF_DISTRIBUTION, {"distribution_id": distribution_id})


async def refusing(tx: AsyncConnection, distribution_id: int) -> list[Consultation]:
    """Give the answers that keep a distribution waiting, of hooks that are in use."""
    return await _fetch(tx, _REFUSING, {"distribution_id": distribution_id})


async def refusing_baker(tx: AsyncConnection, baker_id: str, limit: int = 50) -> list[Consultation]:
    """Give the answers that keep distributions of a baker waiting, oldest first."""
    query = _ALL.where(hooks.c.baker_id == baker_id, *_KEEPS_WAITING)
    return (await _fetch(tx, query, {}))[:limit]


async def ask_again(tx: AsyncConnection, distribution_id: int, *, at: datetime) -> int:
    """Have every hook that keeps a distribution waiting asked at the next step; gives how many."""
    ids = [each.id for each in await refusing(tx, distribution_id)]
    table = hook_consultations
    await tx.execute(update(table).where(table.c.id.in_(ids)).values(ask_again_at=at))
    return len(ids)


async def _fetch(
    tx: AsyncConnection, query: Select[Any], asked: Mapping[str, Any]
) -> list[Consultation]:
    return [_consultation(row) for row in await tx.execute(query, asked)]


def _consultation(row: Row[Any]) -> Consultation:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return Consultation(
        **{**values, "point": HookPoint(row.point), "verdict": Verdict(row.verdict)}
    )
