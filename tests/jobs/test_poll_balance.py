"""The job `poll-balance`, on a real queue and a chain over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bakehouse.jobs import job_requests
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import JobOptions, JobState, QueueName
from bakehouse.jobs.processors.poll_balance import known_balance
from bakehouse.ledger.alerts import Alert
from bakehouse.ledger.states import DistributionState, Mode
from bakehouse.rewards.money import Mutez, format_tez
from tests.jobs.workplace import EMPTY_WALLET, Workplace, open_workplace, owed

ONE_ATTEMPT = JobOptions(attempts=1)


@pytest.fixture
async def place(engine: JobEngine, tmp_path: Path) -> AsyncIterator[Workplace]:
    async with open_workplace(engine, tmp_path) as opened:
        yield opened


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


async def pay_a_cycle(place: Workplace) -> None:
    place.work(QueueName.CYCLE_MONITORING, QueueName.REWARD_DISTRIBUTION)
    place.finish_cycles()
    await place.check()

    async def is_paid() -> bool:
        return await place.state() is DistributionState.PAID

    await place.bake_until(is_paid)


async def test_a_wallet_that_will_not_cover_the_next_cycle_is_told_until_it_does(
    place: Workplace,
) -> None:
    baker = await place.register(update_freq=600)
    place.work(QueueName.BLOCKCHAIN_POLLING)

    async def poll() -> list[Alert]:
        await place.run(job_requests.poll_balance(place.baker_id))
        return await place.alerts()

    async def use_wallet(address: str) -> None:
        await place.change(payout_address=address)

    await use_wallet(EMPTY_WALLET.public_key.address)
    # Nothing was paid or simulated yet: nobody knows what a cycle takes.
    assert await poll() == []
    await use_wallet(baker.payout_address)
    await pay_a_cycle(place)
    assert await poll() == []

    await use_wallet(EMPTY_WALLET.public_key.address)
    [low] = await poll()
    fees = sum(operation.total_fee for operation in await place.operations())
    need = Mutez(owed(await place.payouts()).total() + fees)
    assert (low.code, low.subject, low.baker_id) == ("wallet-low", baker.baker_id, baker.baker_id)
    assert f"takes {format_tez(need)} tez" in low.message

    await place.change(mode=Mode.SIMULATION)
    assert await poll() == []
    await place.change(mode=Mode.ON)
    assert [each.code for each in await poll()] == ["wallet-low"]
    await use_wallet(baker.payout_address)
    assert await poll() == []
