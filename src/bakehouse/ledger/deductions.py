"""Deductions: what somebody was paid too much and agreed to give back out of coming cycles."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import ConflictError, InputError, NotFoundError
from bakehouse.ledger import audit
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.by_hand_tables import deduction_parts, deductions
from bakehouse.rewards.deduction import OpenDeduction
from bakehouse.rewards.money import Mutez


@dataclass(frozen=True, slots=True)
class NewDeduction:
    """A deduction as a person enters it; `amount` in mutez."""

    baker_id: str
    owed_to: str
    amount: Mutez
    idempotence_key: str
    #: Who agreed to it, in words.
    consent: str
    why: str
    actor: str


@dataclass(frozen=True, slots=True)
class Deduction:
    """A deduction as the ledger has it, and what was taken of it; amounts in mutez."""

    id: int
    baker_id: str
    owed_to: str
    amount: Mutez
    idempotence_key: str
    consent: str
    why: str
    actor: str
    created_at: datetime
    waived_at: datetime | None
    taken: Mutez

    @property
    def left(self) -> Mutez:
        """What is still to be deducted."""
        return Mutez(0 if self.waived_at is not None else self.amount - self.taken)


_ALL: Final = select(
    deductions,
    select(func.coalesce(func.sum(deduction_parts.c.amount), 0))
    .where(deduction_parts.c.deduction_id == deductions.c.id)
    .scalar_subquery()
    .label("taken"),
)
#: Built once, for every plan asks for them.
_OF_BAKER: Final = _ALL.where(deductions.c.baker_id == bindparam("baker_id")).order_by(
    deductions.c.id
)


async def agree(tx: AsyncConnection, new: NewDeduction, *, at: datetime) -> Deduction:
    """Enter a deduction, or give the one that has its key.

    Raises InputError without an amount, a consent or a reason, ConflictError when the key is that
    of another deduction.
    """
    if new.amount <= 0:
        raise InputError("an amount of 1 mutez or more can be deducted")
    for name, text in (("who agreed to it", new.consent), ("why", new.why)):
        if not text.strip():
            raise InputError(f"say {name}: it is kept with the deduction")
    known = await _of_key(tx, new.baker_id, new.idempotence_key)
    if known is not None:
        if (known.owed_to, known.amount) != (new.owed_to, new.amount):
            raise ConflictError(
                f"the key {new.idempotence_key!r} is taken by a deduction of {known.amount} mutez "
                f"from {known.owed_to}: name a new key for a new one"
            )
        return known
    row = insert(deductions).values(
        baker_id=new.baker_id,
        owed_to=new.owed_to,
        amount=new.amount,
        idempotence_key=new.idempotence_key,
        consent=new.consent,
        why=new.why,
        actor=new.actor,
        created_at=at,
    )
    entered_id = int((await tx.execute(row.returning(deductions.c.id))).scalar_one())
    entered = await by_id(tx, entered_id)
    detail = {"mutez": new.amount, "consent": new.consent, "why": new.why}
    await _record(tx, entered, "agreed", new.actor, at, detail)
    return entered


async def take(tx: AsyncConnection, deduction_id: int, distribution_id: int, amount: Mutez) -> None:
    """Note what a cycle's plan takes; the database refuses more than is left."""
    await tx.execute(
        insert(deduction_parts).values(
            deduction_id=deduction_id, distribution_id=distribution_id, amount=amount
        )
    )


async def waive(
    tx: AsyncConnection, deduction: Deduction, *, actor: str, why: str, at: datetime
) -> None:
    """Give up what is left; raises ConflictError when nothing is."""
    if not deduction.left:
        raise ConflictError(f"nothing is left of deduction {deduction.id}")
    await tx.execute(update(deductions).where(deductions.c.id == deduction.id).values(waived_at=at))
    detail = {"why": why, "mutez": deduction.left}
    await _record(tx, deduction, "waived", actor, at, detail)


async def open_ones(tx: AsyncConnection, baker_id: str) -> list[OpenDeduction]:
    """Give what is still to be deducted, the oldest first."""
    return [
        OpenDeduction(each.id, each.owed_to, each.left)
        for each in await of_baker(tx, baker_id)
        if each.left
    ]


async def of_baker(tx: AsyncConnection, baker_id: str) -> list[Deduction]:
    """Give every deduction of a baker, the oldest first."""
    return await _fetch(tx, _OF_BAKER, {"baker_id": baker_id})


async def by_id(tx: AsyncConnection, deduction_id: int) -> Deduction:
    """Give a deduction; raises NotFoundError."""
    found = await _fetch(tx, _ALL.where(deductions.c.id == deduction_id))
    if not found:
        raise NotFoundError(f"there is no deduction {deduction_id}")
    return found[0]


async def _of_key(tx: AsyncConnection, baker_id: str, key: str) -> Deduction | None:
    query = _ALL.where(deductions.c.baker_id == baker_id, deductions.c.idempotence_key == key)
    found = await _fetch(tx, query)
    return found[0] if found else None


async def _fetch(
    tx: AsyncConnection, query: Select[Any], asked: Mapping[str, Any] | None = None
) -> list[Deduction]:
    return [
        Deduction(
            id=row.id,
            baker_id=row.baker_id,
            owed_to=row.owed_to,
            amount=Mutez(row.amount),
            idempotence_key=row.idempotence_key,
            consent=row.consent,
            why=row.why,
            actor=row.actor,
            created_at=row.created_at,
            waived_at=row.waived_at,
            taken=Mutez(int(row.taken)),
        )
        for row in await tx.execute(query, asked)
    ]


async def _record(  # noqa: PLR0913, PLR0917 - the facts of one event
    tx: AsyncConnection,
    deduction: Deduction,
    what: str,
    actor: str,
    at: datetime,
    detail: dict[str, Any],
) -> None:
    subject = f"{deduction.baker_id}/deduction/{deduction.id}"
    owed_to = {"owed_to": deduction.owed_to, **detail}
    await audit.record(tx, AuditEvent(at, actor, f"deduction.{what}", subject, owed_to))
