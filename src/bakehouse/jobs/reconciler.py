"""Ledger against queue, at start and every minute: what the queue forgot is asked for again."""

from collections.abc import Callable, Mapping

import structlog

from bakehouse.alerts.codes import AlertCode
from bakehouse.alerts.raising import chain_differs, close_alert
from bakehouse.jobs import job_requests
from bakehouse.jobs.by_hand import go_on_with_orders
from bakehouse.jobs.forever import forever
from bakehouse.jobs.scheduler import Scheduler
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger import bakers, distributions
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.payments.advance import watch_unfinished
from bakehouse.payments.verify import verify_settled

_log = structlog.get_logger(__name__)

#: Distributions that are matched with the chain in one minute, and differences told in an alert.
_VERIFIED_AT_ONCE_MAX = 5
_DIFFERENCES_TOLD_MAX = 5


def _nothing() -> None:
    """Do nothing: for whoever does not want to be told."""


async def reconcile(workshop: Workshop, scheduler: Scheduler) -> None:
    """Re-create missing schedules and jobs, and follow what was signed; safe to run at any time."""
    async with workshop.payer.ledger.read() as tx:
        registered = await bakers.everyone(tx)
        open_ones = await distributions.unsettled(tx)
    made = await scheduler.ensure_schedules(registered)
    if made:
        _log.info("schedules-made", count=made)
    for baker in registered:
        await _resume(workshop, baker, [each for each in open_ones if _is_for(baker, each)])
        await _watch(workshop, baker)
    await _verify(workshop, {baker.baker_id: baker for baker in registered})


async def look_at_once(workshop: Workshop) -> None:
    """Have every scheduled baker's cycles checked now: what was missed must not wait longer."""
    async with workshop.payer.ledger.read() as tx:
        registered = await bakers.everyone(tx)
    for baker in registered:
        if baker.scheduled and baker.mode is not Mode.OFF:
            await workshop.engine.add(job_requests.check_cycle(baker.baker_id))


async def reconcile_forever(
    workshop: Workshop, scheduler: Scheduler, on_success: Callable[[], None] = _nothing
) -> None:
    """Reconcile every minute until cancelled; a failure is logged and tried again."""

    async def once() -> None:
        await reconcile(workshop, scheduler)
        on_success()

    await forever(once, workshop.minute_seconds, "reconciling-failed")


def _is_for(baker: Baker, distribution: Distribution) -> bool:
    return distribution.key.baker_id == baker.baker_id and distribution.key.mode is baker.mode


async def _resume(workshop: Workshop, baker: Baker, open_ones: list[Distribution]) -> None:
    for kind in DistributionKind:
        oldest = next((each.key for each in open_ones if each.key.kind is kind), None)
        if oldest is not None:
            request = job_requests.distribute(oldest, baker, workshop.minute_seconds)
            await workshop.engine.add(request)


async def _verify(workshop: Workshop, registered: Mapping[str, Baker]) -> None:
    """Read the chain again for what was paid since the last time."""
    async with workshop.payer.ledger.read() as tx:
        paid = await distributions.unverified(tx, _VERIFIED_AT_ONCE_MAX)
    for distribution in paid:
        key = distribution.key
        try:
            found = await verify_settled(workshop.payer, registered[key.baker_id], distribution)
        except Exception as error:  # noqa: BLE001 - one baker's trouble must not keep others waiting
            _log.warning("verifying-failed", distribution=str(key), error=str(error))
            continue
        if found.differences:
            words = "; ".join(each.words for each in found.differences[:_DIFFERENCES_TOLD_MAX])
            await chain_differs(workshop.payer, key, words)
        else:
            await close_alert(workshop.payer, AlertCode.CHAIN_DIFFERS, str(key))


async def _watch(workshop: Workshop, baker: Baker) -> None:
    try:
        await watch_unfinished(workshop.payer, baker.baker_id)
        await go_on_with_orders(workshop.payer, baker.baker_id)
    except Exception as error:  # noqa: BLE001 - one baker's trouble must not keep others waiting
        _log.warning("watching-failed", baker=baker.baker_id, error=str(error))
