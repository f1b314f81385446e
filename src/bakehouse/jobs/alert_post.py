"""What is still to be told, from the ledger to the queue: nothing that was stored stays untold.

Alerts, announcements, and what hooks are told of.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog

from bakehouse.alerts.announcing import CLAIM_LASTS
from bakehouse.alerts.sending import deliver
from bakehouse.errors import NotFoundError, QueueUnreachableError, UndeliveredError
from bakehouse.jobs import job_requests
from bakehouse.jobs.forever import forever
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger import alert_deliveries, announcements, hook_deliveries
from bakehouse.ledger.alert_deliveries import Delivery
from bakehouse.secret_box import SecretKeyFile

_log = structlog.get_logger(__name__)

#: Between two looks at what is to be told; less where minutes are short.
_POST_SECONDS: Final = 5
_AT_ONCE_MAX: Final = 100


async def post_alerts(workshop: Workshop, secret_key: SecretKeyFile) -> None:
    """Have everything that is due sent by a job; one whose job is under way gets no second.

    While the queue does not answer, which is when people want to hear, it is sent from here.
    """
    payer = workshop.payer
    async with payer.ledger.read() as tx:
        due = await alert_deliveries.due(tx, payer.clock(), _AT_ONCE_MAX)
    if not due:
        return
    try:
        # Says at once that the queue is away; adding a job would wait for it.
        await workshop.engine.ping()
        for delivery in due:
            request = job_requests.deliver_alert(delivery, workshop.minute_seconds)
            await workshop.engine.add(request)
    except QueueUnreachableError:
        await _send_from_here(workshop, secret_key, due)


async def post_news(workshop: Workshop) -> None:
    """Have announcements and what hooks are told sent by jobs, as alerts are.

    Nobody needs them while the queue is away: then they wait.
    """
    payer = workshop.payer
    now = payer.clock()
    async with payer.ledger.read() as tx:
        said = await announcements.due(tx, now, now - CLAIM_LASTS, _AT_ONCE_MAX)
        told = await hook_deliveries.due(tx, now, _AT_ONCE_MAX)
    if not said and not told:
        return
    await workshop.engine.ping()
    for each in said:
        request = job_requests.deliver_announcement(each, workshop.minute_seconds)
        await workshop.engine.add(request)
    for delivery in told:
        await workshop.engine.add(job_requests.tell_hook(delivery, workshop.minute_seconds))


async def post_alerts_forever(workshop: Workshop, secret_key: SecretKeyFile) -> None:
    """Post every few seconds until cancelled; a failure is logged and tried again."""

    async def post() -> None:
        await post_alerts(workshop, secret_key)
        with suppress(QueueUnreachableError):
            await post_news(workshop)

    seconds = min(_POST_SECONDS, workshop.minute_seconds)
    await forever(post, seconds, "posting-alerts-failed")


async def _send_from_here(
    workshop: Workshop, secret_key: SecretKeyFile, due: Sequence[Delivery]
) -> None:
    _log.warning("alerts-sent-without-queue", count=len(due))
    for delivery in due:
        with suppress(NotFoundError, UndeliveredError):
            await deliver(workshop.payer, secret_key, delivery.id, pages_url=workshop.pages_url)
