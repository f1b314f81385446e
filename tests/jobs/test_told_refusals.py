"""What a distribution refuses, or waits for, is told in an alert until it is over."""

import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bakehouse.alerts.raising import AlertCode
from bakehouse.errors import GuardRefusedError
from bakehouse.jobs import job_requests
from bakehouse.jobs.cache import RedisCache
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import JSON, QueueName, WaitThenContinue
from bakehouse.jobs.processors.distribute import distribute
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger import alerts, bakers
from bakehouse.ledger.alerts import Alert
from bakehouse.ledger.states import DistributionState
from bakehouse.payments import controls
from bakehouse.payments.controls import Decision
from bakehouse.payments.guard import Guard
from bakehouse.sandbox.hostile.fault import Fault
from tests.payments.hostile_baker import BAD_GATEWAY, HostileBaker, hostile_baker
from tests.payments.lives import SHORT_LIVES, stuck
from tests.payments.provocations import REASONS, REFUSALS


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
            return await alerts.unacknowledged(tx)

    async def codes(self) -> set[str]:
        return {each.code for each in await self.alerts()}

    def decision(self) -> Decision:
        return Decision("test", "looked at it", self.baker.payer.clock())


@pytest.fixture
async def work(engine: JobEngine, tmp_path: Path, empty_ledger: Path) -> AsyncIterator[Work]:
    database = tmp_path / "hostile.db"
    shutil.copy(empty_ledger, database)
    async with (
        hostile_baker(database, limits=SHORT_LIVES, node_count=1) as baker,
        RedisCache(engine.address) as cache,
    ):
        yield Work(baker, Workshop(baker.payer, engine, cache, 1))


@pytest.mark.parametrize("guard", REFUSALS)
async def test_a_refusal_raises_one_alert_with_the_guards_name_and_reason(
    work: Work, guard: Guard
) -> None:
    await REFUSALS[guard](work.baker)

    for _ in range(2):
        with pytest.raises(GuardRefusedError, match=REASONS[guard]) as refused:
            await work.run()

    told = [each for each in await work.alerts() if each.code == AlertCode.GUARD_REFUSED]
    [alert] = told
    assert alert.subject == f"{work.baker.key()}/{guard}"
    assert (alert.message, alert.times) == (refused.value.message, 2)
    assert alert.baker_id == work.baker.baker_id


async def test_a_refusal_is_taken_back_when_the_cycle_is_paid_after_all(work: Work) -> None:
    await REFUSALS[Guard.CYCLE_CAP](work.baker)
    with pytest.raises(GuardRefusedError):
        await work.run()
    await work.baker.change(cycle_cap=None)

    await work.run_to_the_end()

    assert await work.alerts() == []


async def test_a_first_cycle_that_needs_a_go_says_so_until_it_has_it(work: Work) -> None:
    await work.baker.change(confirm_first_cycle=True)

    await work.run()
    await work.run()

    [alert] = await work.alerts()
    assert (alert.code, alert.subject) == (AlertCode.GO_NEEDED, str(work.baker.key()))
    assert f"bakehouse go {work.baker.baker_id} {work.baker.first_cycle}" in alert.message
    async with work.baker.payer.ledger.write() as tx:
        await controls.approve(tx, work.baker.key(), work.decision())
    await work.run()
    assert await work.alerts() == []


async def test_held_payouts_are_told_until_a_person_has_decided(work: Work) -> None:
    await work.baker.plan_only()
    largest, second, *_ = await work.baker.payouts()
    await work.baker.change(payout_cap=second.net)
    await work.run_to_the_end()
    [alert] = await work.alerts()
    assert (alert.code, alert.subject) == (AlertCode.PAYOUT_HELD, str(work.baker.key()))
    assert alert.message.startswith("1 payouts of cycle")
    async with work.baker.payer.ledger.write() as tx:
        await controls.release(tx, work.baker.key(), work.decision(), owed_to=largest.owed_to)

    await work.run_to_the_end()

    assert await work.alerts() == []
    assert work.baker.paid_on_chain()[largest.address] == largest.net


async def test_a_quarantined_operation_is_told_until_its_fate_is_proven(work: Work) -> None:
    operation = await stuck(work.baker)
    work.baker.way.treat("indexer .*", BAD_GATEWAY)
    late = operation.last_includable_level + SHORT_LIVES.proof_patience_blocks + 3
    while work.baker.chain.head.level < late:
        work.baker.bake()
        await work.run()
    await work.run()
    [alert] = await work.alerts()
    assert (alert.code, alert.subject) == (AlertCode.OPERATION_QUARANTINED, operation.hash)
    assert "nothing new is signed" in alert.message
    work.baker.heal()

    await work.run_to_the_end()

    assert await work.alerts() == []
    assert work.baker.sandbox.struck[Fault.STUCK_UNTIL_EXPIRY]
