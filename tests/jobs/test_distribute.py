"""The jobs `distribute` and `distribute-bond-pool`, on a real queue, ledger and chain."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bakehouse.alerts.codes import AlertCode
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
from bakehouse.ledger import alerts, bakers
from bakehouse.ledger.alerts import Alert, AlertFilter
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode, PayoutState
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.sandbox.account import Account
from tests.jobs.workplace import (
    EMPTY_WALLET,
    MINUTE_SECONDS,
    Workplace,
    eventually,
    open_workplace,
    owed,
)


@pytest.fixture
async def place(engine: JobEngine, tmp_path: Path) -> AsyncIterator[Workplace]:
    async with open_workplace(engine, tmp_path) as opened:
        yield opened


def distribute(place: Workplace) -> JobRequest:
    """A job as any tool may add it, tried once."""
    data: dict[str, JSON] = {
        "network": place.chain.chain_id,
        "baker_id": place.baker_id,
        "cycle": place.first_cycle,
        "kind": "delegators",
        "mode": "on",
    }
    return JobRequest(QueueName.REWARD_DISTRIBUTION, JobName.DISTRIBUTE, data)


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
    await place.check()
    bond_pool = place.key(kind=DistributionKind.BOND_POOL)

    async def bond_pool_is_paid() -> bool:
        return await place.state(bond_pool) is DistributionState.PAID

    await place.bake_until(bond_pool_is_paid)
    [bond_job] = await place.jobs(QueueName.BOND_POOL)
    # It tells what was paid before it ends.
    await place.bake_until(lambda: is_completed(place, bond_job))

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
        "paid_mutez": str(sum(payout.received for payout in paid)),
        "waiting_for": "",
    }
    [bond_job] = await place.jobs(QueueName.BOND_POOL)
    assert bond_job.name == "distribute-bond-pool"
    members_paid = await place.payouts(bond_pool)
    assert len(members_paid) == len(members)
    assert place.received() == owed(paid, members_paid)
    assert {event.subject: event.message.split(",")[0] for event in await told_as_paid(place)} == {
        str(place.key()): f"cycle {place.first_cycle} (delegators): {len(paid)} payouts",
        str(bond_pool): f"cycle {place.first_cycle} (bond_pool): 2 payouts",
    }

    # The next cycle is asked for at once: a second look follows the one by hand.
    async def has_looked_again() -> bool:
        looks = await place.jobs(QueueName.CYCLE_MONITORING, JobState.COMPLETED)
        return len(looks) == 2

    await eventually(has_looked_again)


async def told_as_paid(place: Workplace) -> list[Alert]:
    wanted = AlertFilter(codes=[AlertCode.CYCLE_PAID], is_open=False)
    async with place.workshop.payer.ledger.read() as tx:
        return await alerts.listed(tx, wanted)


async def is_completed(place: Workplace, job: JobView) -> bool:
    return (await place.engine.job(job.queue, job.id)).state is JobState.COMPLETED


async def test_a_job_is_about_the_very_mode_that_it_names_whatever_the_baker_says_now(
    place: Workplace,
) -> None:
    baker = await place.register(mode=Mode.SIMULATION)
    place.finish_cycles()
    place.work(QueueName.CYCLE_MONITORING)
    await place.check()
    await place.change(mode=Mode.ON)
    await place.check()
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
    await place.check()
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
    await place.check()

    async def is_done() -> bool:
        return await place.state(simulated) is DistributionState.SIMULATED

    await eventually(is_done)

    rows = await place.payouts(simulated)
    assert rows
    assert {row.state for row in rows} == {PayoutState.SIMULATED}
    assert await place.operations(simulated) == []
    assert await told_as_paid(place) == []
    assert place.received() == {}
    assert await place.state(place.key(mode=Mode.ON)) is None


async def test_after_the_last_attempt_the_cycle_is_failed_with_its_message_and_an_alert_is_open(
    place: Workplace,
) -> None:
    await place.register(cycle_cap=1, payment_retries=1, minutes_between_retries=1)
    place.finish_cycles()
    place.work(QueueName.CYCLE_MONITORING)
    await place.check()
    [added] = await place.jobs(QueueName.REWARD_DISTRIBUTION)
    place.work(QueueName.REWARD_DISTRIBUTION)

    async def waits_for_its_retry() -> bool:
        job = await place.engine.job(added.queue, added.id)
        return (job.attempts_made, job.state) == (1, JobState.DELAYED)

    await eventually(waits_for_its_retry)
    assert await place.state() is DistributionState.PAYING
    [refusal] = await place.alerts()
    assert (refusal.code, refusal.subject) == (
        AlertCode.GUARD_REFUSED,
        f"{place.key()}/cycle-cap",
    )
    assert (refusal.times, refusal.baker_id) == (1, place.baker_id)
    assert "more than the cap of 0.000001" in refusal.message

    job = await place.end_of(added.queue, AddedJob(added.id, deduplicated=False))
    assert job.state is JobState.FAILED
    assert (job.attempts_made, job.attempts_max) == (2, 2)
    distribution = await place.find(place.key())
    assert distribution is not None
    assert distribution.state is DistributionState.FAILED
    assert distribution.message is not None
    assert "more than the cap of 0.000001" in distribution.message
    assert job.failed_reason == distribution.message
    [alert, refusal] = await place.alerts()
    assert (refusal.code, refusal.times) == (AlertCode.GUARD_REFUSED, 2)
    assert (alert.code, alert.subject) == (AlertCode.DISTRIBUTION_FAILED, str(place.key()))
    assert (alert.message, alert.baker_id) == (distribution.message, place.baker_id)
    assert place.received() == {}


async def test_success_after_a_failure_pays_everyone_once_and_closes_the_alert(
    place: Workplace,
) -> None:
    await place.register(cycle_cap=1, payment_retries=0)
    place.finish_cycles()
    place.work()
    await place.check()

    async def is_alerted() -> bool:
        raised = {each.code for each in await place.alerts()}
        return raised == {AlertCode.GUARD_REFUSED, AlertCode.DISTRIBUTION_FAILED}

    await eventually(is_alerted)
    await place.change(cycle_cap=None)
    await place.check(retry_failed=True)

    async def alert_is_closed() -> bool:
        return await place.alerts() == []

    await place.bake_until(alert_is_closed)
    assert await place.state() is DistributionState.PAID
    assert place.received() == owed(await place.payouts())


async def test_a_cycle_that_the_wallet_does_not_cover_goes_on_by_itself_once_it_does(
    place: Workplace,
) -> None:
    address = EMPTY_WALLET.public_key.address
    await place.register(payout_address=address, payment_retries=0)
    place.finish_cycles()
    place.work()
    await place.check()

    async def was_looked_at_twice() -> bool:
        return [each.times for each in await place.alerts()] == [2]

    await eventually(was_looked_at_twice)
    [refusal] = await place.alerts()
    assert refusal.subject == f"{place.key()}/balance-covers"
    assert f"the wallet {address} holds 0.000000 tez" in refusal.message
    # Nobody has to decide anything: it did not fail, and its one attempt is not used up.
    assert await place.state() is DistributionState.PAYING
    [job] = await place.unfinished(QueueName.REWARD_DISTRIBUTION)
    assert job.attempts_made == 0
    chain = place.chain.chain
    chain._ledger.record(chain.head.level, {address: Account(balance=10**12)})

    async def is_paid() -> bool:
        return await place.state() is DistributionState.PAID

    await place.bake_until(is_paid)
    assert await place.alerts() == []
    sent = place.chain.transfers_from(address)
    assert Counter({each.destination: each.amount for each in sent}) == owed(await place.payouts())


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
