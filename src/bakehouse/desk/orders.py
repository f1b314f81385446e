"""Orders outside any cycle as people give them: transfers by hand, looked at and given up."""

from dataclasses import dataclass

from bakehouse.errors import NotFoundError
from bakehouse.ledger import bakers, manual_transfers, operations
from bakehouse.ledger.manual_transfers import ManualTransfer
from bakehouse.ledger.page import Page, Slice
from bakehouse.payments.controls import Decision
from bakehouse.payments.payer import Payer


@dataclass(frozen=True, slots=True)
class ShownOrder:
    """An order, and the hash of the operation that does it."""

    transfer: ManualTransfer
    operation: str | None


async def list_orders(payer: Payer, baker_id: str, part: Slice) -> Page[ShownOrder]:
    """Give a page of a baker's orders, the newest first; NotFoundError for an unknown baker."""
    async with payer.ledger.read() as tx:
        await bakers.get(tx, baker_id)
        page = await manual_transfers.listed(tx, baker_id, part)
        ids = {each.operation_id for each in page.rows if each.operation_id is not None}
        hashes = {each.id: each.hash for each in await operations.by_ids(tx, ids)}
    return page.of_each(lambda each: ShownOrder(each, hashes.get(each.operation_id or 0)))


async def give_up(payer: Payer, baker_id: str, transfer_id: int, by: Decision) -> ManualTransfer:
    """Give up an order that is not signed; ConflictError for one that is, or is done or failed."""
    async with payer.ledger.write() as tx:
        found = await manual_transfers.by_id(tx, transfer_id)
        if found.baker_id != baker_id:
            raise NotFoundError(f"there is no order {transfer_id} of {baker_id}")
        reason = f"given up: {by.why} ({by.actor})"
        await manual_transfers.give_up(tx, found, reason, actor=by.actor, at=by.at)
        return await manual_transfers.by_id(tx, transfer_id)
