"""Raising and closing alerts: stored in the ledger, and said in the log."""

from enum import StrEnum

import structlog

from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger import alerts
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.payments.payer import Payer

_log = structlog.get_logger(__name__)


class AlertCode(StrEnum):
    """What can deserve a person's attention."""

    DISTRIBUTION_FAILED = "distribution-failed"
    PAYOUT_HELD = "payout-held"
    OPERATION_QUARANTINED = "operation-quarantined"
    GUARD_REFUSED = "guard-refused"
    GO_NEEDED = "go-needed"
    SOURCES_TROUBLED = "sources-troubled"
    CHAIN_DIFFERS = "chain-differs"
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
    failpoint(Failpoint.ALERT_STORED)
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
