"""The schedules of a baker: made, changed, triggered, removed and shown, on a real queue."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bakehouse.errors import ConflictError, NotFoundError
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import JobState, QueueName, ScheduleView
from bakehouse.jobs.scheduler import ScheduleStatus
from bakehouse.ledger import bakers
from bakehouse.ledger.states import Mode
from tests.jobs.clock_and_cable import utc_now
from tests.jobs.workplace import Workplace, eventually, open_workplace

#: So long that no test of this file sees a schedule of this many minutes run.
SELDOM = 600


@pytest.fixture
async def place(engine: JobEngine, tmp_path: Path) -> AsyncIterator[Workplace]:
    async with open_workplace(engine, tmp_path) as opened:
        yield opened


async def schedules(place: Workplace) -> dict[str, ScheduleView]:
    return {
        view.id: view
        for queue in (QueueName.CYCLE_MONITORING, QueueName.BLOCKCHAIN_POLLING)
        for view in await place.engine.schedules(queue)
    }


def next_run(view: ScheduleView) -> datetime:
    assert view.next_run_at is not None
    return view.next_run_at


async def jobs_to_run_now(place: Workplace) -> list[str]:
    return [
        job.name
        for queue in QueueName
        for job in await place.jobs(queue, JobState.WAITING, JobState.PRIORITIZED)
    ]


async def test_a_baker_gets_two_schedules_and_is_looked_at_once(place: Workplace) -> None:
    await place.register(update_freq=SELDOM)

    await place.scheduler.initialize_schedules(place.baker_id)

    made = await schedules(place)
    monitor = made.pop(f"cycle-monitor-{place.baker_id}")
    poll = made.pop(f"balance-poll-{place.baker_id}")
    assert made == {}
    assert (monitor.name, poll.name) == ("check-cycle", "poll-balance")
    assert (monitor.every_seconds, poll.every_seconds) == (SELDOM, 5)
    assert monitor.data == poll.data == {"baker_id": place.baker_id}
    assert sorted(await jobs_to_run_now(place)) == ["check-cycle", "poll-balance"]


async def test_schedules_made_a_second_time_stay_as_they_are(place: Workplace) -> None:
    await place.register(update_freq=SELDOM)
    await place.scheduler.initialize_schedules(place.baker_id)
    before = await schedules(place)

    await place.scheduler.initialize_schedules(place.baker_id)

    assert await schedules(place) == before


async def test_a_baker_whose_mode_is_off_is_not_scheduled(place: Workplace) -> None:
    await place.register(mode=Mode.OFF)

    with pytest.raises(ConflictError, match="is off: switch it on"):
        await place.scheduler.initialize_schedules(place.baker_id)

    assert await schedules(place) == {}
    assert await jobs_to_run_now(place) == []


async def test_nothing_is_done_for_a_baker_that_is_not_registered(place: Workplace) -> None:
    scheduler = place.scheduler
    calls: list[Callable[[str], Awaitable[object]]] = [
        scheduler.initialize_schedules,
        scheduler.update_schedule,
        scheduler.trigger_cycle_check,
        scheduler.trigger_balance_poll,
        scheduler.remove_schedule,
        scheduler.schedule_status,
    ]

    for call in calls:
        with pytest.raises(NotFoundError, match="tz1-nobody"):
            await call("tz1-nobody")

    assert await schedules(place) == {}
    assert await jobs_to_run_now(place) == []


@pytest.mark.parametrize("other", [SELDOM // 2, 2 * SELDOM])
async def test_a_changed_frequency_is_in_effect_at_once_and_runs_nothing(
    place: Workplace, other: int
) -> None:
    await place.register(update_freq=SELDOM)
    await place.scheduler.update_schedule(place.baker_id)
    await place.change(update_freq=other)
    before = utc_now()

    await place.scheduler.update_schedule(place.baker_id)

    monitor = (await schedules(place))[f"cycle-monitor-{place.baker_id}"]
    assert monitor.every_seconds == other
    # Redis keeps whole milliseconds.
    earliest = before + timedelta(seconds=other / 2, milliseconds=-1)
    assert earliest <= next_run(monitor) <= utc_now() + timedelta(seconds=1.5 * other)
    assert await jobs_to_run_now(place) == []


async def test_bringing_up_to_settings_that_have_not_changed_moves_no_run(
    place: Workplace,
) -> None:
    await place.register(update_freq=SELDOM)
    await place.scheduler.update_schedule(place.baker_id)
    before = await schedules(place)
    await place.change(default_fee=700)

    await place.scheduler.update_schedule(place.baker_id)

    assert await schedules(place) == before


async def test_a_schedule_runs_by_itself_and_shows_its_last_run_and_result(
    place: Workplace,
) -> None:
    await place.register(update_freq=1)
    await place.scheduler.update_schedule(place.baker_id)
    before = await place.scheduler.schedule_status(place.baker_id)
    place.work(QueueName.CYCLE_MONITORING)

    async def has_run() -> bool:
        # The run is noted before the queue is told that its job is done.
        return bool(await place.jobs(QueueName.CYCLE_MONITORING, JobState.COMPLETED))

    assert [each.last_run for each in before] == [None, None]
    await eventually(has_run)
    status = await status_of(place, "cycle-monitor")
    assert isinstance(status.last_run, dict)
    assert status.last_run["ok"] is True
    value = dict(status.last_run["value"])
    # Blocks are baked meanwhile.
    assert 0 <= value.pop("cycle_position") < value.pop("blocks_per_cycle")
    assert value == {
        "mode": "on",
        "current_cycle": place.first_cycle,
        "due": [],
        "failed": [],
        "queued": [],
    }
    at = datetime.fromisoformat(str(status.last_run["at"]))
    assert status.next_run_at is not None
    assert at <= utc_now()
    assert status.every_seconds == 1
    done = await place.jobs(QueueName.CYCLE_MONITORING, JobState.COMPLETED)
    assert done[0].schedule_id == f"cycle-monitor-{place.baker_id}"


async def status_of(place: Workplace, schedule: str) -> ScheduleStatus:
    listed = await place.scheduler.schedule_status(place.baker_id)
    return next(each for each in listed if each.id == f"{schedule}-{place.baker_id}")


async def test_a_triggered_run_shows_as_the_last_run_too(place: Workplace) -> None:
    await place.register(update_freq=SELDOM)
    await place.scheduler.update_schedule(place.baker_id)
    place.work(QueueName.CYCLE_MONITORING)
    next_before = (await status_of(place, "cycle-monitor")).next_run_at

    added = await place.scheduler.trigger_cycle_check(place.baker_id)
    await place.end_of(QueueName.CYCLE_MONITORING, added)

    status = await status_of(place, "cycle-monitor")
    assert isinstance(status.last_run, dict)
    assert status.last_run["ok"] is True
    assert status.next_run_at == next_before


async def test_a_run_that_fails_shows_its_error(place: Workplace) -> None:
    await place.register(update_freq=SELDOM)
    await place.scheduler.update_schedule(place.baker_id)
    await place.chain.stop()
    place.work(QueueName.CYCLE_MONITORING)
    await place.scheduler.trigger_cycle_check(place.baker_id)

    async def has_run() -> bool:
        return (await status_of(place, "cycle-monitor")).last_run is not None

    await eventually(has_run)
    last_run = (await status_of(place, "cycle-monitor")).last_run
    assert isinstance(last_run, dict)
    assert last_run["ok"] is False
    assert "cannot be reached" in str(last_run["error"])


async def test_a_cycle_check_by_hand_takes_up_what_failed_and_goes_first(place: Workplace) -> None:
    await place.register()

    added = await place.scheduler.trigger_cycle_check(place.baker_id)

    assert not added.deduplicated
    job = await place.engine.job(QueueName.CYCLE_MONITORING, added.id)
    assert job.name == "check-cycle"
    assert job.data == {"baker_id": place.baker_id, "retry_failed": True}
    [waiting] = await place.jobs(QueueName.CYCLE_MONITORING, JobState.PRIORITIZED)
    assert waiting.id == added.id


async def test_a_balance_poll_by_hand_names_the_baker(place: Workplace) -> None:
    await place.register()

    added = await place.scheduler.trigger_balance_poll(place.baker_id)

    job = await place.engine.job(QueueName.BLOCKCHAIN_POLLING, added.id)
    assert (job.name, job.data) == ("poll-balance", {"baker_id": place.baker_id})


async def test_removed_schedules_are_gone_with_their_jobs_and_stay_so(place: Workplace) -> None:
    baker = await place.register(update_freq=SELDOM)
    await place.scheduler.update_schedule(baker.baker_id)

    assert await place.scheduler.remove_schedule(baker.baker_id)
    assert not await place.scheduler.remove_schedule(baker.baker_id)
    await place.scheduler.update_schedule(baker.baker_id)

    assert await schedules(place) == {}
    assert await place.scheduler.schedule_status(baker.baker_id) == []
    for queue in QueueName:
        assert await place.jobs(queue) == []


async def test_removed_schedules_can_be_made_again(place: Workplace) -> None:
    baker = await place.register(update_freq=SELDOM)
    await place.scheduler.initialize_schedules(baker.baker_id)
    await place.scheduler.remove_schedule(baker.baker_id)

    await place.scheduler.initialize_schedules(baker.baker_id)

    assert len(await place.scheduler.schedule_status(baker.baker_id)) == 2
    async with place.workshop.payer.ledger.read() as tx:
        assert (await bakers.get(tx, baker.baker_id)).scheduled


async def test_only_the_bakers_own_schedules_are_shown_and_removed(place: Workplace) -> None:
    await place.register(update_freq=SELDOM)
    other = await place.register(baker_id="tz1-other", update_freq=SELDOM)
    for baker_id in (place.baker_id, other.baker_id):
        await place.scheduler.update_schedule(baker_id)

    await place.scheduler.remove_schedule(place.baker_id)

    assert set(await schedules(place)) == {"cycle-monitor-tz1-other", "balance-poll-tz1-other"}
    shown = await place.scheduler.schedule_status(other.baker_id)
    assert [each.id for each in shown] == ["cycle-monitor-tz1-other", "balance-poll-tz1-other"]
