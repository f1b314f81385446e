"""Traps that show only after ten seconds and more."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bakehouse.jobs.bull_settings import LOCK_SECONDS
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import (
    JSON,
    JobName,
    JobRequest,
    RunningJob,
)
from bakehouse.jobs.valkey import EmbeddedValkey
from tests.jobs.engine_probe import QUEUE, Eventually, holds, is_completed, request

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
        while b"running" not in (line := await doomed.stdout.readline()):
            assert line, "the worker ended early"
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
