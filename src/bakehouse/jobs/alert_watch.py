"""What no job can tell of itself, looked for every minute: silence, failed jobs, alerts unheard."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from bakehouse.alerts.codes import AlertCode
from bakehouse.alerts.outbox import repeat_critical
from bakehouse.alerts.raising import holds
from bakehouse.alerts.rules import queue_failing, schedule_silent
from bakehouse.alerts.taking_back import close_what_is_over
from bakehouse.errors import InputError, NotFoundError, QueueUnreachableError
from bakehouse.jobs import job_requests
from bakehouse.jobs.forever import forever
from bakehouse.jobs.job_types import JobName, JobState, JobView, QueueName
from bakehouse.jobs.last_run import last_success, last_successes
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger import (
    alert_deliveries,
    alerts,
    announcements,
    bakers,
    distributions,
    hook_deliveries,
    hooks,
)
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.states import AnnouncementState, DeliveryState, DistributionState, Mode
from bakehouse.payments.payer import Payer

_log = structlog.get_logger(__name__)

#: Under which the signs of life are left for the next who watches, and for how long: a house that
#: was not watched for longer has just been started.
_LEFT_SIGNS = "signs-of-life"
_LEFT_MINUTES = 3

#: When each baker's cycles were last looked at, as far as this process knows.
SignsOfLife = dict[str, datetime]


async def look_for_trouble(workshop: Workshop, signs_of_life: SignsOfLife) -> None:
    """Raise and close what follows from ledger and queue as they are now.

    `signs_of_life` is kept from one look to the next. A baker that is seen for the first time is
    taken to be well: after a start, what was missed is being made up for.
    """
    payer = workshop.payer
    await close_what_is_over(payer)
    async with payer.ledger.read() as tx:
        registered = await bakers.everyone(tx)
        told = await alerts.open_subjects(tx, AlertCode.SCHEDULE_SILENT)
    queue_answers = await _queue_answers(workshop)
    if queue_answers:
        await _note_signs_of_life(workshop, registered, signs_of_life)
    for baker in registered:
        await _tell_if_silent(workshop, baker, signs_of_life, is_told=baker.baker_id in told)
    await _repeat(payer)
    if queue_answers:
        for queue in QueueName:
            await _tell_if_failing(workshop, queue)


async def watch_forever(workshop: Workshop) -> None:
    """Look every minute until cancelled; a failure is logged and tried again.

    What is known is left for whoever watches next: else every change of the watch would give a
    silence its time again.
    """
    signs_of_life: SignsOfLife = {}

    async def look() -> None:
        if not signs_of_life:
            signs_of_life.update(await _left_signs(workshop))
        await look_for_trouble(workshop, signs_of_life)
        await _leave_signs(workshop, signs_of_life)

    await forever(look, workshop.minute_seconds, "looking-for-trouble-failed")


async def _left_signs(workshop: Workshop) -> SignsOfLife:
    try:
        left = await workshop.cache.get(_LEFT_SIGNS)
    except QueueUnreachableError:
        return {}
    if not isinstance(left, Mapping):
        return {}
    return {each: datetime.fromisoformat(at) for each, at in left.items() if isinstance(at, str)}


async def _leave_signs(workshop: Workshop, signs_of_life: SignsOfLife) -> None:
    left = {each: at.isoformat() for each, at in signs_of_life.items()}
    with suppress(QueueUnreachableError):
        await workshop.cache.set(_LEFT_SIGNS, left, _LEFT_MINUTES * workshop.minute_seconds)


async def _queue_answers(workshop: Workshop) -> bool:
    try:
        await workshop.engine.ping()
    except QueueUnreachableError as error:
        _log.warning("queue-does-not-answer", error=error.message)
        return False
    return True


async def _note_signs_of_life(
    workshop: Workshop, registered: Sequence[Baker], signs_of_life: SignsOfLife
) -> None:
    ids = [baker.baker_id for baker in registered]
    seen_of_all = await last_successes(workshop, [job_requests.cycle_monitor_id(i) for i in ids])
    for baker_id, seen in zip(ids, seen_of_all, strict=True):
        known = signs_of_life.get(baker_id)
        if seen is not None and known is not None and seen > known:
            signs_of_life[baker_id] = seen


async def _tell_if_silent(
    workshop: Workshop, baker: Baker, signs_of_life: SignsOfLife, *, is_told: bool
) -> None:
    now, baker_id = workshop.payer.clock(), baker.baker_id
    message = None
    if baker.scheduled and baker.mode is not Mode.OFF:
        period = timedelta(seconds=baker.update_freq * workshop.minute_seconds)
        message = schedule_silent(signs_of_life.setdefault(baker_id, now), period, now)
    else:
        signs_of_life.pop(baker_id, None)
    if message is not None or is_told:
        await holds(workshop.payer, AlertCode.SCHEDULE_SILENT, baker_id, message, baker_id=baker_id)


async def _repeat(payer: Payer) -> None:
    async with payer.ledger.write() as tx:
        repeated = await repeat_critical(tx, at=payer.clock())
    for alert in repeated:
        _log.error("alert-repeated", code=alert.code, subject=alert.subject, message=alert.message)


async def _tell_if_failing(workshop: Workshop, queue: QueueName) -> None:
    failed = await workshop.engine.jobs(queue, [JobState.FAILED])
    waiting = [job for job in failed if not await _is_made_good(workshop, job)]
    message = queue_failing(queue, [job.failed_reason or "no reason given" for job in waiting])
    await holds(workshop.payer, AlertCode.QUEUE_FAILING, queue.value, message, baker_id=None)


async def _is_made_good(workshop: Workshop, job: JobView) -> bool:
    """Whether what a failed job was for has been done since."""
    try:
        match job.queue:
            case QueueName.CYCLE_MONITORING:
                schedule_id = job_requests.cycle_monitor_id(job_requests.baker_of(job.data))
                return await _has_succeeded_since(workshop, job, schedule_id)
            case QueueName.BLOCKCHAIN_POLLING:
                schedule_id = job_requests.balance_poll_id(job_requests.baker_of(job.data))
                return await _has_succeeded_since(workshop, job, schedule_id)
            case QueueName.REWARD_DISTRIBUTION | QueueName.BOND_POOL:
                return await _is_taken_up(workshop, job)
            case QueueName.ALERT_DELIVERY:
                return await _is_sent(workshop, job)
    except InputError:
        # Whatever it was for, nobody here will do it.
        return False


async def _has_succeeded_since(workshop: Workshop, job: JobView, schedule_id: str) -> bool:
    succeeded_at = await last_success(workshop, schedule_id)
    return bool(succeeded_at and job.finished_at and succeeded_at > job.finished_at)


async def _is_taken_up(workshop: Workshop, job: JobView) -> bool:
    async with workshop.payer.ledger.read() as tx:
        found = await distributions.find(tx, job_requests.distribution_of(job.data))
    return found is not None and found.state is not DistributionState.FAILED


async def _is_sent(workshop: Workshop, job: JobView) -> bool:
    number = job_requests.delivery_of(job.data)
    async with workshop.payer.ledger.read() as tx:
        try:
            match job.name:
                case JobName.DELIVER_ANNOUNCEMENT:
                    announcement = await announcements.get(tx, number)
                    return announcement.state is not AnnouncementState.FAILED
                case JobName.TELL_HOOK:
                    told = await hook_deliveries.get(tx, number)
                    await hooks.get(tx, told.hook_id)
                    return told.state is DeliveryState.SENT
            delivery = await alert_deliveries.get(tx, number)
        except NotFoundError:
            return True
    return delivery.state is DeliveryState.SENT
