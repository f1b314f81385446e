"""How jobs are added again and again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bakehouse.errors import InputError
from bakehouse.jobs.engine import SCHEDULES_AT_ONCE, SCHEDULES_TWICE, JobEngine
from bakehouse.jobs.job_types import (
    PRIORITY_MANUAL,
    JobName,
    JobOptions,
    JobState,
    Schedule,
)
from bakehouse.jobs.next_runs import next_runs
from tests.jobs.engine_probe import QUEUE, Eventually, Runs, holds, request, schedule


async def test_a_schedule_first_runs_when_told_and_then_at_its_interval(
    engine: JobEngine, runs: Runs, eventually: Eventually
) -> None:
    engine.run_worker(QUEUE, runs.succeed)
    first_run_at = datetime.now(UTC) + timedelta(seconds=1)
    await engine.upsert_schedule(schedule(1, baker_id=7), first_run_at)
    assert runs.jobs == []
    await eventually(lambda: holds(len(runs.jobs) >= 2))
    views = [await engine.job(QUEUE, job.id) for job in runs.jobs[:2]]
    assert views[0].started_at is not None
    assert views[0].started_at >= first_run_at - timedelta(milliseconds=1)
    assert [view.data for view in views] == [{"baker_id": 7}] * 2
    assert views[0].schedule_id == "cycle-monitor-7"


async def test_a_schedule_is_seen_as_it_was_set(engine: JobEngine) -> None:
    wanted = Schedule(
        id="cycle-monitor-7",
        queue=QUEUE,
        name=JobName.CHECK_CYCLE,
        data={"baker_id": 7},
        every_seconds=600,
        options=JobOptions(priority=5, attempts=2, backoff_seconds=60),
    )
    first_run_at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    await engine.upsert_schedule(wanted, first_run_at)
    [view] = await engine.schedules(QUEUE)
    assert view.matches(wanted)
    assert view.next_run_at == first_run_at
    assert view.pattern is None
    assert not view.matches(schedule(600, baker_id=7))


async def test_a_changed_interval_is_in_effect_at_once_and_runs_nothing_at_once(
    engine: JobEngine, runs: Runs
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    engine.run_worker(QUEUE, runs.succeed)
    await engine.upsert_schedule(schedule(7200), now + timedelta(hours=2))
    for minutes in (60, 10, 90):
        next_run_at = now + timedelta(minutes=minutes)
        await engine.upsert_schedule(schedule(60 * minutes), next_run_at)
        [view] = await engine.schedules(QUEUE)
        assert view.every_seconds == 60 * minutes
        assert view.next_run_at == next_run_at
        # Exactly one run is pending, the replaced one is gone, and nothing waits or runs.
        counts = await engine.counts(QUEUE)
        assert {state: count for state, count in counts.items() if count} == {JobState.DELAYED: 1}
    assert runs.jobs == []


async def test_a_first_run_in_the_past_moves_ahead_by_whole_intervals(engine: JobEngine) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    await engine.upsert_schedule(schedule(600), now - timedelta(minutes=25))
    [view] = await engine.schedules(QUEUE)
    assert view.next_run_at == now + timedelta(minutes=5)


async def test_setting_an_unchanged_interval_again_keeps_the_next_run(engine: JobEngine) -> None:
    first_run_at = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)
    for hours in range(3):
        again = first_run_at + timedelta(hours=hours)
        await engine.upsert_schedule(schedule(600, baker_id=hours), again)
    [view] = await engine.schedules(QUEUE)
    assert view.next_run_at == first_run_at
    [pending] = await engine.jobs(QUEUE, [JobState.DELAYED])
    assert pending.data == {"baker_id": 2}


async def test_after_missed_runs_a_schedule_keeps_the_rhythm_of_its_new_interval(
    engine: JobEngine, runs: Runs, eventually: Eventually
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    await engine.upsert_schedule(schedule(7200), now + timedelta(hours=1, minutes=59))
    missed = now + timedelta(seconds=1)
    await engine.upsert_schedule(schedule(1), missed)
    await eventually(lambda: holds(datetime.now(UTC) > missed + timedelta(seconds=2)))
    engine.run_worker(QUEUE, runs.succeed)
    await eventually(lambda: holds(len(runs.jobs) >= 1))
    [view] = await engine.schedules(QUEUE)
    assert view.next_run_at is not None
    assert view.next_run_at < datetime.now(UTC) + timedelta(seconds=2)


async def test_a_removed_schedule_leaves_no_job_behind(engine: JobEngine) -> None:
    await engine.upsert_schedule(schedule(600), datetime.now(UTC) + timedelta(minutes=5))
    assert await engine.remove_schedule(QUEUE, "cycle-monitor-7")
    assert not await engine.remove_schedule(QUEUE, "cycle-monitor-7")
    assert await engine.schedules(QUEUE) == []
    assert sum((await engine.counts(QUEUE)).values()) == 0


async def test_a_removed_schedule_takes_back_its_job_that_is_due_and_waits(
    engine: JobEngine, runs: Runs, eventually: Eventually
) -> None:
    await engine.upsert_schedule(schedule(600), datetime.now(UTC) + timedelta(seconds=0.1))
    [view] = await engine.schedules(QUEUE)
    due_at = view.next_run_at
    assert due_at is not None
    await eventually(lambda: holds(datetime.now(UTC) > due_at))
    await engine.add(request(priority=PRIORITY_MANUAL))
    engine.run_worker(QUEUE, runs.wait_until_told)
    await runs.running.wait()
    assert (await engine.counts(QUEUE))[JobState.PRIORITIZED] == 1
    assert await engine.remove_schedule(QUEUE, "cycle-monitor-7")
    assert (await engine.counts(QUEUE))[JobState.PRIORITIZED] == 0


@pytest.mark.parametrize(("schedule_id", "every"), [("a:b", 60), ("", 60), ("a", 0)])
def test_a_schedule_with_a_bad_id_or_interval_is_refused(schedule_id: str, every: int) -> None:
    with pytest.raises(InputError):
        Schedule(schedule_id, QUEUE, JobName.CHECK_CYCLE, {}, every)


async def test_any_number_of_schedules_is_listed_in_order_and_a_page_at_a_time(
    engine: JobEngine,
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    count = 2 * SCHEDULES_AT_ONCE + SCHEDULES_TWICE
    for number in range(count):
        at = now + timedelta(hours=1, seconds=number)
        each = replace(schedule(600, baker_id=number), id=f"cycle-monitor-{number}")
        await engine.upsert_schedule(each, at)

    redis = engine.bull_queue(QUEUE).client
    await redis.config_resetstat()

    views = await engine.schedules(QUEUE)

    assert [view.data for view in views] == [{"baker_id": number} for number in range(count)]
    # Each answer is waited for by itself, and has ten seconds.
    told = await redis.info("commandstats")
    assert told["cmdstat_zrange"]["calls"] > count // SCHEDULES_AT_ONCE


async def test_when_schedules_run_next_is_asked_by_their_names(engine: JobEngine) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    for number in range(3):
        each = replace(schedule(600, baker_id=number), id=f"cycle-monitor-{number}")
        await engine.upsert_schedule(each, at + timedelta(seconds=number))

    asked = ["cycle-monitor-2", "cycle-monitor-9", "cycle-monitor-0"]
    assert await next_runs(engine, QUEUE, asked) == [at + timedelta(seconds=2), None, at]
    assert await next_runs(engine, QUEUE, []) == []
