"""Payments that wait for nodes and indexers: no attempt is used, and a person is told in time."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bakehouse.alerts.codes import AlertCode
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import JobState, JobView, QueueName
from bakehouse.ledger.states import DistributionState
from tests.jobs.workplace import Workplace, eventually, open_workplace, owed

#: For so long payments may wait before anybody is told.
PATIENCE = timedelta(minutes=5)


@pytest.fixture
async def place(engine: JobEngine, tmp_path: Path) -> AsyncIterator[Workplace]:
    async with open_workplace(engine, tmp_path) as opened:
        yield opened


async def cut_off(place: Workplace) -> JobView:
    """Have a cycle due and its job wait for a chain that cannot be reached; gives the job."""
    await place.register(payment_retries=0)
    place.finish_cycles()
    place.work(QueueName.CYCLE_MONITORING)
    await place.check()
    [job] = await place.unfinished(QueueName.REWARD_DISTRIBUTION)
    place.cable.is_cut = True
    place.work(QueueName.REWARD_DISTRIBUTION)
    await waits_again(place, job)
    return job


async def waits_again(place: Workplace, job: JobView) -> None:
    """Wait until the job has made another step, and waits."""
    before = (await place.engine.job(job.queue, job.id)).started_at

    async def has_made_a_step() -> bool:
        now = await place.engine.job(job.queue, job.id)
        return now.started_at != before and now.state is JobState.DELAYED

    await eventually(has_made_a_step)


async def test_a_chain_that_cannot_be_reached_uses_up_no_attempt(place: Workplace) -> None:
    job = await cut_off(place)

    await waits_again(place, job)

    waiting = await place.engine.job(job.queue, job.id)
    assert (waiting.state, waiting.failed_reason) == (JobState.DELAYED, None)
    assert await place.state() in {DistributionState.SEEN, DistributionState.REWARDS_PENDING}
    assert await place.alerts() == []


async def test_trouble_of_five_minutes_raises_an_alert_that_closes_when_the_chain_is_back(
    place: Workplace,
) -> None:
    job = await cut_off(place)
    place.clock.ahead = PATIENCE - timedelta(seconds=30)
    await waits_again(place, job)
    assert await place.alerts() == []

    place.clock.ahead = PATIENCE
    await waits_again(place, job)
    await waits_again(place, job)

    [alert] = await place.alerts()
    assert (alert.code, alert.subject) == (AlertCode.SOURCES_TROUBLED, place.baker_id)
    assert "cannot be reached" in alert.message
    place.cable.is_cut = False

    async def is_done() -> bool:
        return (await place.engine.job(job.queue, job.id)).state is JobState.COMPLETED

    await place.bake_until(is_done)
    assert await place.state() is DistributionState.PAID
    assert await place.alerts() == []
    assert place.received() == owed(await place.payouts())
    [done] = await place.jobs(QueueName.REWARD_DISTRIBUTION)
    assert done.attempts_made == 1
