"""Jobs run by hand on a hostile chain, where no queue is needed to see what they do."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bakehouse.jobs import job_requests
from bakehouse.jobs.job_types import JSON, QueueName, WaitThenContinue
from bakehouse.jobs.processors.distribute import distribute
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger import alerts, bakers
from bakehouse.ledger.alerts import Alert
from bakehouse.ledger.states import DistributionState
from bakehouse.payments import controls
from bakehouse.payments.controls import Decision
from tests.payments.hostile_baker import HostileBaker


@dataclass
class PlayedJob:
    """A job that is run by hand."""

    data: Mapping[str, JSON]
    id: str = "by hand"
    queue: QueueName = QueueName.REWARD_DISTRIBUTION
    name: str = "distribute"
    attempt: int = 1
    attempts_max: int = 3
    is_last_attempt: bool = False
    waited_seconds: float | None = None
    progress: list[JSON] = field(default_factory=list)

    async def report_progress(self, value: JSON) -> None:
        self.progress.append(value)

    async def log(self, line: str) -> None:
        raise AssertionError(line)


@dataclass
class Work:
    """The processor of distributions, on a hostile chain."""

    baker: HostileBaker
    workshop: Workshop

    async def run(self) -> None:
        """Run the job once, as far as it goes."""
        payer = self.baker.payer
        async with payer.ledger.read() as tx:
            registered = await bakers.get(tx, self.baker.baker_id)
        request = job_requests.distribute(self.baker.key(), registered, 1)
        try:
            await distribute(self.workshop)(PlayedJob(request.data))
        except WaitThenContinue:
            return

    async def run_to_the_end(self) -> None:
        """Run the job, a block after each time, until the cycle is settled."""
        for _ in range(60):
            await self.run()
            self.baker.bake()
            if (await self.baker.distribution()).state is DistributionState.PAID:
                return
        raise AssertionError("it is not settled")

    async def alerts(self) -> list[Alert]:
        async with self.baker.payer.ledger.read() as tx:
            return await alerts.still_open(tx)

    async def codes(self) -> set[str]:
        return {each.code for each in await self.alerts()}

    def decision(self) -> Decision:
        return Decision("test", "looked at it", self.baker.payer.clock())

    async def release_held(self) -> None:
        """Let whoever is held be paid."""
        async with self.baker.payer.ledger.write() as tx:
            await controls.release(tx, self.baker.key(), self.decision())
