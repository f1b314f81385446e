"""Telling a hook what happened, as a row of the ledger has it: at least once, whoever tries it."""

from datetime import datetime, timedelta
from typing import Final

from bakehouse.errors import HookFailedError
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.hooks.question import Request
from bakehouse.ledger import hook_deliveries, hooks
from bakehouse.ledger.deliveries import FIRST_WAIT, next_try_at
from bakehouse.ledger.hook_deliveries import HookDelivery
from bakehouse.ledger.states import DeliveryState
from bakehouse.payments.payer import Payer

_SWITCHED_OFF: Final = "the hook was switched off before it could be told"


async def tell_hook(
    payer: Payer, delivery_id: int, first_wait: timedelta = FIRST_WAIT
) -> HookDelivery:
    """Tell a hook what a delivery is for, unless it was told, and keep what came of it.

    What it answers is not read. Raises HookFailedError when it was not told and may be later;
    NotFoundError when the hook was removed.
    """
    async with payer.ledger.read() as tx:
        wanted = await hook_deliveries.get(tx, delivery_id)
        hook = await hooks.get(tx, wanted.hook_id)
    if wanted.state is DeliveryState.SENT:
        return wanted
    if not hook.is_in_use:
        return await _refused(payer, wanted, _SWITCHED_OFF, None)
    # The same each time, so that who is told twice can tell.
    request = Request(wanted.point, f"{wanted.point}-{wanted.id}", wanted.document.encode())
    try:
        await payer.hooks.call(hook, request)
    except HookFailedError as error:
        next_at = next_try_at(wanted.attempts, payer.clock(), first_wait)
        await _refused(payer, wanted, error.message, next_at)
        raise HookFailedError(f"{hook.name}: {error.message}") from None
    failpoint(Failpoint.HOOK_TOLD)
    async with payer.ledger.write() as tx:
        await hook_deliveries.mark_sent(tx, delivery_id, at=payer.clock())
        return await hook_deliveries.get(tx, delivery_id)


async def _refused(
    payer: Payer, wanted: HookDelivery, reason: str, next_at: datetime | None
) -> HookDelivery:
    async with payer.ledger.write() as tx:
        await hook_deliveries.mark_refused(tx, wanted.id, reason, next_at)
        return await hook_deliveries.get(tx, wanted.id)
