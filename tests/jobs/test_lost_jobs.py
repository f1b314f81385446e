"""Jobs that the queue gave up, while the ledger says that there is work left: they come back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_run import STALLS_MAX
from bakehouse.jobs.job_types import JSON, JobState, JobView, QueueName, RunningJob
from bakehouse.jobs.reconciler import reconcile
from bakehouse.ledger.states import DistributionState
from bakehouse.payments.due import note_due_cycles
from tests.jobs.workplace import Workplace, eventually, open_workplace, owed

SELDOM = 600
QUEUE = QueueName.REWARD_DISTRIBUTION


@pytest.fixture
async def place(engine: JobEngine, tmp_path: Path) -> AsyncIterator[Workplace]:
    async with open_workplace(engine, tmp_path) as opened:
        yield opened


async def has_one_job(place: Workplace) -> JobView:
    await place.register(update_freq=SELDOM)
    place.finish_cycles()
    await note_due_cycles(place.workshop.payer, place.baker_id)
    await reconcile(place.workshop, place.scheduler)
    [job] = await place.unfinished(QUEUE)
    return job


async def give_up(place: Workplace, job: JobView) -> None:
    """Have a worker that is none of ours find that the job stalled too often."""
    others = JobEngine(place.engine.address)
    await others.connect()

    async def process(_job: RunningJob) -> JSON:
        raise AssertionError("a job that stalled too often is run again")

    await others._redis.hset(f"bull:{QUEUE}:{job.id}", "stc", str(STALLS_MAX + 1))
    others.run_worker(QUEUE, process)

    async def has_failed() -> bool:
        return (await place.engine.job(QUEUE, job.id)).state is JobState.FAILED

    await eventually(has_failed)
    await others.close(grace_seconds=0)


async def test_a_job_that_stalled_too_often_comes_back_and_pays_without_a_person(
    place: Workplace,
) -> None:
    job = await has_one_job(place)
    await give_up(place, job)
    assert await place.state() is DistributionState.SEEN

    await reconcile(place.workshop, place.scheduler)

    [again] = await place.unfinished(QUEUE)
    assert again.data == job.data
    place.work(QUEUE)

    async def is_paid() -> bool:
        return await place.state() is DistributionState.PAID

    await place.bake_until(is_paid)
    assert place.received() == owed(await place.payouts())


async def test_a_job_that_our_worker_finds_stalled_too_often_fails_its_cycle_with_the_reason(
    place: Workplace,
) -> None:
    job = await has_one_job(place)
    await place.engine._redis.hset(f"bull:{QUEUE}:{job.id}", "stc", str(STALLS_MAX + 1))
    place.work(QUEUE)

    async def is_told() -> bool:
        return bool(await place.alerts())

    await eventually(is_told)
    assert await place.state() is DistributionState.FAILED
    distribution = await place.find(place.key())
    assert distribution is not None
    assert distribution.message is not None
    assert "The worker died 6 times" in distribution.message
    [alert] = await place.alerts()
    assert alert.message == distribution.message


async def test_a_cycle_left_paying_without_a_job_is_taken_up(place: Workplace) -> None:
    job = await has_one_job(place)
    place.work(QUEUE)

    async def has_signed() -> bool:
        return bool(await place.operations())

    await eventually(has_signed)
    redis = place.engine._redis

    async def is_waiting() -> bool:
        return (await place.engine.job(QUEUE, job.id)).state is JobState.DELAYED

    await eventually(is_waiting)
    await redis.zrem(f"bull:{QUEUE}:delayed", job.id)
    await redis.delete(*[key async for key in redis.scan_iter(f"bull:{QUEUE}:*{job.id}*")])
    assert await place.state() is DistributionState.PAYING

    await reconcile(place.workshop, place.scheduler)

    async def is_paid() -> bool:
        return await place.state() is DistributionState.PAID

    await place.bake_until(is_paid)
    assert len(await place.operations()) == 1
    assert place.received() == owed(await place.payouts())
