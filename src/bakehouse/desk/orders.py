"""Orders outside any cycle as people give them: transfers by hand, seen, given up, given again."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import ConflictError, NotFoundError
from bakehouse.ledger import bakers, manual_transfers, operations
from bakehouse.ledger.manual_transfers import ManualTransfer
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.page import Page, Slice
from bakehouse.ledger.states import IN_FLIGHT, ManualOrigin, ManualState
from bakehouse.payments.controls import Decision
from bakehouse.payments.orders import order_reveal, order_transfer
from bakehouse.payments.payer import Payer


@dataclass(frozen=True, slots=True)
class ShownOrder:
    """An order, and the operation that does it."""

    transfer: ManualTransfer
    operation: Operation | None

    @property
    def operation_hash(self) -> str | None:
        """The operation's hash; None while nothing is signed."""
        return self.operation.hash if self.operation else None

    @property
    def may_be_given_up(self) -> bool:
        """Whether it can be taken back at once: nothing is signed for it."""
        return self.transfer.state is ManualState.WANTED

    @property
    def may_be_cancelled(self) -> bool:
        """Whether its operation may still be kept out of every block."""
        signed = self.operation
        return (
            self.transfer.state is ManualState.ASSIGNED
            and signed is not None
            and signed.state in IN_FLIGHT
            and signed.cancel_requested_at is None
        )

    @property
    def may_be_given_again(self) -> bool:
        """Whether a person can give it once more; a top-up is given by Bakehouse itself."""
        is_failed = self.transfer.state is ManualState.FAILED
        return is_failed and self.transfer.origin is not ManualOrigin.TOP_UP


async def list_orders(payer: Payer, baker_id: str, part: Slice) -> Page[ShownOrder]:
    """Give a page of a baker's orders, the newest first; NotFoundError for an unknown baker."""
    async with payer.ledger.read() as tx:
        await bakers.get(tx, baker_id)
        page = await manual_transfers.listed(tx, baker_id, part)
        ids = {each.operation_id for each in page.rows if each.operation_id is not None}
        known = {each.id: each for each in await operations.by_ids(tx, ids)}
    return page.of_each(lambda each: ShownOrder(each, known.get(each.operation_id or 0)))


async def find_order(payer: Payer, baker_id: str, transfer_id: int) -> ShownOrder:
    """Give one order of a baker; NotFoundError for one that is not there, or is another's."""
    async with payer.ledger.read() as tx:
        found = await _own(tx, baker_id, transfer_id)
        ids = {found.operation_id} if found.operation_id is not None else set()
        known = await operations.by_ids(tx, ids)
    return ShownOrder(found, known[0] if known else None)


async def give_up(payer: Payer, baker_id: str, transfer_id: int, by: Decision) -> ManualTransfer:
    """Give up an order that is not signed; ConflictError for one that is, or is done or failed."""
    async with payer.ledger.write() as tx:
        found = await _own(tx, baker_id, transfer_id)
        reason = f"given up: {by.why} ({by.actor})"
        await manual_transfers.give_up(tx, found, reason, actor=by.actor, at=by.at)
        return await manual_transfers.by_id(tx, transfer_id)


async def give_again(payer: Payer, baker_id: str, transfer_id: int, by: Decision) -> ManualTransfer:
    """Give a failed order once more: the same facts under the same key.

    Raises ConflictError for an order that did not fail, or is not for a person to give, and what
    ordering raises.
    """
    found = await find_order(payer, baker_id, transfer_id)
    order = found.transfer
    if not found.may_be_given_again:
        raise ConflictError(
            f"{order.name} is {order.state}: only a failed order of a person can be given again"
        )
    if order.origin is ManualOrigin.REVEAL:
        # Under a key that is known it is ordered, whatever the chain says: a guard tells later.
        return await order_reveal(payer, baker_id, by, key=order.idempotence_key) or order
    return await order_transfer(
        payer,
        baker_id,
        order.destination,
        order.amount,
        by,
        key=order.idempotence_key,
        origin=order.origin,
        spends_owed=order.spends_owed,
    )


async def _own(tx: AsyncConnection, baker_id: str, transfer_id: int) -> ManualTransfer:
    found = await manual_transfers.by_id(tx, transfer_id)
    if found.baker_id != baker_id:
        raise NotFoundError(f"there is no order {transfer_id} of {baker_id}")
    return found
