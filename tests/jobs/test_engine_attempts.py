"""How jobs fail, wait and are tried again."""

import asyncio
from datetime import timedelta

import pytest

from bakehouse.errors import ConflictError, NotFoundError
from bakehouse.jobs.backoff import RETRY_DELAY_MAX_SECONDS, retry_delay_ms
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import (
    JSON,
    DoNotRetry,
    JobState,
    RunningJob,
    WaitThenContinue,
)
from tests.jobs.engine_probe import QUEUE, Reaches, Runs, request


async def test_attempts_are_counted_and_only_the_last_one_is_told_to_be_the_last(
    engine: JobEngine, runs: Runs, reaches: Reaches
) -> None:
    engine.run_worker(QUEUE, runs.fail, on_failed_for_good=runs.on_failed_for_good)
    added = await engine.add(request(attempts=3))
    await reaches(added.id, JobState.FAILED)

    assert runs.attempts == [(1, False), (2, False), (3, True)]
    assert runs.failures == [(added.id, "The node said no.")]
    view = await engine.job(QUEUE, added.id)
    assert view.attempts_made == 3
    assert view.failed_reason == "The node said no."
    assert len(view.tracebacks) == 3
    assert "ConflictError: The node said no." in view.tracebacks[-1]
    assert "in fail" in view.tracebacks[-1]


async def test_a_retry_waits_at_least_its_backoff(
    engine: JobEngine, runs: Runs, reaches: Reaches
) -> None:
    engine.run_worker(QUEUE, runs.fail)
    added = await engine.add(request(attempts=2, backoff_seconds=1))
    await reaches(added.id, JobState.DELAYED)
    first_started_at = (await engine.job(QUEUE, added.id)).started_at
    await reaches(added.id, JobState.FAILED)
    second_started_at = (await engine.job(QUEUE, added.id)).started_at

    assert first_started_at is not None
    assert second_started_at is not None
    assert second_started_at - first_started_at >= timedelta(milliseconds=900)


def test_the_wait_before_a_retry_doubles_up_to_six_hours() -> None:
    minute = 60_000
    assert [retry_delay_ms(minute, failures, 0) for failures in (1, 2, 3, 4)] == [
        minute,
        2 * minute,
        4 * minute,
        8 * minute,
    ]
    assert retry_delay_ms(minute, 1000, 0) == RETRY_DELAY_MAX_SECONDS * 1000
    assert retry_delay_ms(minute, 1, -100) == 54_000
    assert retry_delay_ms(minute, 1, 100) == 66_000


async def test_do_not_retry_ends_a_job_whatever_attempts_are_left(
    engine: JobEngine, runs: Runs, reaches: Reaches
) -> None:
    async def refuse(job: RunningJob) -> JSON:
        runs.note(job)
        raise DoNotRetry("Baker 7 is gone.")

    engine.run_worker(QUEUE, refuse, on_failed_for_good=runs.on_failed_for_good)
    added = await engine.add(request(attempts=5))
    await reaches(added.id, JobState.FAILED)
    assert runs.attempts == [(1, False)]
    assert runs.failures == [(added.id, "Baker 7 is gone.")]


async def test_a_failure_that_could_not_be_recorded_comes_back_instead_of_being_lost(
    engine: JobEngine, runs: Runs, reaches: Reaches
) -> None:
    async def database_is_down(job: RunningJob, message: str) -> None:
        raise OSError("no database")

    engine.run_worker(QUEUE, runs.fail, on_failed_for_good=database_is_down)
    added = await engine.add(request())
    await reaches(added.id, JobState.DELAYED)
    assert (await engine.job(QUEUE, added.id)).attempts_made == 0


async def test_waiting_uses_up_no_attempt(engine: JobEngine, runs: Runs, reaches: Reaches) -> None:
    async def wait_twice(job: RunningJob) -> JSON:
        runs.note(job)
        if len(runs.jobs) < 3:
            raise WaitThenContinue(seconds=0)
        return None

    engine.run_worker(QUEUE, wait_twice, on_failed_for_good=runs.on_failed_for_good)
    added = await engine.add(request())
    await reaches(added.id, JobState.COMPLETED)
    assert runs.attempts == [(1, True)] * 3
    assert runs.failures == []
    assert (await engine.job(QUEUE, added.id)).attempts_made == 1


@pytest.mark.parametrize("value", [float("nan"), {"a": object()}])
async def test_a_value_that_cannot_be_stored_fails_its_job(
    engine: JobEngine, runs: Runs, reaches: Reaches, value: JSON
) -> None:
    async def process(job: RunningJob) -> JSON:
        return value

    engine.run_worker(QUEUE, process, on_failed_for_good=runs.on_failed_for_good)
    added = await engine.add(request())
    await reaches(added.id, JobState.FAILED)
    assert len(runs.failures) == 1


async def test_a_processor_that_cancels_itself_fails_its_job_and_spares_the_worker(
    engine: JobEngine, runs: Runs, reaches: Reaches
) -> None:
    async def process(job: RunningJob) -> JSON:
        raise asyncio.CancelledError

    engine.run_worker(QUEUE, process, on_failed_for_good=runs.on_failed_for_good)
    for _ in range(2):
        added = await engine.add(request())
        await reaches(added.id, JobState.FAILED)
    assert engine.workers_running == {QUEUE: True}


async def test_a_failed_job_is_retried_with_all_its_attempts(
    engine: JobEngine, runs: Runs, reaches: Reaches
) -> None:
    engine.run_worker(QUEUE, runs.fail, on_failed_for_good=runs.on_failed_for_good)
    added = await engine.add(request(attempts=2))
    await reaches(added.id, JobState.FAILED)
    runs.attempts.clear()
    await engine.retry(QUEUE, added.id)
    await reaches(added.id, JobState.FAILED)
    assert runs.attempts == [(1, False), (2, True)]
    assert len(runs.failures) == 2


async def test_only_a_failed_job_can_be_retried(engine: JobEngine) -> None:
    added = await engine.add(request())
    with pytest.raises(ConflictError, match="has not failed"):
        await engine.retry(QUEUE, added.id)
    with pytest.raises(NotFoundError):
        await engine.retry(QUEUE, "nothing")
    with pytest.raises(NotFoundError):
        await engine.job(QUEUE, "nothing")
