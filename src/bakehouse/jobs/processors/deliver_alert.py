"""The job `deliver-alert`: send one message to one channel; the ledger says what and whether."""

from datetime import timedelta

from bakehouse.alerts.sending import deliver
from bakehouse.errors import InputError, NotFoundError
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.jobs import job_requests
from bakehouse.jobs.job_run import Processor
from bakehouse.jobs.job_types import JSON, DoNotRetry, RunningJob
from bakehouse.jobs.workshop import Workshop
from bakehouse.secret_box import SecretKeyFile


def deliver_alert(workshop: Workshop, secret_key: SecretKeyFile) -> Processor:
    """Make the processor; what was sent is not sent again, what was not taken uses an attempt."""
    first_wait = timedelta(seconds=job_requests.first_wait_seconds(workshop.minute_seconds))

    async def process(job: RunningJob) -> JSON:
        try:
            delivery_id = job_requests.delivery_of(job.data)
        except InputError as error:
            raise DoNotRetry(error.message) from error
        try:
            delivery = await deliver(workshop.payer, secret_key, delivery_id, first_wait)
        except NotFoundError as error:
            return {"state": "gone", "why": error.message}
        failpoint(Failpoint.JOB_ACK)
        return {"state": delivery.state.value, "why": delivery.last_error}

    return process
