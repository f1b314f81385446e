"""Every trap met while the engine was measured, kept shut."""

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_run import STALLS_MAX, LockedRun, RunStoppedError, StopReason
from bakehouse.jobs.job_types import (
    JSON,
    JobName,
    JobRequest,
    JobState,
    RunningJob,
    Schedule,
)
from bakehouse.jobs.redis_address import RedisAddress
from bakehouse.jobs.valkey import EmbeddedValkey
from tests.jobs.engine_probe import QUEUE, Eventually, holds, is_completed, request


async def test_a_lock_that_is_not_renewed_counts_as_lost() -> None:
    cancelled = asyncio.Event()

    async def work() -> JSON:
        try:
            return await asyncio.Event().wait()
        finally:
            cancelled.set()

    run = LockedRun(work(), held_seconds=0.02)
    with pytest.raises(RunStoppedError) as caught:
        await run.ended()
    assert cancelled.is_set()
    assert caught.value.reason is StopReason.LOCK_LOST


async def test_a_renewed_lock_is_held_from_then_on() -> None:
    may_end = asyncio.Event()

    async def work() -> JSON:
        await may_end.wait()
        return "done"

    run = LockedRun(work(), held_seconds=60)
    first_deadline = run._deadline
    run.renewed()
    assert first_deadline.cancelled()
    assert run._deadline.when() > first_deadline.when()
    may_end.set()
    assert await run.ended() == "done"
    assert run._deadline.cancelled()


async def test_a_job_over_which_workers_keep_dying_fails_for_good_once(
    engine: JobEngine, eventually: Eventually
) -> None:
    runs: list[str] = []
    failures: list[str] = []

    async def process(job: RunningJob) -> JSON:
        runs.append(job.id)
        return None

    async def on_failed_for_good(job: RunningJob, message: str) -> None:
        failures.append(message)

    poison, spared = await engine.add(request()), await engine.add(request())
    await engine._redis.hset(f"bull:{QUEUE}:{poison.id}", "stc", str(STALLS_MAX + 1))
    await engine._redis.hset(f"bull:{QUEUE}:{spared.id}", "stc", str(STALLS_MAX))
    engine.run_worker(QUEUE, process, on_failed_for_good=on_failed_for_good)
    await eventually(lambda: is_completed(engine, spared))
    assert (await engine.job(QUEUE, poison.id)).state is JobState.FAILED
    assert runs == [spared.id]
    assert failures == ["The worker died 6 times while running this job."]

    await engine.retry(QUEUE, poison.id)
    await eventually(lambda: is_completed(engine, poison))
    assert runs == [spared.id, poison.id]


@pytest.mark.parametrize("queue_server", ["valkey"], indirect=True)
async def test_jobs_survive_a_killed_server_and_their_worker_goes_on(
    queue_server: EmbeddedValkey, engine: JobEngine, eventually: Eventually
) -> None:
    running, may_end = asyncio.Event(), asyncio.Event()
    starts: list[JSON] = []

    async def process(job: RunningJob) -> JSON:
        starts.append(job.data["number"])
        running.set()
        await may_end.wait()
        return None

    first, second = (
        await engine.add(request({"number": 1})),
        await engine.add(request({"number": 2})),
    )
    engine.run_worker(QUEUE, process)
    await running.wait()
    killed = queue_server.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    may_end.set()
    await eventually(lambda: is_completed(engine, first))
    await eventually(lambda: is_completed(engine, second))
    assert starts == [1, 2]
    assert queue_server.pid != killed


async def test_a_worker_whose_loop_ends_is_started_again(
    engine: JobEngine, eventually: Eventually
) -> None:
    async def process(job: RunningJob) -> JSON:
        return None

    engine.run_worker(QUEUE, process)
    await eventually(lambda: holds(engine.is_healthy))
    supervised = engine._workers[QUEUE]
    ended = supervised._worker
    assert ended is not None
    await eventually(lambda: holds(bool(ended.processing)))
    for task in set(ended.processing):
        task.cancel()
    await eventually(lambda: holds(supervised._worker is not ended))
    added = await engine.add(request())
    await eventually(lambda: is_completed(engine, added))
    assert engine.workers_running == {QUEUE: True}


async def test_a_server_that_may_throw_jobs_away_is_warned_about(valkey: EmbeddedValkey) -> None:
    engine = JobEngine(valkey.address)
    with capture_logs() as logs:
        await engine.connect()
        assert logs == []
        await engine._redis.config_set("maxmemory-policy", "allkeys-lru")
        await engine.connect()
    assert [line["event"] for line in logs] == ["redis-may-evict-jobs"]
    await engine.close()


def test_every_connection_outlasts_the_longest_idle_wait() -> None:
    for address in (RedisAddress(), RedisAddress(unix_socket=Path("/run/valkey.sock"))):
        assert address.connection_options()["socket_timeout"] > 10


async def test_a_schedule_that_lost_its_next_job_is_seen_and_mended(engine: JobEngine) -> None:
    schedule = Schedule("balance-poll-7", QUEUE, JobName.POLL_BALANCE, {}, every_seconds=300)
    now = datetime.now(UTC)
    await engine.upsert_schedule(schedule, now + timedelta(seconds=300))
    [sound] = await engine.schedules(QUEUE)
    [lost] = await engine.jobs(QUEUE, [JobState.DELAYED])
    hour_ago = int((now - timedelta(hours=1)).timestamp() * 1000)
    await engine._redis.zrem(f"bull:{QUEUE}:delayed", lost.id)
    await engine._redis.delete(f"bull:{QUEUE}:{lost.id}")
    await engine._redis.zadd(f"bull:{QUEUE}:repeat", {schedule.id: hour_ago})

    [dead] = await engine.schedules(QUEUE)
    assert not sound.is_overdue(now)
    assert dead.is_overdue(now)
    assert dead.matches(schedule)
    await engine.upsert_schedule(schedule, now + timedelta(seconds=300))
    [mended] = await engine.schedules(QUEUE)
    assert mended.next_run_at is not None
    assert now < mended.next_run_at <= now + timedelta(seconds=301)
    assert (await engine.counts(QUEUE))[JobState.DELAYED] == 1


async def test_many_requests_at_once_add_one_job(engine: JobEngine) -> None:
    once = JobRequest(QUEUE, JobName.DISTRIBUTE, {}, deduplication_id="baker-7")
    added = await asyncio.gather(*(engine.add(once) for _ in range(20)))
    assert len({job.id for job in added}) == 1
    assert sum(not job.deduplicated for job in added) == 1
