"""Raising and closing alerts: stored in the ledger with what is to be sent, and said in the log."""

from collections.abc import Collection
from typing import Final

import structlog

from bakehouse.alerts.codes import AlertCode
from bakehouse.alerts.outbox import tell
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger import alerts
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.manual_transfers import ManualTransfer
from bakehouse.ledger.states import DistributionState, ManualOrigin, ManualState, Telling
from bakehouse.payments.payer import Payer
from bakehouse.payments.step import HookStop
from bakehouse.rewards.money import Mutez, format_tez

_log = structlog.get_logger(__name__)

#: Failures in a row of a hook before a person is told: it may just be restarted.
HOOK_FAILURES_TOLD: Final = 3


async def alert(
    payer: Payer, code: AlertCode, subject: str, message: str, *, baker_id: str | None
) -> None:
    """Raise an alert and have it told; while it is open, raising it again only counts."""
    at = payer.clock()
    async with payer.ledger.write() as tx:
        alert_id = await alerts.raise_alert(
            tx, code=code, subject=subject, message=message, at=at, baker_id=baker_id
        )
        if alert_id is not None:
            await tell(tx, alert_id, Telling.RAISED, at=at)
    failpoint(Failpoint.ALERT_STORED)
    if alert_id is not None:
        _log.error("alert", code=code.value, subject=subject, message=message)


async def event(
    payer: Payer, code: AlertCode, subject: str, message: str, *, baker_id: str
) -> None:
    """Have it told that something happened, which waits for nobody; once for each subject."""
    at = payer.clock()
    async with payer.ledger.write() as tx:
        alert_id = await alerts.note_event(
            tx, code=code, subject=subject, message=message, at=at, baker_id=baker_id
        )
        if alert_id is not None:
            await tell(tx, alert_id, Telling.RAISED, at=at)


async def close_alert(payer: Payer, code: AlertCode, subject: str) -> None:
    """Close an alert whose cause is gone, and have it told; does nothing when there is none."""
    await close_alerts(payer, [code], subject)


async def close_alerts(payer: Payer, codes: Collection[AlertCode], subject: str) -> None:
    """Close what alerts about a subject there are, their causes being gone; see `close_alert`."""
    async with payer.ledger.read() as tx:
        # Mostly there is none: nobody has to wait for the lock to write then.
        still_open = await alerts.open_codes(tx, codes, subject)
    for code in sorted(still_open):
        await _close(payer, code, subject)


async def _close(payer: Payer, code: str, subject: str) -> None:
    at = payer.clock()
    async with payer.ledger.write() as tx:
        alert_id = await alerts.close(tx, code=code, subject=subject, at=at)
        if alert_id is not None:
            await tell(tx, alert_id, Telling.CLOSED, at=at)
    if alert_id is not None:
        _log.info("alert-closed", code=code, subject=subject)


async def holds(
    payer: Payer, code: AlertCode, subject: str, message: str | None, *, baker_id: str | None
) -> None:
    """Raise an alert while there is a message, close it when there is none."""
    if message is None:
        await close_alert(payer, code, subject)
    else:
        await alert(payer, code, subject, message, baker_id=baker_id)


async def distribution_failed(payer: Payer, key: DistributionKey, message: str) -> None:
    """Tell that a cycle could not be distributed and waits for a person."""
    await alert(payer, AlertCode.DISTRIBUTION_FAILED, str(key), message, baker_id=key.baker_id)


async def payouts_held(payer: Payer, key: DistributionKey, count: int) -> None:
    """Tell that payouts of a cycle are held back until a person decides."""
    message = f"{count} payouts of cycle {key.cycle} are held back"
    await alert(payer, AlertCode.PAYOUT_HELD, str(key), message, baker_id=key.baker_id)


async def operation_quarantined(payer: Payer, key: DistributionKey, operation: str) -> None:
    """Tell that an operation is over and nobody can prove what became of it."""
    message = (
        f"{operation} of cycle {key.cycle} is in no block, as far as can be seen, but that could "
        "not be proven: its payouts stay bound to it and nothing new is signed. Give Bakehouse a "
        "node with the whole history, or look it up and declare it dead"
    )
    await alert(payer, AlertCode.OPERATION_QUARANTINED, operation, message, baker_id=key.baker_id)


async def guard_refused(payer: Payer, key: DistributionKey, guard: str, reason: str) -> None:
    """Tell that a check before signing did not pass."""
    await alert(payer, AlertCode.GUARD_REFUSED, f"{key}/{guard}", reason, baker_id=key.baker_id)


async def order_ended(payer: Payer, transfer: ManualTransfer) -> None:
    """Tell that an order outside any cycle was refused, or failed; what is well is no news."""
    if transfer.origin is ManualOrigin.TOP_UP or transfer.state is not ManualState.FAILED:
        return
    message = (
        f"{format_tez(transfer.amount)} tez to {transfer.destination} ({transfer.origin}, key "
        f"{transfer.idempotence_key}): {transfer.reason}"
    )
    await event(
        payer,
        AlertCode.ORDER_FAILED,
        f"{transfer.name}/{transfer.ordered_at.isoformat()}",
        message,
        baker_id=transfer.baker_id,
    )


async def order_quarantined(payer: Payer, transfer: ManualTransfer, operation: str) -> None:
    """Tell that nobody can prove what became of an order's operation."""
    message = (
        f"{operation}, of the {transfer.origin} {transfer.idempotence_key}, is in no block, as far "
        "as can be seen, but that could not be proven: nothing new is signed from "
        f"{transfer.source}. Give Bakehouse a node with the whole history, or look it up and "
        "declare it dead"
    )
    baker_id = transfer.baker_id
    await alert(payer, AlertCode.OPERATION_QUARANTINED, operation, message, baker_id=baker_id)


async def go_needed(payer: Payer, key: DistributionKey) -> None:
    """Tell that the first cycle a baker is to pay waits for a person."""
    message = (
        f"cycle {key.cycle} is planned and would be the first that is paid: look at the plan, then "
        f"let it go (`bakehouse go {key.baker_id} {key.cycle} --why …`)"
    )
    await alert(payer, AlertCode.GO_NEEDED, str(key), message, baker_id=key.baker_id)


async def sources_troubled(payer: Payer, baker_id: str, trouble: str) -> None:
    """Tell that payments have been waiting for nodes or indexers for too long."""
    await alert(payer, AlertCode.SOURCES_TROUBLED, baker_id, trouble, baker_id=baker_id)


async def chain_differs(payer: Payer, key: DistributionKey, words: str) -> None:
    """Tell that the chain, read again after paying, is not what the ledger says."""
    await alert(payer, AlertCode.CHAIN_DIFFERS, str(key), words, baker_id=key.baker_id)


async def hook_refuses(payer: Payer, key: DistributionKey, stop: HookStop) -> None:
    """Tell that a hook keeps a cycle waiting: of a veto at once, of silence once it lasts."""
    if not stop.is_veto and stop.failures < HOOK_FAILURES_TOLD:
        return
    code = AlertCode.HOOK_VETOED if stop.is_veto else AlertCode.HOOK_FAILING
    message = f"cycle {key.cycle} ({key.kind}) waits: {stop.words}"
    await alert(payer, code, str(key), message, baker_id=key.baker_id)


async def cycle_paid(payer: Payer, distribution: Distribution, payouts: int, amount: Mutez) -> None:
    """Tell, once for each, that a distribution was paid; a simulated one is no news.

    `amount` (mutez) is what arrived.
    """
    key = distribution.key
    if distribution.state is not DistributionState.PAID:
        return
    message = f"cycle {key.cycle} ({key.kind}): {payouts} payouts, {format_tez(amount)} tez in all"
    await event(payer, AlertCode.CYCLE_PAID, str(key), message, baker_id=key.baker_id)
