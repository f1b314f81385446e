"""What the job engine promises, on a real Valkey and the real BullMQ."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from bakehouse.errors import ConflictError, InputError, NotFoundError, SourceUnreachableError
from bakehouse.jobs.backoff import RETRY_DELAY_MAX_SECONDS, retry_delay_ms
from bakehouse.jobs.bull_settings import COMPLETED_COUNT
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import (
    JSON,
    PRIORITY_MANUAL,
    AddedJob,
    DoNotRetry,
    JobName,
    JobOptions,
    JobRequest,
    JobState,
    QueueName,
    RunningJob,
    Schedule,
    WaitThenContinue,
)
from bakehouse.jobs.redis_address import RedisAddress
from bakehouse.jobs.valkey import EmbeddedValkey

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]

QUEUE = QueueName.REWARD_DISTRIBUTION


def request(data: dict[str, JSON] | None = None, **options: int) -> JobRequest:
    return JobRequest(QUEUE, JobName.DISTRIBUTE, data or {}, JobOptions(**options))


def schedule(every_seconds: int, **data: JSON) -> Schedule:
    return Schedule("cycle-monitor-7", QUEUE, JobName.CHECK_CYCLE, data, every_seconds)


class Runs:
    """Processors that note what they ran, and failures as they are handed over."""

    def __init__(self) -> None:
        self.jobs: list[RunningJob] = []
        self.attempts: list[tuple[int, bool]] = []
        self.failures: list[tuple[str, str]] = []
        self.running = asyncio.Event()
        self.may_end = asyncio.Event()

    def note(self, job: RunningJob) -> None:
        self.jobs.append(job)
        self.attempts.append((job.attempt, job.is_last_attempt))
        self.running.set()

    async def succeed(self, job: RunningJob) -> JSON:
        self.note(job)
        return None

    async def fail(self, job: RunningJob) -> JSON:
        self.note(job)
        raise ConflictError("The node said no.")

    async def wait_until_told(self, job: RunningJob) -> JSON:
        self.note(job)
        await self.may_end.wait()
        return "told"

    async def on_failed_for_good(self, job: RunningJob, message: str) -> None:
        self.failures.append((job.id, message))


@pytest.fixture
async def runs() -> Runs:
    return Runs()


@pytest.fixture
def reaches(
    engine: JobEngine, eventually: Eventually
) -> Callable[[str, JobState], Awaitable[None]]:
    """Wait until a job is in a state."""

    async def wait(job_id: str, state: JobState) -> None:
        async def there() -> bool:
            return (await engine.job(QUEUE, job_id)).state is state

        await eventually(there)

    return wait


Reaches = Callable[[str, JobState], Awaitable[None]]


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


async def test_a_manual_job_overtakes_scheduled_ones(
    engine: JobEngine, runs: Runs, eventually: Eventually
) -> None:
    for number in (1, 2):
        await engine.add(request({"number": number}))
    await engine.add(request({"number": 3}, priority=PRIORITY_MANUAL))
    engine.run_worker(QUEUE, runs.succeed)
    await eventually(lambda: holds(len(runs.jobs) == 3))
    assert [job.data["number"] for job in runs.jobs] == [3, 1, 2]


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


async def test_a_queue_has_one_worker_in_a_process(engine: JobEngine, runs: Runs) -> None:
    engine.run_worker(QUEUE, runs.succeed)
    with pytest.raises(ConflictError, match="already has a worker"):
        engine.run_worker(QUEUE, runs.succeed)


async def test_only_a_failed_job_can_be_retried(engine: JobEngine) -> None:
    added = await engine.add(request())
    with pytest.raises(ConflictError, match="has not failed"):
        await engine.retry(QUEUE, added.id)
    with pytest.raises(NotFoundError):
        await engine.retry(QUEUE, "nothing")
    with pytest.raises(NotFoundError):
        await engine.job(QUEUE, "nothing")


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
    valkey: EmbeddedValkey, engine: JobEngine, runs: Runs
) -> None:
    worker = JobEngine(valkey.address)
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
    valkey: EmbeddedValkey, engine: JobEngine, runs: Runs, reaches: Reaches
) -> None:
    worker = JobEngine(valkey.address)
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


@pytest.mark.parametrize(("schedule_id", "every"), [("a:b", 60), ("", 60), ("a", 0)])
def test_a_schedule_with_a_bad_id_or_interval_is_refused(schedule_id: str, every: int) -> None:
    with pytest.raises(InputError):
        Schedule(schedule_id, QUEUE, JobName.CHECK_CYCLE, {}, every)


async def holds(condition: bool) -> bool:  # noqa: FBT001 - reads as a sentence where it is used
    return condition
