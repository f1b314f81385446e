"""Fees of single delegators: shown by page, set, removed, imported, and how they came to be."""

import asyncio
from dataclasses import dataclass
from typing import Final

from bakehouse.desk.address_history import AddressHistory, address_history
from bakehouse.desk.address_table import Import
from bakehouse.desk.fees_text import parse_fees
from bakehouse.ledger import bakers, delegator_fees
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.delegator_fees import DelegatorFee
from bakehouse.ledger.page import Page, Slice
from bakehouse.payments.payer import Payer
from bakehouse.rewards.money import BasisPoints
from bakehouse.tezos.address import parse_recipient

#: How mistakes in an imported text are told: `the fees, line 3: …`
_NAME: Final = "the fees"


@dataclass(frozen=True, slots=True)
class FeeList:
    """A page of fees; everybody who is not in the list pays the default."""

    default_fee: BasisPoints
    page: Page[DelegatorFee]
    #: How many fit the search.
    count: int


async def list_fees(ledger: Ledger, baker_id: str, part: Slice, *, search: str = "") -> FeeList:
    """Give a page of a baker's fees, ordered by address; NotFoundError for an unknown baker."""
    async with ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
        return FeeList(
            default_fee=baker.default_fee,
            page=await delegator_fees.page(tx, baker_id, part, search=search),
            count=await delegator_fees.count(tx, baker_id, search=search),
        )


async def set_fee(  # noqa: PLR0913 - keyword-only facts of one change
    payer: Payer,
    baker_id: str,
    address: str,
    fee: BasisPoints,
    *,
    actor: str,
    why: str | None = None,
) -> DelegatorFee:
    """Set the fee of one delegator; raises AddressError, SettingError, NotFoundError."""
    delegator = parse_recipient(address)
    async with payer.ledger.write(why=why) as tx:
        await delegator_fees.change(tx, baker_id, {delegator: fee}, actor=actor, at=payer.clock())
    return DelegatorFee(delegator, fee)


async def remove_fee(
    payer: Payer, baker_id: str, address: str, *, actor: str, why: str | None = None
) -> None:
    """Have a delegator pay the default fee again; NotFoundError when it does already."""
    async with payer.ledger.write(why=why) as tx:
        await bakers.get(tx, baker_id)
        await delegator_fees.remove(tx, baker_id, address, actor=actor, at=payer.clock())


async def import_fees(  # noqa: PLR0913 - keyword-only facts of one change
    payer: Payer,
    baker_id: str,
    text: str,
    how: Import,
    *,
    actor: str,
    why: str | None = None,
) -> int:
    """Take in fees from CSV or JSON, all of them or none; gives how many were named.

    Raises InputError with the line of the first mistake, NotFoundError for an unknown baker.
    """
    # Sixty thousand addresses take seconds: not on the event loop.
    fees = await asyncio.to_thread(parse_fees, text, _NAME)
    write = bakers.replace_fees if how is Import.REPLACE else delegator_fees.change
    async with payer.ledger.write(why=why) as tx:
        await write(tx, baker_id, fees, actor=actor, at=payer.clock())
    return len(fees)


async def history(
    ledger: Ledger, baker_id: str, *, limit: int, before: int | None = None
) -> AddressHistory:
    """Give the changes of a baker's fees, newest first; NotFoundError for an unknown baker."""
    replaced = delegator_fees.REPLACED
    return await address_history(ledger, baker_id, replaced, limit=limit, before=before)
