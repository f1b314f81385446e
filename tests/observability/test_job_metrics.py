"""Runs of jobs are counted by how they end, timed, and end as they would have."""

import asyncio
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry

from bakehouse.errors import ConflictError
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import (
    JSON,
    DoNotRetry,
    JobName,
    JobOptions,
    JobRequest,
    JobState,
    QueueName,
    RunningJob,
    WaitThenContinue,
)
from bakehouse.logs import LogFormat, configure_logs
from bakehouse.observability.job_metrics import JobMetrics
from tests.logging_state import logging_given_back

QUEUE = QueueName.BOND_POOL
SECONDS = 30


def request(what: str, attempts: int = 1) -> JobRequest:
    return JobRequest(QUEUE, JobName.DISTRIBUTE, {"do": what}, JobOptions(attempts=attempts))


async def process(job: RunningJob) -> JSON:
    structlog.get_logger("bakehouse.test").info("at-work")
    match job.data["do"]:
        case "fail":
            raise ConflictError("no")
        case "give up":
            raise DoNotRetry("never")
        case "wait" if job.waited_seconds is not None:
            raise WaitThenContinue(0)
        case done:
            return done


async def ended(engine: JobEngine, job_id: str) -> JobState:
    async with asyncio.timeout(SECONDS):
        while True:
            state = (await engine.job(QUEUE, job_id)).state
            if state in {JobState.COMPLETED, JobState.FAILED}:
                return state
            await asyncio.sleep(0.02)


@pytest.fixture
def log() -> Iterator[StringIO]:
    written = StringIO()
    with logging_given_back():
        configure_logs(LogFormat.JSON, "info", written)
        yield written


def events(log: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


async def test_runs_are_counted_by_outcome_and_timed(engine: JobEngine) -> None:
    registry = CollectorRegistry()
    engine.run_worker(QUEUE, JobMetrics(registry).measured(process))

    for what, attempts, state in (
        ("succeed", 1, JobState.COMPLETED),
        ("wait", 1, JobState.COMPLETED),
        ("fail", 2, JobState.FAILED),
        ("give up", 5, JobState.FAILED),
    ):
        added = await engine.add(request(what, attempts))
        assert await ended(engine, added.id) is state

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"queue": QUEUE.value, **labels})

    def runs(outcome: str) -> float | None:
        return value("bakehouse_jobs_total", outcome=outcome)

    assert (runs("completed"), runs("waits"), runs("stopped")) == (2, 1, 0)
    assert (runs("attempt-failed"), runs("failed")) == (1, 2)
    assert value("bakehouse_job_duration_seconds_count") == 6
    # Only the first run of a job tells for how long it was due.
    assert value("bakehouse_job_wait_seconds_count") == 4


async def test_a_run_that_is_cut_short_is_counted_as_stopped(engine: JobEngine) -> None:
    registry = CollectorRegistry()
    started = asyncio.Event()

    async def hang(_job: RunningJob) -> JSON:
        started.set()
        await asyncio.Event().wait()
        return None

    engine.run_worker(QUEUE, JobMetrics(registry).measured(hang))
    await engine.add(request("hang"))
    await started.wait()
    await engine.close(grace_seconds=0)

    labels = {"queue": QUEUE.value, "outcome": "stopped"}
    assert registry.get_sample_value("bakehouse_jobs_total", labels) == 1


async def test_every_line_of_a_job_says_which_job_it_belongs_to(
    engine: JobEngine, log: StringIO
) -> None:
    engine.run_worker(QUEUE, process)
    added = await engine.add(request("fail", attempts=2))
    await ended(engine, added.id)

    named = [line for line in events(log) if "job_id" in line]
    assert [(line["event"], line["attempt"]) for line in named] == [
        ("job-started", 1),
        ("at-work", 1),
        ("job-attempt-failed", 1),
        ("job-started", 2),
        ("at-work", 2),
        ("job-failed", 2),
    ]
    assert {(line["job_id"], line["queue"], line["job"]) for line in named} == {
        (added.id, QUEUE.value, "distribute")
    }


async def test_a_job_that_is_added_says_who_added_it(engine: JobEngine, log: StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="of-a-request"):
        added = await engine.add(request("succeed"))

    (line,) = [each for each in events(log) if each["event"] == "job-added"]
    assert (line["request_id"], line["added_id"]) == ("of-a-request", added.id)
    assert line["to_queue"] == QUEUE.value
