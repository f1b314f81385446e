"""Fees of single delegators: looked up by page, set and removed one by one or some at a time."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import NotFoundError, SettingError
from bakehouse.ledger import audit, bakers
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.baker_tables import delegator_fees
from bakehouse.ledger.page import Page, Slice, holds
from bakehouse.ledger.statement_parts import in_parts
from bakehouse.rewards.money import WHOLE, BasisPoints

#: Actions of the audit trail that are about fees.
REPLACED: Final = "fees.replaced"
CHANGED: Final = "fees.changed"
REMOVED: Final = "fees.removed"


@dataclass(frozen=True, slots=True)
class DelegatorFee:
    """The fee of one delegator, in basis points."""

    address: str
    fee: BasisPoints


async def page(
    tx: AsyncConnection, baker_id: str, wanted: Slice, *, search: str = ""
) -> Page[DelegatorFee]:
    """Give a page of a baker's fees whose address holds a text, ordered by address."""
    query = (
        select(delegator_fees)
        .where(*_conditions(baker_id, search))
        .order_by(delegator_fees.c.address)
        .offset(wanted.offset)
        .limit(wanted.limit_and_one)
    )
    rows = await tx.execute(query)
    return Page.of([DelegatorFee(row.address, BasisPoints(row.fee)) for row in rows], wanted)


async def count(tx: AsyncConnection, baker_id: str, *, search: str = "") -> int:
    """Count a baker's fees whose address holds a text."""
    query = select(func.count()).select_from(delegator_fees).where(*_conditions(baker_id, search))
    return int((await tx.execute(query)).scalar_one())


async def find(tx: AsyncConnection, baker_id: str, address: str) -> BasisPoints | None:
    """Give the fee of one delegator, or None where it has none of its own."""
    query = select(delegator_fees.c.fee).where(
        delegator_fees.c.baker_id == baker_id, delegator_fees.c.address == address
    )
    fee = (await tx.execute(query)).scalar()
    return None if fee is None else BasisPoints(fee)


async def change(
    tx: AsyncConnection,
    baker_id: str,
    by_address: Mapping[str, BasisPoints],
    *,
    actor: str,
    at: datetime,
) -> None:
    """Set these fees and leave the others as they are; the audit trail keeps what was before.

    Raises NotFoundError for an unknown baker, SettingError for a fee out of range.
    """
    await bakers.get(tx, baker_id)
    for address, fee in by_address.items():
        if not 0 <= fee <= WHOLE:
            raise SettingError(f"the fee of {address} must be from 0 to 100 %")
    before = await _take_out(tx, baker_id, by_address)
    if by_address:
        rows = [
            {"baker_id": baker_id, "address": address, "fee": fee}
            for address, fee in by_address.items()
        ]
        await tx.execute(insert(delegator_fees), rows)
    detail = {"before": before, "after": dict(by_address)}
    await audit.record(tx, AuditEvent(at, actor, CHANGED, baker_id, detail))


async def remove(
    tx: AsyncConnection, baker_id: str, address: str, *, actor: str, at: datetime
) -> None:
    """Have a delegator pay the default fee again; NotFoundError when it does already."""
    before = await _take_out(tx, baker_id, [address])
    if not before:
        raise NotFoundError(f"{address} has no fee of its own: it pays the default fee")
    detail = {"before": before, "after": {}}
    await audit.record(tx, AuditEvent(at, actor, REMOVED, baker_id, detail))


async def _take_out(
    tx: AsyncConnection, baker_id: str, addresses: Collection[str]
) -> dict[str, int]:
    before: dict[str, int] = {}
    for part in in_parts(addresses):
        named = (delegator_fees.c.baker_id == baker_id, delegator_fees.c.address.in_(part))
        rows = await tx.execute(select(delegator_fees).where(*named))
        before.update({row.address: row.fee for row in rows})
        await tx.execute(delete(delegator_fees).where(*named))
    return before


def _conditions(baker_id: str, search: str) -> list[ColumnElement[bool]]:
    of_baker = delegator_fees.c.baker_id == baker_id
    return [of_baker, holds(delegator_fees.c.address, search)] if search else [of_baker]
