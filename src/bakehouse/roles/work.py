"""The role `worker`: runs the jobs of some queues or all, and follows what was signed."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from bakehouse.alerts.codes import AlertCode
from bakehouse.config import Config
from bakehouse.jobs.duty import Duty, on_duty
from bakehouse.jobs.job_requests import balance_poll_id, cycle_monitor_id
from bakehouse.jobs.job_run import Processor
from bakehouse.jobs.job_types import QueueName
from bakehouse.jobs.last_run import noting_last_run
from bakehouse.jobs.processors.check_cycle import check_cycle
from bakehouse.jobs.processors.deliver import deliver_what_is_told
from bakehouse.jobs.processors.distribute import distribute, mark_failed
from bakehouse.jobs.processors.poll_balance import poll_balance
from bakehouse.jobs.reconciler import follow_forever
from bakehouse.jobs.workshop import Workshop
from bakehouse.observability.tracing import traced
from bakehouse.roles.background import in_background
from bakehouse.roles.foundation import Foundation, Hands, lay_foundation, require_shared
from bakehouse.roles.health import open_health
from bakehouse.secret_box import SecretKeyFile

#: How many jobs of one queue run side by side: they mostly wait for the chain.
CONCURRENCY: Final[Mapping[QueueName, int]] = {
    QueueName.CYCLE_MONITORING: 16,
    QueueName.REWARD_DISTRIBUTION: 16,
    QueueName.BLOCKCHAIN_POLLING: 16,
    QueueName.BOND_POOL: 16,
    QueueName.ALERT_DELIVERY: 4,
}

#: Queues whose worker needs the keys, and follows what it signed.
_PAYING: Final = frozenset({QueueName.REWARD_DISTRIBUTION, QueueName.BOND_POOL})


@asynccontextmanager
async def worker(
    config: Config,
    queues: Sequence[QueueName] = (),
    concurrency: int | None = None,
    hands: Hands | None = None,
) -> AsyncIterator[Foundation]:
    """Run the jobs of these queues, or of all, while the block runs.

    `concurrency` is how many jobs of each run side by side. Jobs that are not done when the block
    ends are put back. Raises SettingError, ConflictError.
    """
    require_shared(config, "worker")
    async with AsyncExitStack() as stack:
        foundation = await lay_foundation(stack, config, hands or Hands(), alone=False)
        await open_health(stack, foundation)
        chosen = tuple(dict.fromkeys(queues)) or tuple(QueueName)
        run_jobs(foundation, {queue: concurrency or CONCURRENCY[queue] for queue in chosen})
        if not _PAYING.isdisjoint(chosen):
            follow_in_turn(stack, foundation)
        yield foundation


def follow_in_turn(stack: AsyncExitStack, foundation: Foundation) -> None:
    """Follow what was signed, for all bakers, whenever no other process does."""
    workshop = foundation.workshop
    works = [lambda: follow_forever(workshop)]
    in_background(stack, on_duty(workshop.payer, Duty.FOLLOWING, works))


def run_jobs(foundation: Foundation, concurrency: Mapping[QueueName, int] = CONCURRENCY) -> None:
    """Have a worker for each of these queues; they end with the engine."""
    workshop = foundation.workshop
    processors = _processors(workshop, foundation.config.secret_key)
    for queue, at_once in concurrency.items():
        measured = foundation.instruments.jobs.measured(processors[queue])
        workshop.engine.run_worker(
            queue,
            traced(measured, foundation.tracer),
            concurrency=at_once,
            on_failed_for_good=mark_failed(workshop),
        )


def _processors(workshop: Workshop, secret_key: SecretKeyFile) -> Mapping[QueueName, Processor]:
    return {
        QueueName.CYCLE_MONITORING: noting_last_run(
            workshop, cycle_monitor_id, AlertCode.CYCLE_CHECK_FAILED, check_cycle(workshop)
        ),
        QueueName.BLOCKCHAIN_POLLING: noting_last_run(
            workshop, balance_poll_id, AlertCode.BALANCE_UNKNOWN, poll_balance(workshop)
        ),
        QueueName.REWARD_DISTRIBUTION: distribute(workshop),
        QueueName.BOND_POOL: distribute(workshop),
        QueueName.ALERT_DELIVERY: deliver_what_is_told(workshop, secret_key),
    }
