"""The jobs of the queue `alert-delivery`: one message each; the ledger says what and whether."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from bakehouse.alerts.announcing import announce
from bakehouse.alerts.sending import deliver
from bakehouse.errors import InputError, NotFoundError
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.jobs import job_requests
from bakehouse.jobs.job_run import Processor
from bakehouse.jobs.job_types import JSON, DoNotRetry, JobName, RunningJob
from bakehouse.jobs.workshop import Workshop
from bakehouse.payments.hook_notices import tell_hook
from bakehouse.secret_box import SecretKeyFile

Sender = Callable[[int], Awaitable[JSON]]


def deliver_what_is_told(workshop: Workshop, secret_key: SecretKeyFile) -> Processor:
    """Make the processor; what was sent is not sent again, what was not taken uses an attempt."""
    first_wait = timedelta(seconds=job_requests.first_wait_seconds(workshop.minute_seconds))
    payer = workshop.payer

    async def alert(number: int) -> JSON:
        delivery = await deliver(
            payer, secret_key, number, first_wait, pages_url=workshop.pages_url
        )
        return {"state": delivery.state.value, "why": delivery.last_error}

    async def announcement(number: int) -> JSON:
        made = await announce(payer, secret_key, number, first_wait)
        return {"state": made.state.value, "why": made.last_error}

    async def hook(number: int) -> JSON:
        told = await tell_hook(payer, number, first_wait)
        return {"state": told.state.value, "why": told.last_error}

    senders: dict[str, Sender] = {
        JobName.DELIVER_ANNOUNCEMENT: announcement,
        JobName.TELL_HOOK: hook,
    }

    async def process(job: RunningJob) -> JSON:
        try:
            number = job_requests.delivery_of(job.data)
        except InputError as error:
            raise DoNotRetry(error.message) from error
        try:
            result = await senders.get(job.name, alert)(number)
        except NotFoundError as error:
            return {"state": "gone", "why": error.message}
        failpoint(Failpoint.JOB_ACK)
        return result

    return process
