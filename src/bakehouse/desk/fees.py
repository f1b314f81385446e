"""Fees of single delegators: shown by page, set, removed, imported, and how they came to be."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from bakehouse.desk.fees_text import parse_fees
from bakehouse.ledger import audit_search, bakers, delegator_fees
from bakehouse.ledger.audit_search import AuditFilter, NumberedEvent
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.delegator_fees import DelegatorFee
from bakehouse.ledger.page import Page, Slice
from bakehouse.payments.payer import Payer
from bakehouse.rewards.money import BasisPoints
from bakehouse.tezos.address import parse_recipient

#: How mistakes in an imported text are told: `the fees, line 3: …`
_NAME: Final = "the fees"


class Import(StrEnum):
    """What happens to fees that an import does not name."""

    REPLACE = "replace"  # they go: those delegators pay the default fee
    MERGE = "merge"  # they stay


@dataclass(frozen=True, slots=True)
class FeeList:
    """A page of fees; everybody who is not in the list pays the default."""

    default_fee: BasisPoints
    page: Page[DelegatorFee]
    #: How many fit the search.
    count: int


@dataclass(frozen=True, slots=True)
class FeeChange:
    """One change of fees; `before` is None where it was not kept, because all were replaced."""

    id: int
    at: datetime
    actor: str
    action: str
    before: Mapping[str, int] | None
    after: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FeeHistory:
    """Changes, newest first; the next page is of those before `next_before`."""

    changes: list[FeeChange]
    next_before: int | None


async def list_fees(ledger: Ledger, baker_id: str, part: Slice, *, search: str = "") -> FeeList:
    """Give a page of a baker's fees, ordered by address; NotFoundError for an unknown baker."""
    async with ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
        return FeeList(
            default_fee=baker.default_fee,
            page=await delegator_fees.page(tx, baker_id, part, search=search),
            count=await delegator_fees.count(tx, baker_id, search=search),
        )


async def set_fee(
    payer: Payer, baker_id: str, address: str, fee: BasisPoints, *, actor: str
) -> DelegatorFee:
    """Set the fee of one delegator; raises AddressError, SettingError, NotFoundError."""
    delegator = parse_recipient(address)
    async with payer.ledger.write() as tx:
        await delegator_fees.change(tx, baker_id, {delegator: fee}, actor=actor, at=payer.clock())
    return DelegatorFee(delegator, fee)


async def remove_fee(payer: Payer, baker_id: str, address: str, *, actor: str) -> None:
    """Have a delegator pay the default fee again; NotFoundError when it does already."""
    async with payer.ledger.write() as tx:
        await bakers.get(tx, baker_id)
        await delegator_fees.remove(tx, baker_id, address, actor=actor, at=payer.clock())


async def import_fees(payer: Payer, baker_id: str, text: str, how: Import, *, actor: str) -> int:
    """Take in fees from CSV or JSON, all of them or none; gives how many were named.

    Raises InputError with the line of the first mistake, NotFoundError for an unknown baker.
    """
    # Sixty thousand addresses take seconds: not on the event loop.
    fees = await asyncio.to_thread(parse_fees, text, _NAME)
    write = bakers.replace_fees if how is Import.REPLACE else delegator_fees.change
    async with payer.ledger.write() as tx:
        await write(tx, baker_id, fees, actor=actor, at=payer.clock())
    return len(fees)


async def history(
    ledger: Ledger, baker_id: str, *, limit: int, before: int | None = None
) -> FeeHistory:
    """Give the changes of a baker's fees, newest first, as the audit trail has them."""
    wanted = AuditFilter(action="fees.", subject=baker_id, bakers={baker_id})
    async with ledger.read() as tx:
        await bakers.get(tx, baker_id)
        found = await audit_search.page(tx, wanted, limit=limit, before=before)
    return FeeHistory([_change(each) for each in found.events], found.next_before)


def _change(found: NumberedEvent) -> FeeChange:
    event = found.event
    detail: Mapping[str, Any] = event.detail
    if event.action == delegator_fees.REPLACED:
        return FeeChange(found.id, event.at, event.actor, event.action, None, detail)
    before, after = detail["before"], detail["after"]
    return FeeChange(found.id, event.at, event.actor, event.action, before, after)
