"""Closing alerts about distributions whose cause is gone, as the ledger has it."""

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.alerts.codes import AlertCode
from bakehouse.alerts.raising import close_alert
from bakehouse.ledger import (
    alerts,
    announcements,
    bakers,
    distributions,
    hook_consultations,
    operations,
    payouts,
)
from bakehouse.ledger.alerts import Alert, AlertFilter
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.states import (
    SETTLED_DISTRIBUTIONS,
    DistributionKind,
    Mode,
    OperationState,
    PayoutState,
    Verdict,
)
from bakehouse.payments.payer import Payer

_CODES = frozenset(
    {
        AlertCode.DISTRIBUTION_FAILED,
        AlertCode.GUARD_REFUSED,
        AlertCode.PAYOUT_HELD,
        AlertCode.GO_NEEDED,
        AlertCode.OPERATION_QUARANTINED,
        AlertCode.HOOK_VETOED,
        AlertCode.HOOK_FAILING,
        AlertCode.ANNOUNCEMENT_UNSURE,
    }
)

_VERDICTS = {AlertCode.HOOK_VETOED: Verdict.VETOED, AlertCode.HOOK_FAILING: Verdict.FAILED}


async def close_what_is_over(payer: Payer, baker_id: str | None = None) -> None:
    """Close each open alert of a baker, or of all, that the ledger gives no reason for any more."""
    baker_ids = None if baker_id is None else [baker_id]
    async with payer.ledger.read() as tx:
        open_ones = await alerts.listed(
            tx, AlertFilter(is_open=True, codes=_CODES, baker_ids=baker_ids)
        )
        over = [each for each in open_ones if await _is_over(tx, each)]
    for each in over:
        await close_alert(payer, AlertCode(each.code), each.subject)


async def _is_over(tx: AsyncConnection, alert: Alert) -> bool:
    match alert.code:
        case AlertCode.OPERATION_QUARANTINED:
            operation = await operations.find(tx, alert.subject)
            return operation is None or operation.state is not OperationState.QUARANTINED
        case AlertCode.ANNOUNCEMENT_UNSURE:
            return not await announcements.is_unsure(tx, int(alert.subject))
        case _:
            return await _is_over_for_its_distribution(tx, alert)


async def _is_over_for_its_distribution(tx: AsyncConnection, alert: Alert) -> bool:
    distribution = await _distribution(tx, alert.subject)
    if distribution is None:
        return False
    is_settled = distribution.state in SETTLED_DISTRIBUTIONS
    match alert.code:
        case AlertCode.PAYOUT_HELD:
            counts = await payouts.count_by_state(tx, distribution)
            return PayoutState.HELD not in counts
        case AlertCode.GO_NEEDED:
            return is_settled or distribution.approved_at is not None
        case AlertCode.HOOK_VETOED | AlertCode.HOOK_FAILING:
            refusing = await hook_consultations.refusing(tx, distribution.id)
            verdict = _VERDICTS[AlertCode(alert.code)]
            return is_settled or verdict not in {each.verdict for each in refusing}
        case _:
            return is_settled


async def _distribution(tx: AsyncConnection, subject: str) -> Distribution | None:
    """Find what an alert is about: `str(key)`, with the guard that refused after it or not."""
    try:
        baker_id, cycle, kind, mode, *_ = subject.split("/")
        whose, number = await bakers.find(tx, baker_id), int(cycle)
        wanted = DistributionKind(kind), Mode(mode)
    except ValueError:
        return None
    if whose is None:
        return None
    return await distributions.find(tx, DistributionKey(whose.network, baker_id, number, *wanted))
