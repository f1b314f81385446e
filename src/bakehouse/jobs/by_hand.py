"""Orders outside any cycle, gone on with while Bakehouse runs: top-ups, and what a person ordered.

Whoever ordered it may be gone: a command that was stopped, a process that died.
"""

import structlog

from bakehouse.alerts.codes import AlertCode
from bakehouse.alerts.raising import holds, order_ended, order_quarantined
from bakehouse.ledger import manual_transfers
from bakehouse.ledger.states import ManualOrigin
from bakehouse.payments.by_hand import OrderStep, advance_order
from bakehouse.payments.payer import Payer
from bakehouse.payments.top_up import top_up

_log = structlog.get_logger(__name__)


async def go_on_topping_up(payer: Payer, baker_id: str) -> None:
    """Top up a payout wallet that is low, one step at a time, and tell why it cannot be."""
    look = await top_up(payer, baker_id)
    if look.step is not None:
        await _tell(payer, look.step)
        if look.step.wait_seconds is not None and look.trouble is None:
            # It is under way: whether it works out is known at the next look.
            return
    await holds(payer, AlertCode.TOP_UP_FAILED, baker_id, look.trouble, baker_id=baker_id)


async def go_on_with_orders(payer: Payer, baker_id: str) -> None:
    """Take each order of a baker that is not done one step further."""
    async with payer.ledger.read() as tx:
        under_way = await manual_transfers.open_of(tx, baker_id)
    for transfer in under_way:
        if transfer.origin is ManualOrigin.TOP_UP:
            await go_on_topping_up(payer, baker_id)
            continue
        step = await advance_order(payer, transfer.id)
        _log.info("order-step", order=transfer.name, state=step.transfer.state.value)
        await _tell(payer, step)


async def _tell(payer: Payer, step: OrderStep) -> None:
    await order_ended(payer, step.transfer)
    for operation in step.quarantined:
        await order_quarantined(payer, step.transfer, operation)
