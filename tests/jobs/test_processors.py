"""What runs when the queue delivers a job: on a real queue, a real ledger and a chain over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bakehouse.alerts.raising import AlertCode
from bakehouse.jobs import job_requests
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import (
    JSON,
    PRIORITY_MANUAL,
    AddedJob,
    JobName,
    JobOptions,
    JobRequest,
    JobState,
    JobView,
    QueueName,
)
from bakehouse.jobs.processors.poll_balance import known_balance
from bakehouse.ledger import bakers
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode, PayoutState
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import BasisPoints, Mutez
from tests.jobs.workplace import (
    EMPTY_WALLET,
    MINUTE_SECONDS,
    Workplace,
    eventually,
    open_workplace,
    owed,
)

ONE_ATTEMPT = JobOptions(attempts=1)


@pytest.fixture
async def place(engine: JobEngine, tmp_path: Path) -> AsyncIterator[Workplace]:
    async with open_workplace(engine, tmp_path) as opened:
        yield opened


async def check(place: Workplace, *, retry_failed: bool = False) -> JobView:
    return await place.run(job_requests.check_cycle(place.baker_id, retry_failed=retry_failed))


def distribute(place: Workplace, **changes: Any) -> JobRequest:
    """A job as any tool may add it: tried once, with some of its data replaced."""
    data: dict[str, JSON] = {
        "network": place.chain.chain_id,
        "baker_id": place.baker_id,
        "cycle": place.first_cycle,
        "kind": "delegators",
        "mode": "on",
    }
    return JobRequest(QueueName.REWARD_DISTRIBUTION, JobName.DISTRIBUTE, {**data, **changes})


# check-cycle


async def test_every_finished_cycle_is_noted_in_order_and_only_the_oldest_is_queued(
    place: Workplace,
) -> None:
    await place.register()
    place.finish_cycles(3)
    place.work(QueueName.CYCLE_MONITORING)
    first = place.first_cycle

    job = await check(place)

    assert job.return_value == {
        "mode": "on",
        "current_cycle": first + 3,
        "due": [first, first + 1, first + 2],
        "failed": [],
        "queued": [first],
    }
    assert await place.noted_cycles() == [first, first + 1, first + 2]
    [queued] = await place.jobs(QueueName.REWARD_DISTRIBUTION)
    assert queued.data == distribute(place).data


async def test_a_second_look_notes_nothing_anew_and_queues_nothing_beside_the_first(
    place: Workplace,
) -> None:
    await place.register()
    place.finish_cycles(2)
    place.work(QueueName.CYCLE_MONITORING)

    await check(place)
    await check(place)

    assert await place.noted_cycles() == [place.first_cycle, place.first_cycle + 1]
    assert len(await place.jobs(QueueName.REWARD_DISTRIBUTION)) == 1


async def test_nothing_older_than_the_first_cycle_and_nothing_unfinished_is_touched(
    place: Workplace,
) -> None:
    await place.register(first_cycle=place.first_cycle + 1, payout_delay_cycles=1)
    place.finish_cycles(3)
    place.work(QueueName.CYCLE_MONITORING)

    await check(place)

    assert await place.noted_cycles() == [place.first_cycle + 1]


async def test_a_cycle_is_not_over_before_its_last_block_is_final(place: Workplace) -> None:
    await place.register()
    place.work(QueueName.CYCLE_MONITORING)
    chain = place.chain.chain
    while chain.head.level < chain.cycle_length.last_level(place.first_cycle) + 2:
        place.chain.bake()

    await check(place)
    assert await place.noted_cycles() == []

    place.chain.bake()
    await check(place)
    assert await place.noted_cycles() == [place.first_cycle]


async def test_a_baker_whose_mode_is_off_is_skipped(place: Workplace) -> None:
    await place.register(mode=Mode.OFF)
    place.finish_cycles()
    place.work(QueueName.CYCLE_MONITORING)

    job = await check(place, retry_failed=True)

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

    await check(place)

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
    await place.register(
        payout_address=EMPTY_WALLET.public_key.address, payment_retries=0, mode=Mode.ON
    )
    place.finish_cycles(2)
    place.work(QueueName.CYCLE_MONITORING, QueueName.REWARD_DISTRIBUTION)
    first = place.first_cycle
    await check(place)

    async def has_failed() -> bool:
        return await place.state() is DistributionState.FAILED

    await eventually(has_failed)
    await place.engine.pause(QueueName.REWARD_DISTRIBUTION)

    unasked = await check(place)
    asked = await check(place, retry_failed=True)

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


# distribute


async def test_a_distribution_is_paid_in_full_without_using_up_attempts(place: Workplace) -> None:
    await place.register()
    members = [
        BondPoolMember(place.baker_id, Mutez(7), BasisPoints(0), is_manager=True),
        BondPoolMember(EMPTY_WALLET.public_key.address, Mutez(3), BasisPoints(500)),
    ]
    payer = place.workshop.payer
    async with payer.ledger.write() as tx:
        await bakers.replace_bond_pool(tx, place.baker_id, members, actor="test", at=payer.clock())
    await place.change(bond_pool_enabled=True)
    place.finish_cycles()
    place.work()
    await check(place)
    bond_pool = place.key(kind=DistributionKind.BOND_POOL)

    async def bond_pool_is_paid() -> bool:
        return await place.state(bond_pool) is DistributionState.PAID

    await place.bake_until(bond_pool_is_paid)

    [job] = await place.jobs(QueueName.REWARD_DISTRIBUTION)
    await place.bake_until(lambda: is_completed(place, job))
    [job] = await place.jobs(QueueName.REWARD_DISTRIBUTION)
    paid = await place.payouts()
    assert {payout.state for payout in paid} == {PayoutState.PAID}
    assert job.attempts_made == 1
    assert job.progress == {"paid": len(paid), "total": len(paid)}
    assert job.return_value == {
        "state": "paid",
        "payouts": len(paid),
        "paid": len(paid),
        "total_mutez": str(sum(payout.net for payout in paid)),
        "waiting_for": "",
    }
    [bond_job] = await place.jobs(QueueName.BOND_POOL)
    assert bond_job.name == "distribute-bond-pool"
    members_paid = await place.payouts(bond_pool)
    assert len(members_paid) == len(members)
    assert place.received() == owed(paid, members_paid)

    # The next cycle is asked for at once: a second look follows the one by hand.
    async def has_looked_again() -> bool:
        looks = await place.jobs(QueueName.CYCLE_MONITORING, JobState.COMPLETED)
        return len(looks) == 2

    await eventually(has_looked_again)


async def is_completed(place: Workplace, job: JobView) -> bool:
    return (await place.engine.job(job.queue, job.id)).state is JobState.COMPLETED


async def test_a_job_is_about_the_very_mode_that_it_names_whatever_the_baker_says_now(
    place: Workplace,
) -> None:
    baker = await place.register(mode=Mode.SIMULATION)
    place.finish_cycles()
    place.work(QueueName.CYCLE_MONITORING)
    await check(place)
    await place.change(mode=Mode.ON)
    await check(place)
    place.work(QueueName.REWARD_DISTRIBUTION)
    simulated = place.key(mode=Mode.SIMULATION)

    job = await place.run(job_requests.distribute(simulated, baker, MINUTE_SECONDS))

    assert job.state is JobState.COMPLETED
    assert await place.state(simulated) is DistributionState.SIMULATED
    assert {row.state for row in await place.payouts(simulated)} == {PayoutState.SIMULATED}
    assert await place.state(place.key(mode=Mode.ON)) is not DistributionState.PAID


async def test_a_cycle_asked_for_too_early_waits_for_the_one_before_it(place: Workplace) -> None:
    baker = await place.register(mode=Mode.SIMULATION)
    place.finish_cycles(2)
    place.work(QueueName.CYCLE_MONITORING)
    await check(place)
    [first] = await place.jobs(QueueName.REWARD_DISTRIBUTION)
    await place.engine.pause(QueueName.REWARD_DISTRIBUTION)
    second = place.key(place.first_cycle + 1, mode=Mode.SIMULATION)
    overtaking = job_requests.distribute(second, baker, MINUTE_SECONDS)
    added = await place.engine.add(
        replace(overtaking, options=replace(overtaking.options, priority=PRIORITY_MANUAL))
    )
    await place.engine.resume(QueueName.REWARD_DISTRIBUTION)
    place.work(QueueName.REWARD_DISTRIBUTION)

    ended = await place.end_of(QueueName.REWARD_DISTRIBUTION, added)

    before = await place.engine.job(first.queue, first.id)
    assert (before.state, ended.state) == (JobState.COMPLETED, JobState.COMPLETED)
    assert ended.attempts_made == 1
    first_row, second_row = (
        await place.find(place.key(mode=Mode.SIMULATION)),
        await place.find(second),
    )
    assert first_row is not None
    assert second_row is not None
    assert first_row.updated_at < second_row.updated_at


async def test_a_simulation_writes_simulated_rows_and_signs_nothing(place: Workplace) -> None:
    await place.register(mode=Mode.SIMULATION)
    place.finish_cycles()
    place.work()
    simulated = place.key(mode=Mode.SIMULATION)
    await check(place)

    async def is_done() -> bool:
        return await place.state(simulated) is DistributionState.SIMULATED

    await eventually(is_done)

    rows = await place.payouts(simulated)
    assert rows
    assert {row.state for row in rows} == {PayoutState.SIMULATED}
    assert await place.operations(simulated) == []
    assert place.received() == {}
    assert await place.state(place.key(mode=Mode.ON)) is None


async def test_after_the_last_attempt_the_cycle_is_failed_with_its_message_and_an_alert_is_open(
    place: Workplace,
) -> None:
    address = EMPTY_WALLET.public_key.address
    await place.register(payout_address=address, payment_retries=1, minutes_between_retries=1)
    place.finish_cycles()
    place.work(QueueName.CYCLE_MONITORING)
    await check(place)
    [added] = await place.jobs(QueueName.REWARD_DISTRIBUTION)
    place.work(QueueName.REWARD_DISTRIBUTION)

    async def waits_for_its_retry() -> bool:
        job = await place.engine.job(added.queue, added.id)
        return (job.attempts_made, job.state) == (1, JobState.DELAYED)

    await eventually(waits_for_its_retry)
    assert await place.state() is DistributionState.PAYING
    assert await place.alerts() == []

    job = await place.end_of(added.queue, AddedJob(added.id, deduplicated=False))
    assert job.state is JobState.FAILED
    assert (job.attempts_made, job.attempts_max) == (2, 2)
    distribution = await place.find(place.key())
    assert distribution is not None
    assert distribution.state is DistributionState.FAILED
    assert distribution.message is not None
    assert f"the wallet {address} holds 0.000000 tez" in distribution.message
    assert job.failed_reason == distribution.message
    [alert] = await place.alerts()
    assert (alert.code, alert.subject) == (AlertCode.DISTRIBUTION_FAILED, str(place.key()))
    assert (alert.message, alert.baker_id) == (distribution.message, place.baker_id)
    assert place.received() == {}


async def test_success_after_a_failure_pays_everyone_once_and_closes_the_alert(
    place: Workplace,
) -> None:
    await place.register(payout_address=EMPTY_WALLET.public_key.address, payment_retries=0)
    place.finish_cycles()
    place.work()
    await check(place)

    async def is_alerted() -> bool:
        return bool(await place.alerts())

    await eventually(is_alerted)
    await place.change(payout_address=place.chain.payout_address)
    await check(place, retry_failed=True)

    async def alert_is_closed() -> bool:
        return await place.alerts() == []

    await place.bake_until(alert_is_closed)
    assert await place.state() is DistributionState.PAID
    assert place.received() == owed(await place.payouts())


async def test_a_malformed_job_fails_for_good_at_once_with_a_sentence(place: Workplace) -> None:
    place.work(QueueName.REWARD_DISTRIBUTION)
    sound = distribute(place)
    several: list[Any] = [
        *(None, [], 7, "tz1", {}),
        *({**sound.data, "cycle": cycle} for cycle in (None, "1400", -1, 2**64)),
        {**sound.data, "kind": "everybody"},
        {**sound.data, "baker_id": "\ud800"},
    ]

    for data in several:
        job = await place.run(replace(sound, data=data, options=JobOptions(attempts=3)))

        assert (job.state, job.attempts_made) == (JobState.FAILED, 1)
        assert job.failed_reason is not None
        assert job.failed_reason.startswith("this job ")
    assert await place.alerts() == []


async def test_a_job_about_a_distribution_that_the_ledger_does_not_know_fails_and_stays_so(
    place: Workplace,
) -> None:
    await place.register()
    place.work(QueueName.REWARD_DISTRIBUTION)

    job = await place.run(distribute(place))

    assert job.state is JobState.FAILED
    assert job.failed_reason == f"there is no distribution {place.key()}"
    assert await place.noted_cycles() == []


async def test_a_distribution_without_a_node_fails_with_a_reason_and_is_not_called_paid(
    place: Workplace,
) -> None:
    await place.register(payment_retries=0)
    place.finish_cycles()
    place.work(QueueName.CYCLE_MONITORING)
    await check(place)
    await place.chain.stop()
    place.work(QueueName.REWARD_DISTRIBUTION)

    async def has_failed() -> bool:
        return await place.state() is DistributionState.FAILED

    await eventually(has_failed)
    distribution = await place.find(place.key())
    assert distribution is not None
    assert distribution.message is not None
    assert "cannot be reached" in distribution.message


# poll-balance


async def test_a_balance_is_read_and_kept_with_its_block(place: Workplace) -> None:
    await place.register()
    place.work(QueueName.BLOCKCHAIN_POLLING)
    assert await known_balance(place.workshop, place.baker_id) is None
    head = place.chain.bake()

    await place.run(job_requests.poll_balance(place.baker_id))

    known = await known_balance(place.workshop, place.baker_id)
    account = place.chain.chain.account(place.chain.payout_address, head.level)
    assert known is not None
    assert account is not None
    assert (known.balance, known.level) == (account.balance, head.level)


async def test_a_wallet_that_does_not_exist_holds_nothing(place: Workplace) -> None:
    await place.register(payout_address=EMPTY_WALLET.public_key.address)
    place.work(QueueName.BLOCKCHAIN_POLLING)

    await place.run(job_requests.poll_balance(place.baker_id))

    known = await known_balance(place.workshop, place.baker_id)
    assert known is not None
    assert known.balance == 0


async def test_a_balance_that_cannot_be_read_is_an_error_and_the_old_value_stays(
    place: Workplace,
) -> None:
    await place.register()
    place.work(QueueName.BLOCKCHAIN_POLLING)
    await place.run(job_requests.poll_balance(place.baker_id))
    before = await known_balance(place.workshop, place.baker_id)
    await place.chain.stop()

    job = await place.run(replace(job_requests.poll_balance(place.baker_id), options=ONE_ATTEMPT))

    assert job.state is JobState.FAILED
    assert job.failed_reason is not None
    assert "cannot be reached" in job.failed_reason
    assert before is not None
    assert before.balance > 0
    assert await known_balance(place.workshop, place.baker_id) == before


async def test_a_balance_never_read_is_unknown_and_not_nothing(place: Workplace) -> None:
    await place.register()
    place.work(QueueName.BLOCKCHAIN_POLLING)
    await place.chain.stop()

    await place.run(replace(job_requests.poll_balance(place.baker_id), options=ONE_ATTEMPT))

    assert await known_balance(place.workshop, place.baker_id) is None
