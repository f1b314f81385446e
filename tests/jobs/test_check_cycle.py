"""The job `check-cycle`, on a real queue, a real ledger and a chain over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bakehouse.jobs import job_requests
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import JobOptions, JobState, QueueName
from bakehouse.ledger.states import DistributionState, Mode
from bakehouse.rewards.money import Mutez
from bakehouse.sandbox.hostile.amendment import amend
from bakehouse.sandbox.hostile.dice import Dice
from tests.jobs.workplace import MINUTE_SECONDS, Workplace, eventually, open_workplace

ONE_ATTEMPT = JobOptions(attempts=1)


@pytest.fixture
async def place(engine: JobEngine, tmp_path: Path) -> AsyncIterator[Workplace]:
    async with open_workplace(engine, tmp_path) as opened:
        yield opened


async def test_every_finished_cycle_is_noted_in_order_and_only_the_oldest_is_queued(
    place: Workplace,
) -> None:
    baker = await place.register()
    place.finish_cycles(3)
    place.work(QueueName.CYCLE_MONITORING)
    first = place.first_cycle

    job = await place.check()

    assert job.return_value == {
        "mode": "on",
        "current_cycle": first + 3,
        "cycle_position": 0,
        "blocks_per_cycle": 40,
        "due": [first, first + 1, first + 2],
        "failed": [],
        "queued": [first],
    }
    assert await place.noted_cycles() == [first, first + 1, first + 2]
    [queued] = await place.jobs(QueueName.REWARD_DISTRIBUTION)
    assert queued.data == job_requests.distribute(place.key(), baker, MINUTE_SECONDS).data


async def test_a_second_look_notes_nothing_anew_and_queues_nothing_beside_the_first(
    place: Workplace,
) -> None:
    await place.register()
    place.finish_cycles(2)
    place.work(QueueName.CYCLE_MONITORING)

    await place.check()
    await place.check()

    assert await place.noted_cycles() == [place.first_cycle, place.first_cycle + 1]
    assert len(await place.jobs(QueueName.REWARD_DISTRIBUTION)) == 1


async def test_nothing_older_than_the_first_cycle_and_nothing_unfinished_is_touched(
    place: Workplace,
) -> None:
    await place.register(first_cycle=place.first_cycle + 1, payout_delay_cycles=1)
    place.finish_cycles(3)
    place.work(QueueName.CYCLE_MONITORING)

    await place.check()

    assert await place.noted_cycles() == [place.first_cycle + 1]


async def test_a_cycle_is_not_over_before_its_last_block_is_final(place: Workplace) -> None:
    await place.register()
    place.work(QueueName.CYCLE_MONITORING)
    chain = place.chain.chain
    while chain.head.level < chain.cycle_length.last_level(place.first_cycle) + 2:
        place.chain.bake()

    await place.check()
    assert await place.noted_cycles() == []

    place.chain.bake()
    await place.check()
    assert await place.noted_cycles() == [place.first_cycle]


async def test_a_baker_whose_mode_is_off_is_skipped(place: Workplace) -> None:
    await place.register(mode=Mode.OFF)
    place.finish_cycles()
    place.work(QueueName.CYCLE_MONITORING)

    job = await place.check(retry_failed=True)

    assert job.state is JobState.COMPLETED
    assert isinstance(job.return_value, dict)
    assert job.return_value["due"] == job.return_value["queued"] == []
    assert await place.noted_cycles() == []
    assert await place.jobs(QueueName.REWARD_DISTRIBUTION) == []


async def test_cycles_are_settled_one_after_the_other_in_order(place: Workplace) -> None:
    await place.register(mode=Mode.SIMULATION)
    place.finish_cycles(3)
    place.work()
    first = place.first_cycle

    await place.check()

    async def all_are_simulated() -> bool:
        last = place.key(first + 2, mode=Mode.SIMULATION)
        return await place.state(last) is DistributionState.SIMULATED

    await eventually(all_are_simulated)
    settled = [
        job.data["cycle"]
        for job in await place.jobs(QueueName.REWARD_DISTRIBUTION)
        if isinstance(job.data, dict)
    ]
    assert settled == [first, first + 1, first + 2]


async def test_a_failed_cycle_is_taken_up_only_when_a_person_asks(place: Workplace) -> None:
    await place.register(cycle_cap=Mutez(1), payment_retries=0, mode=Mode.ON)
    place.finish_cycles(2)
    place.work(QueueName.CYCLE_MONITORING, QueueName.REWARD_DISTRIBUTION)
    first = place.first_cycle
    await place.check()

    async def has_failed() -> bool:
        return await place.state() is DistributionState.FAILED

    await eventually(has_failed)
    await place.engine.pause(QueueName.REWARD_DISTRIBUTION)

    unasked = await place.check()
    asked = await place.check(retry_failed=True)

    assert isinstance(unasked.return_value, dict)
    assert isinstance(asked.return_value, dict)
    # What failed waits for a person and does not keep the next cycle waiting.
    assert unasked.return_value["failed"] == [first]
    assert unasked.return_value["queued"] == [first + 1]
    assert asked.return_value["queued"] == [first + 1, first]


async def test_an_unknown_baker_fails_the_check_with_a_sentence(place: Workplace) -> None:
    place.work(QueueName.CYCLE_MONITORING)
    request = replace(job_requests.check_cycle("tz1-nobody"), options=ONE_ATTEMPT)

    job = await place.run(request)

    assert job.failed_reason == "no baker 'tz1-nobody' is registered here"


async def test_an_unknown_protocol_is_told_and_payments_go_on(place: Workplace) -> None:
    await place.register()
    place.finish_cycles(1)
    place.work(QueueName.CYCLE_MONITORING)
    await place.check()
    assert await place.alerts() == []

    amend(place.chain.chain, Dice(1))
    place.finish_cycles(1)
    job = await place.check()

    assert job.state is JobState.COMPLETED
    [told] = await place.alerts()
    assert told.code == "protocol-unknown"
    assert "does not know" in told.message
