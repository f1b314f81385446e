"""Ledger against queue: what the queue forgot comes back, and comes back once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import JobState, QueueName
from bakehouse.jobs.reconciler import reconcile
from bakehouse.ledger import distributions
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import (
    DistributionKind,
    DistributionState,
    Mode,
    OperationState,
    PayoutState,
)
from bakehouse.payments.advance import fail
from bakehouse.payments.due import note_due_cycles
from tests.jobs.clock_and_cable import utc_now
from tests.jobs.workplace import (
    MINUTE_SECONDS,
    Workplace,
    eventually,
    open_workplace,
    owed,
)

SCHEDULED = (QueueName.CYCLE_MONITORING, QueueName.BLOCKCHAIN_POLLING)
#: So long that no test of this file sees a schedule of this many minutes run.
SELDOM = 600


@pytest.fixture
async def place(engine: JobEngine, tmp_path: Path) -> AsyncIterator[Workplace]:
    async with open_workplace(engine, tmp_path) as opened:
        yield opened


async def run(place: Workplace) -> None:
    await reconcile(place.workshop, place.scheduler)


async def schedule_ids(place: Workplace) -> list[str]:
    return [view.id for queue in SCHEDULED for view in await place.engine.schedules(queue)]


async def distribution_jobs(place: Workplace) -> list[object]:
    queues = (QueueName.REWARD_DISTRIBUTION, QueueName.BOND_POOL)
    return [job.data for queue in queues for job in await place.unfinished(queue)]


async def note_cycles(place: Workplace) -> None:
    await note_due_cycles(place.workshop.payer, place.baker_id)


async def enter(place: Workplace, key: DistributionKey) -> None:
    payer = place.workshop.payer
    async with payer.ledger.write() as tx:
        await distributions.ensure(tx, key, at=payer.clock())


def request_data(place: Workplace, cycle: int, kind: str = "delegators") -> dict[str, object]:
    return {
        "network": place.chain.chain_id,
        "baker_id": place.baker_id,
        "cycle": cycle,
        "kind": kind,
        "mode": "on",
    }


async def send_a_group(place: Workplace) -> None:
    """Have a distribution come so far that it waits for a block with its first group."""
    place.work(QueueName.REWARD_DISTRIBUTION)
    await run(place)

    async def waits_for_a_block() -> bool:
        waiting = await place.jobs(QueueName.REWARD_DISTRIBUTION, JobState.DELAYED)
        return bool(waiting and await place.operations())

    await eventually(waits_for_a_block)


async def test_everything_comes_back_after_the_queue_has_lost_all(place: Workplace) -> None:
    await place.register(update_freq=SELDOM)
    place.finish_cycles(2)
    await note_cycles(place)
    await run(place)
    before = await schedule_ids(place), await distribution_jobs(place)
    await place.forget_everything()
    assert await schedule_ids(place) == []
    assert await distribution_jobs(place) == []

    await run(place)

    assert (await schedule_ids(place), await distribution_jobs(place)) == before
    assert before == (
        [f"cycle-monitor-{place.baker_id}", f"balance-poll-{place.baker_id}"],
        # One at a time: the second cycle is asked for when the first is settled.
        [request_data(place, place.first_cycle)],
    )


async def test_a_payment_goes_on_after_the_queue_has_lost_all_and_pays_once(
    place: Workplace,
) -> None:
    await place.register(update_freq=SELDOM)
    place.finish_cycles()
    await note_cycles(place)
    await send_a_group(place)
    await place.forget_everything()
    assert await distribution_jobs(place) == []

    await run(place)

    async def is_paid() -> bool:
        return await place.state() is DistributionState.PAID

    await place.bake_until(is_paid)
    assert len(await place.operations()) == 1
    assert place.received() == owed(await place.payouts())


async def test_two_that_reconcile_at_once_add_nothing_twice(place: Workplace) -> None:
    await place.register(update_freq=SELDOM)
    place.finish_cycles()
    await note_cycles(place)
    await enter(place, place.key(kind=DistributionKind.BOND_POOL))

    await asyncio.gather(*(run(place) for _ in range(4)))
    await run(place)

    assert sorted(await schedule_ids(place)) == [
        f"balance-poll-{place.baker_id}",
        f"cycle-monitor-{place.baker_id}",
    ]
    for queue in SCHEDULED:
        [job] = await place.jobs(queue)
        assert job.state is JobState.DELAYED
    assert await distribution_jobs(place) == [
        request_data(place, place.first_cycle),
        request_data(place, place.first_cycle, "bond_pool"),
    ]


async def test_schedules_that_were_removed_are_not_made_again(place: Workplace) -> None:
    await place.register(update_freq=SELDOM)
    await run(place)
    await place.scheduler.remove_schedule(place.baker_id)

    await run(place)

    assert await schedule_ids(place) == []


async def test_a_baker_that_is_set_not_to_be_scheduled_loses_its_schedules(
    place: Workplace,
) -> None:
    await place.register(update_freq=SELDOM)
    await run(place)
    await place.change(scheduled=False)

    await run(place)

    assert await schedule_ids(place) == []
    for queue in SCHEDULED:
        assert await place.jobs(queue) == []


async def test_a_changed_frequency_is_taken_up(place: Workplace) -> None:
    await place.register(update_freq=SELDOM)
    await run(place)
    await place.change(update_freq=SELDOM + 1)

    await run(place)

    [monitor] = await place.engine.schedules(QueueName.CYCLE_MONITORING)
    assert monitor.every_seconds == (SELDOM + 1) * MINUTE_SECONDS
    [job] = await place.jobs(QueueName.CYCLE_MONITORING)
    assert job.state is JobState.DELAYED


async def test_a_schedule_that_lost_its_next_job_is_set_going_again(place: Workplace) -> None:
    await place.register(update_freq=SELDOM)
    await run(place)
    queue = QueueName.CYCLE_MONITORING
    [lost] = await place.jobs(queue)
    redis = place.workshop.cache._redis
    await redis.zrem(f"bull:{queue}:delayed", lost.id)
    await redis.delete(f"bull:{queue}:{lost.id}")
    long_ago = utc_now() - timedelta(seconds=5 * SELDOM)
    schedule_id = f"cycle-monitor-{place.baker_id}"
    await redis.zadd(f"bull:{queue}:repeat", {schedule_id: int(long_ago.timestamp() * 1000)})

    await run(place)

    [monitor] = await place.engine.schedules(queue)
    assert monitor.next_run_at is not None
    assert monitor.next_run_at > utc_now()
    [job] = await place.jobs(queue)
    assert (job.state, job.schedule_id) == (JobState.DELAYED, schedule_id)


async def test_what_has_failed_waits_for_a_person(place: Workplace) -> None:
    await place.register(update_freq=SELDOM)
    place.finish_cycles()
    await note_cycles(place)
    await fail(place.workshop.payer, place.key(), "the wallet is empty")

    await run(place)

    assert await distribution_jobs(place) == []
    distribution = await place.find(place.key())
    assert distribution is not None
    assert (distribution.state, distribution.message) == (
        DistributionState.FAILED,
        "the wallet is empty",
    )


@pytest.mark.parametrize("mode", [Mode.OFF, Mode.SIMULATION])
async def test_what_belongs_to_another_mode_than_the_bakers_is_left_alone(
    place: Workplace, mode: Mode
) -> None:
    await place.register(update_freq=SELDOM)
    place.finish_cycles()
    await note_cycles(place)
    await place.change(mode=mode)

    await run(place)

    assert await distribution_jobs(place) == []


async def test_what_was_signed_is_followed_although_its_cycle_has_failed(
    place: Workplace,
) -> None:
    await place.register(update_freq=SELDOM)
    place.finish_cycles()
    await note_cycles(place)
    await send_a_group(place)
    await place.engine.pause(QueueName.REWARD_DISTRIBUTION)
    await fail(place.workshop.payer, place.key(), "a person was asked")
    for _ in range(4):
        place.chain.bake()

    async def is_final() -> bool:
        await run(place)
        return {each.state for each in await place.operations()} == {OperationState.FINAL}

    await eventually(is_final)
    assert {payout.state for payout in await place.payouts()} == {PayoutState.PAID}
    assert await place.state() is DistributionState.FAILED


async def test_one_bakers_trouble_does_not_keep_another_waiting(place: Workplace) -> None:
    await place.register(update_freq=SELDOM)
    await place.register(baker_id="tz1-other", update_freq=SELDOM)
    place.finish_cycles()
    await note_cycles(place)
    await send_a_group(place)
    await place.engine.pause(QueueName.REWARD_DISTRIBUTION)
    others = DistributionKey(
        place.chain.chain_id, "tz1-other", 7, DistributionKind.BOND_POOL, Mode.ON
    )
    await enter(place, others)
    # From here on what the first baker signed cannot be followed.
    await place.chain.stop()

    await run(place)

    [job] = await place.unfinished(QueueName.BOND_POOL)
    assert isinstance(job.data, dict)
    assert job.data["baker_id"] == "tz1-other"
