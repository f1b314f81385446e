"""The job `check-cycle`: notice finished cycles, and have the oldest unpaid one distributed."""

import structlog

from bakehouse.alerts.codes import AlertCode
from bakehouse.alerts.raising import holds
from bakehouse.alerts.rules import protocol_unknown
from bakehouse.errors import SourceError
from bakehouse.jobs import job_requests
from bakehouse.jobs.job_run import Processor
from bakehouse.jobs.job_types import JSON, RunningJob
from bakehouse.jobs.workshop import Workshop
from bakehouse.payments.due import note_due_cycles

_log = structlog.get_logger(__name__)


def check_cycle(workshop: Workshop) -> Processor:
    """Make the processor; it is idempotent: every finished cycle is entered in the ledger once."""

    async def process(job: RunningJob) -> JSON:
        baker_id = job_requests.baker_of(job.data)
        payer = workshop.payer
        found = await note_due_cycles(payer, baker_id)
        unknown = protocol_unknown(found.protocol)
        await holds(payer, AlertCode.PROTOCOL_UNKNOWN, baker_id, unknown, baker_id=baker_id)
        for key in found.new:
            _log.info("cycle-finished", baker=baker_id, cycle=key.cycle, mode=key.mode.value)
        # One at a time: the next is asked for when this one is settled. Order is kept, and a
        # thousand missed cycles are one waiting job.
        wanted = [*found.due[:1], *(found.failed if job.data.get("retry_failed") else ())]
        for key in wanted:
            request = job_requests.distribute(key, found.baker, workshop.minute_seconds)
            await workshop.engine.add(request)
        return {
            "mode": found.baker.mode.value,
            "current_cycle": found.current_cycle,
            "cycle_position": found.cycle_position,
            "blocks_per_cycle": await _blocks_per_cycle(workshop),
            "due": [key.cycle for key in found.due],
            "failed": [key.cycle for key in found.failed],
            "queued": [key.cycle for key in wanted],
        }

    return process


async def _blocks_per_cycle(workshop: Workshop) -> int | None:
    """Give the length of a cycle, for people to see how far it is; None when it is not told."""
    try:
        return (await workshop.payer.node.recent.constants()).blocks_per_cycle
    except SourceError:
        return None
