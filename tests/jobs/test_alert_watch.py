"""What no job tells of itself: silence, jobs that failed for good, alerts that nobody heard."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bakehouse.alerts import raising
from bakehouse.alerts.outbox import REPEAT_AFTER
from bakehouse.jobs import job_requests
from bakehouse.jobs.alert_watch import SignsOfLife, look_for_trouble
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import JobName, JobOptions, JobRequest, QueueName
from bakehouse.ledger import alerts, distributions
from bakehouse.ledger.states import DistributionState, Mode
from bakehouse.payments.advance import fail
from tests.jobs.redis_server import QueueServer
from tests.jobs.workplace import Workplace, open_workplace

#: Of a baker who is looked after every so many minutes of these tests, which last a second.
SELDOM = 600
PERIOD = timedelta(minutes=10)


@pytest.fixture
async def place(engine: JobEngine, tmp_path: Path) -> AsyncIterator[Workplace]:
    async with open_workplace(engine, tmp_path) as opened:
        yield opened


class Watch:
    """One who looks again and again."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._signs_of_life: SignsOfLife = {}

    async def look(self, after: timedelta = timedelta()) -> list[str]:
        """Look after a while; gives the codes that are open then."""
        self._place.clock.ahead += after
        await look_for_trouble(self._place.workshop, self._signs_of_life)
        return [each.code for each in await self._place.alerts()]


async def test_a_baker_nobody_looks_after_is_told_after_two_periods_and_once_it_is_over(
    place: Workplace,
) -> None:
    await place.register(update_freq=SELDOM)
    watch = Watch(place)
    assert await watch.look() == []
    assert await watch.look(1.9 * PERIOD) == []

    assert await watch.look(0.2 * PERIOD) == ["schedule-silent"]

    [alert] = await place.alerts()
    assert (alert.subject, alert.baker_id) == (place.baker_id, place.baker_id)
    place.work(QueueName.CYCLE_MONITORING)
    await place.check()
    assert await watch.look() == []


async def test_looks_that_succeed_are_signs_of_life_and_those_that_fail_are_not(
    place: Workplace,
) -> None:
    await place.register(update_freq=SELDOM)
    place.work(QueueName.CYCLE_MONITORING)
    watch = Watch(place)
    await watch.look()
    for _ in range(3):
        await place.check()
        assert await watch.look(PERIOD) == []

    place.cable.is_cut = True
    request = job_requests.check_cycle(place.baker_id)
    for _ in range(2):
        await place.run(replace(request, options=JobOptions(attempts=1)))
        codes = await watch.look(PERIOD)

    assert "schedule-silent" in codes


@pytest.mark.parametrize("settings", [{"mode": Mode.OFF}, {"scheduled": False}])
async def test_a_baker_that_is_not_to_be_looked_after_is_not_silent(
    place: Workplace, settings: dict[str, object]
) -> None:
    await place.register(update_freq=SELDOM)
    watch = Watch(place)
    await watch.look()
    assert await watch.look(3 * PERIOD) == ["schedule-silent"]

    await place.change(**settings)

    assert await watch.look(3 * PERIOD) == []


async def test_silence_is_told_although_the_queue_does_not_answer(
    place: Workplace, queue_server: QueueServer
) -> None:
    await place.register(update_freq=SELDOM)
    watch = Watch(place)
    await watch.look()
    await queue_server.stop()

    assert await watch.look(3 * PERIOD) == ["schedule-silent"]
    await queue_server.start()


async def test_whoever_has_just_started_waits_before_calling_anybody_silent(
    place: Workplace,
) -> None:
    await place.register(update_freq=SELDOM)
    place.work(QueueName.CYCLE_MONITORING)
    await place.check()
    place.clock.ahead += 100 * PERIOD

    assert await Watch(place).look() == []


async def test_jobs_that_failed_for_good_are_told_of_each_queue_until_they_are_removed(
    place: Workplace,
) -> None:
    place.work(QueueName.BLOCKCHAIN_POLLING)
    watch = Watch(place)
    for _ in range(2):
        job = await place.run(JobRequest(QueueName.BLOCKCHAIN_POLLING, JobName.POLL_BALANCE, {}))

    assert await watch.look() == ["queue-failing"]

    [alert] = await place.alerts()
    assert (alert.subject, alert.baker_id) == ("blockchain-polling", None)
    assert alert.message == (
        f"2 jobs of the queue blockchain-polling failed for good; the latest: {job.failed_reason}"
    )
    await place.forget_everything()
    assert await watch.look() == []


async def test_a_failed_look_that_was_made_good_is_told_no_more(place: Workplace) -> None:
    await place.register()
    place.work(QueueName.CYCLE_MONITORING)
    watch = Watch(place)
    place.cable.is_cut = True
    request = job_requests.check_cycle(place.baker_id)
    await place.run(replace(request, options=JobOptions(attempts=1)))
    assert set(await watch.look()) == {"queue-failing", "cycle-check-failed"}

    place.cable.is_cut = False
    await place.check()

    assert await watch.look() == []


async def test_a_critical_alert_is_told_again_and_the_log_says_so(place: Workplace) -> None:
    watch = Watch(place)
    payer = place.workshop.payer
    await raising.chain_differs(payer, place.key(), "7 mutez are missing")

    with capture_logs() as said:
        await watch.look(REPEAT_AFTER + timedelta(seconds=1))

    assert [line["code"] for line in said if line["event"] == "alert-repeated"] == ["chain-differs"]

    async with payer.ledger.read() as tx:
        assert await alerts.to_repeat(tx, ["chain-differs"], payer.clock()) != []
        assert await alerts.to_repeat(tx, ["chain-differs"], payer.clock() - REPEAT_AFTER) == []


async def test_what_the_ledger_gives_no_reason_for_any_more_is_closed(place: Workplace) -> None:
    await place.register()
    payer, key = place.workshop.payer, place.key()
    async with payer.ledger.write() as tx:
        seen = await distributions.ensure(tx, key, at=payer.clock())
    await raising.payouts_held(payer, key, 3)
    await raising.operation_quarantined(payer, key, "oo-hash")
    await raising.go_needed(payer, key)
    await fail(payer, key, "no money")
    await raising.distribution_failed(payer, key, "no money")
    await raising.guard_refused(payer, key, "cycle-cap", "too much")
    watch = Watch(place)

    # Nothing is held and nothing quarantined; the rest still waits for a person.
    waiting = ["guard-refused", "distribution-failed", "go-needed"]
    assert await watch.look() == waiting
    async with payer.ledger.write() as tx:
        await distributions.approve(tx, seen, at=payer.clock())
    assert await watch.look() == waiting[:2]
    found = await place.find(key)
    assert found is not None
    assert found.state is DistributionState.FAILED
