"""Runs of jobs, counted and timed around their processors. What a job does is not known here."""

import time
from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from bakehouse.jobs.job_run import Processor
from bakehouse.jobs.job_types import JSON, DoNotRetry, QueueName, RunningJob, WaitThenContinue

#: A poll is two requests; a step of a payment may simulate, sign and send.
_RUN_BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_WAIT_BUCKETS: Final = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


class JobOutcome(StrEnum):
    """How one run of a job ended."""

    COMPLETED = "completed"
    WAITS = "waits"  # put back until the chain has made progress
    ATTEMPT_FAILED = "attempt-failed"  # and is tried again by itself
    FAILED = "failed"  # for good: a person is asked
    STOPPED = "stopped"  # its lock was lost, or the process ends


class JobMetrics:
    """How the jobs of one process fare."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._runs = Counter(
            "bakehouse_jobs",
            "Runs of jobs that ended, by how they did.",
            ("queue", "outcome"),
            registry=registry,
        )
        self._run_seconds = Histogram(
            "bakehouse_job_duration_seconds",
            "One run of a job.",
            ("queue",),
            registry=registry,
            buckets=_RUN_BUCKETS,
        )
        self._wait_seconds = Histogram(
            "bakehouse_job_wait_seconds",
            "From when a job was due until it was first taken.",
            ("queue",),
            registry=registry,
            buckets=_WAIT_BUCKETS,
        )
        for queue in QueueName:
            # So that the first failure is seen as a step up from 0.
            for outcome in JobOutcome:
                self._runs.labels(queue.value, outcome.value)

    def measured(self, processor: Processor) -> Processor:
        """Wrap a processor: each run is counted and timed, and ends as it would have."""

        async def process(job: RunningJob) -> JSON:
            if job.waited_seconds is not None:
                self._wait_seconds.labels(job.queue.value).observe(job.waited_seconds)
            started = time.perf_counter()
            # Only being cancelled leaves it at this.
            outcome = JobOutcome.STOPPED
            try:
                value = await processor(job)
                outcome = JobOutcome.COMPLETED
            except WaitThenContinue:
                outcome = JobOutcome.WAITS
                raise
            except Exception as error:
                outcome = _failure(job, error)
                raise
            finally:
                self._runs.labels(job.queue.value, outcome.value).inc()
                seconds = time.perf_counter() - started
                self._run_seconds.labels(job.queue.value).observe(seconds)
            return value

        return process


def _failure(job: RunningJob, error: Exception) -> JobOutcome:
    is_for_good = job.is_last_attempt or isinstance(error, DoNotRetry)
    return JobOutcome.FAILED if is_for_good else JobOutcome.ATTEMPT_FAILED
