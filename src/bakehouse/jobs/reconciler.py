"""Ledger against queue, at start and every minute: what the queue forgot is asked for again."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from bakehouse.alerts.codes import AlertCode
from bakehouse.alerts.raising import chain_differs, close_alert
from bakehouse.jobs import job_requests
from bakehouse.jobs.by_hand import go_on_with_orders
from bakehouse.jobs.forever import forever
from bakehouse.jobs.scheduler import Scheduler
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger import bakers, distributions, manual_transfers, operations
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.payments.advance import watch_unfinished
from bakehouse.payments.verify import verify_settled

_log = structlog.get_logger(__name__)

#: Distributions that are matched with the chain in one minute, and differences told in an alert.
_VERIFIED_AT_ONCE_MAX = 5
_DIFFERENCES_TOLD_MAX = 5

#: Bakers whose wallets are followed side by side: one that hangs keeps few others waiting.
_FOLLOWED_AT_ONCE_MAX: Final = 8

#: Bakers looked at in a second after a start: a thousand of them must not ask nodes all at once.
LOOKS_A_SECOND: Final = 20


def _nothing() -> None:
    """Do nothing: for whoever does not want to be told."""


async def reconcile(workshop: Workshop, scheduler: Scheduler) -> None:
    """Re-create missing schedules and jobs, and follow what was signed; safe to run at any time."""
    await keep_in_step(workshop, scheduler)
    await follow_everyone(workshop)


async def keep_in_step(workshop: Workshop, scheduler: Scheduler) -> None:
    """Re-create missing schedules and jobs, and match with the chain what was paid.

    Needs no key, and may be done by several at a time.
    """
    async with workshop.payer.ledger.read() as tx:
        registered = await bakers.everyone(tx)
        open_ones = await distributions.unsettled(tx)
    made = await scheduler.ensure_schedules(registered)
    if made:
        _log.info("schedules-made", count=made)
    by_id = {baker.baker_id: baker for baker in registered}
    await _resume(workshop, by_id, open_ones)
    await _verify(workshop, by_id)


async def follow_everyone(workshop: Workshop) -> None:
    """Follow what was signed and is undecided, and go on with orders by hand; may sign."""
    async with workshop.payer.ledger.read() as tx:
        unfinished = await operations.bakers_with_unfinished(tx)
        ordered = await manual_transfers.bakers_with_open(tx)
    some = asyncio.Semaphore(_FOLLOWED_AT_ONCE_MAX)

    async def follow(baker_id: str) -> None:
        async with some:
            await _follow(workshop, baker_id)

    await asyncio.gather(*(follow(each) for each in sorted({*unfinished, *ordered})))


async def look_at_once(workshop: Workshop) -> None:
    """Have every scheduled baker's cycles checked now: what was missed must not wait longer."""
    async with workshop.payer.ledger.read() as tx:
        registered = await bakers.everyone(tx)
    looked_at = [each for each in registered if each.scheduled and each.mode is not Mode.OFF]
    for number, baker in enumerate(looked_at):
        request = job_requests.look_after_start(baker.baker_id, number // LOOKS_A_SECOND)
        await workshop.engine.add(request)


async def reconcile_forever(
    workshop: Workshop, scheduler: Scheduler, on_success: Callable[[], None] = _nothing
) -> None:
    """Reconcile every minute until cancelled; a failure is logged and tried again."""

    async def once() -> None:
        await reconcile(workshop, scheduler)
        on_success()

    await forever(once, workshop.minute_seconds, "reconciling-failed")


async def keep_in_step_forever(
    workshop: Workshop, scheduler: Scheduler, on_success: Callable[[], None] = _nothing
) -> None:
    """Keep in step from now on, every minute until cancelled; looks at once at the first time."""
    has_looked = False

    async def once() -> None:
        nonlocal has_looked
        await keep_in_step(workshop, scheduler)
        if not has_looked:
            await look_at_once(workshop)
            has_looked = True
        on_success()

    await forever(once, workshop.minute_seconds, "reconciling-failed", at_once=True)


async def follow_forever(workshop: Workshop) -> None:
    """Follow everyone from now on, every minute until cancelled."""
    await forever(
        lambda: follow_everyone(workshop),
        workshop.minute_seconds,
        "following-failed",
        at_once=True,
    )


async def _resume(
    workshop: Workshop, registered: Mapping[str, Baker], open_ones: list[Distribution]
) -> None:
    oldest: dict[str, dict[DistributionKind, Distribution]] = defaultdict(dict)
    for each in open_ones:
        if each.key.mode is registered[each.key.baker_id].mode:
            oldest[each.key.baker_id].setdefault(each.key.kind, each)
    for baker_id, by_kind in oldest.items():
        for distribution in by_kind.values():
            request = job_requests.distribute(
                distribution.key, registered[baker_id], workshop.minute_seconds
            )
            await workshop.engine.add(request)


async def _verify(workshop: Workshop, registered: Mapping[str, Baker]) -> None:
    """Read the chain again for what was paid since the last time."""
    async with workshop.payer.ledger.read() as tx:
        paid = await distributions.unverified(tx, _verified_at_once(len(registered)))
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


def _verified_at_once(baker_count: int) -> int:
    # A cycle of a thousand bakers is to be matched within an hour or two.
    return max(_VERIFIED_AT_ONCE_MAX, baker_count // 50)


async def _follow(workshop: Workshop, baker_id: str) -> None:
    try:
        await watch_unfinished(workshop.payer, baker_id)
        await go_on_with_orders(workshop.payer, baker_id)
    except Exception as error:  # noqa: BLE001 - one baker's trouble must not keep others waiting
        _log.warning("watching-failed", baker=baker_id, error=str(error))
