"""The jobs `distribute` and `distribute-bond-pool`: take one distribution to its end, in steps."""

from datetime import datetime, timedelta

import structlog

from bakehouse.alerts import raising
from bakehouse.alerts.codes import AlertCode
from bakehouse.alerts.raising import close_alert
from bakehouse.alerts.taking_back import close_what_is_over
from bakehouse.errors import (
    GuardRefusedError,
    InputError,
    NotFoundError,
    QueueUnreachableError,
)
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.jobs import job_requests
from bakehouse.jobs.job_run import FailureHandler, Processor
from bakehouse.jobs.job_types import JSON, DoNotRetry, RunningJob, WaitThenContinue
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger import bakers, distributions
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import DistributionKind
from bakehouse.payments.advance import advance, fail
from bakehouse.payments.guard import Guard
from bakehouse.payments.payer import Payer
from bakehouse.payments.settle import bond_pool_of
from bakehouse.payments.step import Step

_log = structlog.get_logger(__name__)

#: How long payments may wait for nodes and indexers before a person is told.
_TROUBLE_MAX = timedelta(minutes=5)
#: Seconds without trouble after which it is over: longer than one step may take to find it again.
_OVER_AFTER_SECONDS = 120


def distribute(workshop: Workshop) -> Processor:
    """Make the processor of both queues: it pays the cycle, kind and mode that the job names.

    While the chain is to make progress the job goes back to the queue; no attempt is used up.
    """

    async def process(job: RunningJob) -> JSON:
        key = _key_of(job)
        payer = workshop.payer
        try:
            step = await advance(payer, key)
        except GuardRefusedError as refused:
            guard = str(refused.facts.get("guard"))
            await raising.guard_refused(payer, key, guard, refused.message)
            if guard == Guard.BALANCE_COVERS:
                # Nobody has to say that the wallet is funded: it is looked at again, and no
                # attempt is used up.
                raise WaitThenContinue(workshop.minute_seconds) from refused
            raise
        await close_alert(payer, AlertCode.GUARD_REFUSED, f"{key}/{Guard.BALANCE_COVERS}")
        await job.report_progress({"paid": step.paid, "total": step.total})
        await _tell(payer, key, step)
        await close_what_is_over(payer, key.baker_id)
        await _tell_of_trouble(workshop, key, step)
        if step.wait_seconds is not None:
            raise WaitThenContinue(max(1, step.wait_seconds))
        if step.is_settled:
            await raising.cycle_paid(payer, step.distribution, step.paid, step.paid_mutez)
            await _go_on(workshop, key)
        _log.info(
            "distribution-settled" if step.is_settled else "distribution-stopped",
            baker=key.baker_id,
            cycle=key.cycle,
            kind=key.kind.value,
            mode=key.mode.value,
            payouts=step.total,
            mutez=step.paid_mutez,
        )
        failpoint(Failpoint.JOB_ACK)
        return _result(step)

    return process


def mark_failed(workshop: Workshop) -> FailureHandler:
    """Make the handler of a job's last failure: the distribution is failed, with its message."""

    async def handle(job: RunningJob, message: str) -> None:
        try:
            key = job_requests.distribution_of(job.data)
            await fail(workshop.payer, key, message)
        except (InputError, NotFoundError):
            # Not one of ours: there is nothing in the ledger to mark.
            return
        await raising.distribution_failed(workshop.payer, key, message)

    return handle


def _key_of(job: RunningJob) -> DistributionKey:
    try:
        return job_requests.distribution_of(job.data)
    except InputError as error:
        raise DoNotRetry(error.message) from error


async def _tell(payer: Payer, key: DistributionKey, step: Step) -> None:
    """Raise the alerts that a step gives reason for; one that is open already only counts."""
    if step.held:
        await raising.payouts_held(payer, key, step.held)
    for operation in step.quarantined:
        await raising.operation_quarantined(payer, key, operation)
    if step.awaits_go:
        await raising.go_needed(payer, key)
    if step.hook_stop is not None:
        await raising.hook_refuses(payer, key, step.hook_stop)


async def _tell_of_trouble(workshop: Workshop, key: DistributionKey, step: Step) -> None:
    payer = workshop.payer
    if step.trouble is None:
        # Another process may have raised it, or this one before it was started anew.
        await close_alert(payer, AlertCode.SOURCES_TROUBLED, key.baker_id)
        return
    since = await _troubled_since(workshop, key.baker_id)
    if payer.clock() - since >= _TROUBLE_MAX:
        await raising.sources_troubled(payer, key.baker_id, step.trouble)


async def _troubled_since(workshop: Workshop, baker_id: str) -> datetime:
    """Note that a baker's sources are troubled, and give since when, as all workers together know.

    It is over when nobody has noted it for a while.
    """
    now, name = workshop.payer.clock(), f"troubled-since:{baker_id}"
    try:
        known = await workshop.cache.get(name)
        since = datetime.fromisoformat(known) if isinstance(known, str) else now
        await workshop.cache.set(name, since.isoformat(), _OVER_AFTER_SECONDS)
    except QueueUnreachableError:
        return now
    return since


async def _go_on(workshop: Workshop, key: DistributionKey) -> None:
    """Ask for what follows; should this be lost, the reconciler finds it in the ledger."""
    async with workshop.payer.ledger.read() as tx:
        baker = await bakers.get(tx, key.baker_id)
        bond_pool = await distributions.find(tx, bond_pool_of(key))
    if key.kind is DistributionKind.BOND_POOL:
        return
    if bond_pool is not None:
        request = job_requests.distribute(bond_pool.key, baker, workshop.minute_seconds)
        await workshop.engine.add(request)
    await workshop.engine.add(job_requests.check_cycle(key.baker_id))


def _result(step: Step) -> JSON:
    return {
        "state": step.distribution.state.value,
        "payouts": step.total,
        "paid": step.paid,
        "total_mutez": str(step.distribution.figures.total_net),
        "paid_mutez": str(step.paid_mutez),
        "waiting_for": step.waiting_for,
    }
