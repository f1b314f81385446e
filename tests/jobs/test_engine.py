"""How jobs are added, run, seen and let go, on a real Valkey and the real BullMQ."""

import asyncio

import pytest

from bakehouse.errors import ConflictError, InputError, SourceUnreachableError
from bakehouse.jobs.bull_settings import COMPLETED_COUNT
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import (
    JSON,
    PRIORITY_MANUAL,
    AddedJob,
    JobName,
    JobOptions,
    JobRequest,
    JobState,
    RunningJob,
)
from bakehouse.jobs.redis_address import RedisAddress
from tests.jobs.engine_probe import QUEUE, Eventually, Reaches, Runs, holds, request
from tests.jobs.redis_server import QueueServer


async def test_a_job_shows_its_data_progress_and_value(engine: JobEngine, reaches: Reaches) -> None:
    async def process(job: RunningJob) -> JSON:
        await job.log("half way")
        await job.report_progress({"done": 1, "of": 2})
        return {"mutez": job.data["mutez"]}

    engine.run_worker(QUEUE, process)
    added = await engine.add(request({"mutez": 2**60 + 1}))
    await reaches(added.id, JobState.COMPLETED)
    assert await engine.job_log(QUEUE, added.id) == ["half way"]
    view = await engine.job(QUEUE, added.id)
    assert (view.name, view.data) == ("distribute", {"mutez": 2**60 + 1})
    assert view.progress == {"done": 1, "of": 2}
    assert view.return_value == {"mutez": 2**60 + 1}
    assert (view.attempts_made, view.attempts_max) == (1, 1)
    assert view.started_at is not None
    assert view.finished_at is not None
    assert view.created_at <= view.started_at <= view.finished_at


async def test_a_second_request_for_the_same_work_gets_the_job_that_waits_or_runs(
    engine: JobEngine, runs: Runs, reaches: Reaches
) -> None:
    once = JobRequest(QUEUE, JobName.DISTRIBUTE, {}, deduplication_id="baker-7")
    first = await engine.add(once)
    while_waiting = await engine.add(once)
    engine.run_worker(QUEUE, runs.wait_until_told)
    await runs.running.wait()
    while_active = await engine.add(once)
    runs.may_end.set()
    await reaches(first.id, JobState.COMPLETED)
    afterwards = await engine.add(once)

    assert not first.deduplicated
    assert (while_waiting.id, while_waiting.deduplicated) == (first.id, True)
    assert (while_active.id, while_active.deduplicated) == (first.id, True)
    assert afterwards.id != first.id
    assert not afterwards.deduplicated


async def test_a_job_that_waits_for_its_retry_is_not_added_again(
    engine: JobEngine, runs: Runs, reaches: Reaches
) -> None:
    again_later = JobOptions(attempts=2, backoff_seconds=60)
    once = JobRequest(QUEUE, JobName.DISTRIBUTE, {}, again_later, deduplication_id="baker-7")
    first = await engine.add(once)
    engine.run_worker(QUEUE, runs.fail)
    await reaches(first.id, JobState.DELAYED)
    assert (await engine.add(once)).id == first.id


async def test_a_retried_job_keeps_others_from_its_work_as_before(
    engine: JobEngine, runs: Runs, reaches: Reaches
) -> None:
    once = JobRequest(QUEUE, JobName.DISTRIBUTE, {}, deduplication_id="baker-7")
    engine.run_worker(QUEUE, runs.fail)
    failed = await engine.add(once)
    await reaches(failed.id, JobState.FAILED)
    await engine.pause(QUEUE)
    await engine.retry(QUEUE, failed.id)
    assert await engine.add(once) == AddedJob(failed.id, deduplicated=True)
    await engine.resume(QUEUE)
    await reaches(failed.id, JobState.FAILED)

    await engine.pause(QUEUE)
    newer = await engine.add(once)
    assert newer.id != failed.id
    with pytest.raises(ConflictError, match="A newer job does the work"):
        await engine.retry(QUEUE, failed.id)


async def test_a_manual_job_overtakes_scheduled_ones(
    engine: JobEngine, runs: Runs, eventually: Eventually
) -> None:
    for number in (1, 2):
        await engine.add(request({"number": number}))
    await engine.add(request({"number": 3}, priority=PRIORITY_MANUAL))
    engine.run_worker(QUEUE, runs.succeed)
    await eventually(lambda: holds(len(runs.jobs) == 3))
    assert [job.data["number"] for job in runs.jobs] == [3, 1, 2]


async def test_a_queue_has_one_worker_in_a_process(engine: JobEngine, runs: Runs) -> None:
    engine.run_worker(QUEUE, runs.succeed)
    with pytest.raises(ConflictError, match="already has a worker"):
        engine.run_worker(QUEUE, runs.succeed)


async def test_a_paused_queue_keeps_its_jobs_until_it_is_resumed(
    engine: JobEngine, runs: Runs, reaches: Reaches
) -> None:
    await engine.pause(QUEUE)
    assert await engine.is_paused(QUEUE)
    engine.run_worker(QUEUE, runs.succeed)
    added = await engine.add(request())
    assert (await engine.job(QUEUE, added.id)).state is JobState.PRIORITIZED
    await engine.resume(QUEUE)
    await reaches(added.id, JobState.COMPLETED)
    assert not await engine.is_paused(QUEUE)


async def test_jobs_are_counted_and_listed_by_state(engine: JobEngine) -> None:
    waiting = await engine.add(request())
    delayed = await engine.add(JobRequest(QUEUE, JobName.DISTRIBUTE, {}, delay_seconds=60))
    counts = await engine.counts(QUEUE)
    assert {state: count for state, count in counts.items() if count} == {
        JobState.PRIORITIZED: 1,
        JobState.DELAYED: 1,
    }
    listed = await engine.jobs(QUEUE, [JobState.DELAYED, JobState.PRIORITIZED, JobState.FAILED])
    assert [(view.id, view.state) for view in listed] == [
        (delayed.id, JobState.DELAYED),
        (waiting.id, JobState.PRIORITIZED),
    ]


async def test_only_the_latest_completed_jobs_are_kept(
    engine: JobEngine, runs: Runs, eventually: Eventually
) -> None:
    engine.run_worker(QUEUE, runs.succeed)
    total = COMPLETED_COUNT + 5
    for _ in range(total):
        await engine.add(request())
    await eventually(lambda: holds(len(runs.jobs) == total))

    async def settled() -> bool:
        counts = await engine.counts(QUEUE)
        return counts[JobState.ACTIVE] == 0

    await eventually(settled)
    assert (await engine.counts(QUEUE))[JobState.COMPLETED] == COMPLETED_COUNT


async def test_closing_waits_for_the_running_job_and_takes_no_other(
    queue_server: QueueServer, engine: JobEngine, runs: Runs
) -> None:
    worker = JobEngine(queue_server.address)
    await worker.connect()
    worker.run_worker(QUEUE, runs.wait_until_told)
    first, second = await engine.add(request()), await engine.add(request())
    await runs.running.wait()
    closing = asyncio.create_task(worker.close())
    runs.may_end.set()
    await closing
    assert (await engine.job(QUEUE, first.id)).state is JobState.COMPLETED
    assert (await engine.job(QUEUE, second.id)).state is JobState.PRIORITIZED


async def test_a_job_not_done_when_the_grace_is_over_goes_back_and_runs_elsewhere(
    queue_server: QueueServer, engine: JobEngine, runs: Runs, reaches: Reaches
) -> None:
    worker = JobEngine(queue_server.address)
    await worker.connect()
    worker.run_worker(QUEUE, runs.wait_until_told, on_failed_for_good=runs.on_failed_for_good)
    added = await engine.add(request())
    await runs.running.wait()
    await worker.close(grace_seconds=0)
    assert (await engine.job(QUEUE, added.id)).state is JobState.DELAYED
    runs.may_end.set()
    engine.run_worker(QUEUE, runs.wait_until_told)
    await reaches(added.id, JobState.COMPLETED)
    assert runs.attempts == [(1, True), (1, True)]
    assert runs.failures == []


async def test_an_unreachable_server_is_named_without_its_password() -> None:
    address = RedisAddress(host="127.0.0.1", port=1, password="open sesame")
    engine = JobEngine(address)
    with pytest.raises(SourceUnreachableError, match=r"redis://127\.0\.0\.1:1/0") as caught:
        await engine.connect()
    assert "sesame" not in str(caught.value)
    await engine.close()


@pytest.mark.parametrize(
    "options", [{"priority": 0}, {"priority": 2**21 + 1}, {"attempts": 0}, {"backoff_seconds": -1}]
)
def test_options_out_of_range_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(InputError):
        JobOptions(**options)
