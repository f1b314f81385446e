"""Raising and closing alerts: stored in the ledger, and said in the log."""

from enum import StrEnum

import structlog

from bakehouse.ledger import alerts
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.payments.payer import Payer

_log = structlog.get_logger(__name__)


class AlertCode(StrEnum):
    """What can deserve a person's attention."""

    DISTRIBUTION_FAILED = "distribution-failed"
    PAYOUT_HELD = "payout-held"
    OPERATION_OVERDUE = "operation-overdue"
    CYCLE_CHECK_FAILED = "cycle-check-failed"
    BALANCE_UNKNOWN = "balance-unknown"


async def alert(
    payer: Payer, code: AlertCode, subject: str, message: str, *, baker_id: str
) -> None:
    """Raise an alert; while it is open, raising it again only counts."""
    async with payer.ledger.write() as tx:
        is_new = await alerts.raise_alert(
            tx, code=code, subject=subject, message=message, at=payer.clock(), baker_id=baker_id
        )
    if is_new:
        _log.error("alert", code=code.value, subject=subject, message=message)


async def close_alert(payer: Payer, code: AlertCode, subject: str) -> None:
    """Close an alert whose cause is gone; does nothing when there is none."""
    async with payer.ledger.write() as tx:
        await alerts.close(tx, code=code, subject=subject, at=payer.clock())


async def distribution_failed(payer: Payer, key: DistributionKey, message: str) -> None:
    """Tell that a cycle could not be distributed and waits for a person."""
    await alert(payer, AlertCode.DISTRIBUTION_FAILED, str(key), message, baker_id=key.baker_id)


async def payouts_held(payer: Payer, key: DistributionKey, count: int) -> None:
    """Tell that payouts of a cycle are held back until a person decides."""
    message = f"{count} payouts of cycle {key.cycle} are held back"
    await alert(payer, AlertCode.PAYOUT_HELD, str(key), message, baker_id=key.baker_id)


async def operation_overdue(payer: Payer, key: DistributionKey, operation: str) -> None:
    """Tell that an operation expired and is in no block; nothing is signed in its place."""
    message = (
        f"{operation} of cycle {key.cycle} has expired and no block was seen to hold it: its "
        "payouts stay bound to it and nothing new is signed; look it up before doing anything"
    )
    await alert(payer, AlertCode.OPERATION_OVERDUE, operation, message, baker_id=key.baker_id)
