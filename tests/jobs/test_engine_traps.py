"""Every trap met while the engine was measured, kept shut."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bakehouse.jobs.bull_settings import LOCK_SECONDS
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_run import STALLS_MAX, LockedRun, StopReason
from bakehouse.jobs.job_types import (
    JSON,
    AddedJob,
    JobName,
    JobRequest,
    JobState,
    QueueName,
    RunningJob,
    Schedule,
)
from bakehouse.jobs.redis_address import RedisAddress
from bakehouse.jobs.valkey import EmbeddedValkey

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]

QUEUE = QueueName.REWARD_DISTRIBUTION

DOOMED_WORKER = """
import asyncio, sys
from pathlib import Path
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import QueueName
from bakehouse.jobs.redis_address import RedisAddress

async def process(job):
    print("running", flush=True)
    await asyncio.Event().wait()

async def main():
    engine = JobEngine(RedisAddress(unix_socket=Path(sys.argv[1])))
    await engine.connect()
    engine.run_worker(QueueName.REWARD_DISTRIBUTION, process)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def request(**data: JSON) -> JobRequest:
    return JobRequest(QUEUE, JobName.DISTRIBUTE, data)


async def is_completed(engine: JobEngine, job: AddedJob) -> bool:
    return (await engine.job(QUEUE, job.id)).state is JobState.COMPLETED


@asynccontextmanager
async def fresh_engine(directory: Path) -> AsyncIterator[JobEngine]:
    valkey = EmbeddedValkey(directory)
    engine = JobEngine(await valkey.start())
    await engine.connect()
    try:
        yield engine
    finally:
        await engine.close(grace_seconds=0)
        await valkey.stop()


async def test_waits_longer_than_a_lock_end_well(tmp_path: Path, eventually: Eventually) -> None:
    # Each takes about ten seconds of waiting, so they wait together.
    async with asyncio.TaskGroup() as together:
        for number, trap in enumerate(
            (
                a_delayed_job_on_an_idle_queue_starts_in_time,
                a_job_of_a_killed_worker_is_resumed_by_another,
                a_job_that_lost_its_lock_is_cancelled_and_runs_again,
                closing_keeps_the_locks_of_long_jobs,
                closing_ends_although_the_server_is_gone,
            )
        ):
            together.create_task(trap(tmp_path / str(number), eventually))


async def a_delayed_job_on_an_idle_queue_starts_in_time(
    directory: Path, eventually: Eventually
) -> None:
    """A socket timeout under the 5 to 10 s of an idle wait starts delayed jobs minutes late."""
    started_at: list[datetime] = []

    async def process(job: RunningJob) -> JSON:
        started_at.append(datetime.now(UTC))
        return None

    async with fresh_engine(directory) as engine:
        engine.run_worker(QUEUE, process)
        due_at = datetime.now(UTC) + timedelta(seconds=8)
        await engine.add(JobRequest(QUEUE, JobName.DISTRIBUTE, {}, delay_seconds=8))
        async with asyncio.timeout(14):
            await eventually(lambda: holds(bool(started_at)))
    assert started_at[0] >= due_at - timedelta(milliseconds=10)


async def a_job_of_a_killed_worker_is_resumed_by_another(
    directory: Path, eventually: Eventually
) -> None:
    """With BullMQ's own timings this takes a minute."""
    attempts: list[int] = []

    async def process(job: RunningJob) -> JSON:
        attempts.append(job.attempt)
        return None

    async with fresh_engine(directory) as engine:
        doomed = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            DOOMED_WORKER,
            str(engine.address.unix_socket),
            stdout=asyncio.subprocess.PIPE,
        )
        assert doomed.stdout is not None
        added = await engine.add(request())
        while b"running" not in await doomed.stdout.readline():
            pass
        doomed.kill()
        await doomed.wait()
        engine.run_worker(QUEUE, process)
        await eventually(lambda: is_completed(engine, added))
    assert attempts == [1]


async def a_job_that_lost_its_lock_is_cancelled_and_runs_again(
    directory: Path, eventually: Eventually
) -> None:
    """BullMQ only tells of a lost lock; the processor would go on beside its successor."""
    running, cancelled = asyncio.Event(), asyncio.Event()
    failures: list[str] = []

    async def process(job: RunningJob) -> JSON:
        if cancelled.is_set():
            return "done by the second"
        running.set()
        try:
            return await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def on_failed_for_good(job: RunningJob, message: str) -> None:
        failures.append(message)

    async with fresh_engine(directory) as engine:
        engine.run_worker(QUEUE, process, on_failed_for_good=on_failed_for_good)
        added = await engine.add(request())
        await running.wait()
        await engine._redis.delete(f"bull:{QUEUE}:{added.id}:lock")
        await cancelled.wait()
        await eventually(lambda: is_completed(engine, added))
        assert (await engine.job(QUEUE, added.id)).return_value == "done by the second"
    assert failures == []


async def closing_keeps_the_locks_of_long_jobs(directory: Path, eventually: Eventually) -> None:
    """BullMQ's own close stops renewing locks if a slot is free, and the job runs twice."""
    starts: list[str] = []
    running, may_end = asyncio.Event(), asyncio.Event()

    async def process(job: RunningJob) -> JSON:
        starts.append(job.id)
        running.set()
        await may_end.wait()
        return None

    async with fresh_engine(directory) as engine:
        closing_engine = JobEngine(engine.address)
        await closing_engine.connect()
        closing_engine.run_worker(QUEUE, process, concurrency=2)
        added = await engine.add(request())
        await running.wait()
        engine.run_worker(QUEUE, process)
        closing = asyncio.create_task(closing_engine.close())
        asyncio.get_running_loop().call_later(LOCK_SECONDS + 2, may_end.set)
        await closing
        assert await is_completed(engine, added)
    assert starts == [added.id]


async def closing_ends_although_the_server_is_gone(directory: Path, eventually: Eventually) -> None:
    """BullMQ's own close waits for commands that are repeated for minutes."""

    async def process(job: RunningJob) -> JSON:
        return None

    valkey = EmbeddedValkey(directory)
    engine = JobEngine(await valkey.start())
    await engine.connect()
    engine.run_worker(QUEUE, process)
    await eventually(lambda: holds(engine.is_healthy))
    await valkey.stop()
    async with asyncio.timeout(20):
        await engine.close()


async def test_a_lock_that_is_not_renewed_counts_as_lost() -> None:
    cancelled = asyncio.Event()

    async def work() -> JSON:
        try:
            return await asyncio.Event().wait()
        finally:
            cancelled.set()

    run = LockedRun(work(), held_seconds=0.02)
    with pytest.raises(asyncio.CancelledError):
        await run.ended()
    assert cancelled.is_set()
    assert run.stopped is StopReason.LOCK_LOST


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


async def test_jobs_survive_a_killed_server_and_their_worker_goes_on(
    valkey: EmbeddedValkey, engine: JobEngine, eventually: Eventually
) -> None:
    running, may_end = asyncio.Event(), asyncio.Event()
    starts: list[JSON] = []

    async def process(job: RunningJob) -> JSON:
        starts.append(job.data["number"])
        running.set()
        await may_end.wait()
        return None

    first, second = await engine.add(request(number=1)), await engine.add(request(number=2))
    engine.run_worker(QUEUE, process)
    await running.wait()
    killed = valkey.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    may_end.set()
    await eventually(lambda: is_completed(engine, first))
    await eventually(lambda: is_completed(engine, second))
    assert starts == [1, 2]
    assert valkey.pid != killed


async def test_a_worker_whose_loop_ends_is_started_again(
    engine: JobEngine, eventually: Eventually
) -> None:
    async def process(job: RunningJob) -> JSON:
        return None

    engine.run_worker(QUEUE, process)
    await eventually(lambda: holds(engine.is_healthy))
    loop_of_bullmq = engine._workers[QUEUE]._worker
    assert loop_of_bullmq is not None
    for task in set(loop_of_bullmq.processing):
        task.cancel()
    await eventually(lambda: holds(not engine.is_healthy))
    added = await engine.add(request())
    await eventually(lambda: is_completed(engine, added))
    assert engine.workers_running == {QUEUE: True}


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


async def holds(condition: bool) -> bool:  # noqa: FBT001 - reads as a sentence where it is used
    return condition
