"""The queues as a person sees them: counts, schedules, jobs, and why one failed."""

import asyncio

from bakehouse.jobs import job_requests
from bakehouse.jobs.job_types import (
    JSON,
    JobName,
    JobOptions,
    JobRequest,
    JobState,
    QueueName,
    RunningJob,
)
from tests.web.conftest import BAKER, BROWSER, HOSTILE, House

QUEUE = QueueName.REWARD_DISTRIBUTION
QUEUES = "/admin/queues"


def request(attempts: int = 1) -> JobRequest:
    data: dict[str, JSON] = {"baker_id": HOSTILE, "cycle": 1336}
    return JobRequest(QUEUE, JobName.DISTRIBUTE, data, JobOptions(attempts=attempts))


async def ended(house: House, job_id: str) -> None:
    """Wait until a job has completed, or failed for good."""
    async with asyncio.timeout(30):
        while True:
            job = await house.workshop.engine.job(QUEUE, job_id)
            if job.state in {JobState.COMPLETED, JobState.FAILED}:
                return
            await asyncio.sleep(0.02)


async def succeed(job: RunningJob) -> JSON:
    await job.report_progress(40)
    return {"state": "paid", "note": HOSTILE}


async def fail(job: RunningJob) -> JSON:
    await job.report_progress({"paid": 150, "total": 612})
    raise RuntimeError(HOSTILE)


async def test_the_four_queues_are_shown_before_anything_happens(house: House) -> None:
    page = await house.page(QUEUES)

    for queue in QueueName:
        assert queue in page.values("id", "h2")
    assert page.text.count("No jobs.") == len(QueueName)
    assert page.text.count("no worker in this process") == len(QueueName)


async def test_schedules_are_shown_with_their_next_run(house: House) -> None:
    await house.register()
    await house.scheduler.initialize_schedules(BAKER)

    page = await house.page(QUEUES)

    assert f"cycle-monitor-{BAKER} every 10 min, next in 9 min" in page.text
    assert f"balance-poll-{BAKER} every 5 min, next in 4 min" in page.text
    assert "check-cycle" in page.text
    assert "prioritized 1" in page.text


async def test_a_paused_queue_is_called_paused(house: House) -> None:
    await house.workshop.engine.pause(QueueName.BOND_POOL)

    assert "bond-pool paused" in (await house.page(QUEUES)).text


async def test_a_failed_job_shows_its_reason_attempts_progress_and_tracebacks(
    house: House,
) -> None:
    engine = house.workshop.engine
    engine.run_worker(QUEUE, fail)
    await ended(house, (await engine.add(request(attempts=2))).id)

    page = await house.page(QUEUES)

    assert "reward-distribution worker here" in page.text
    assert "failed 1" in page.text
    assert "2 of 2" in page.text
    assert (page.values("max", "progress"), page.values("value", "progress")) == (["612"], ["150"])
    assert page.text.count("Traceback of attempt") == 2
    assert f"RuntimeError: {HOSTILE}" in page.text
    assert HOSTILE not in page.html


async def test_a_completed_job_shows_what_came_of_it(house: House) -> None:
    engine = house.workshop.engine
    engine.run_worker(QUEUE, succeed)
    await ended(house, (await engine.add(request())).id)

    page = await house.page(QUEUES)

    assert "completed 1" in page.text
    assert '"state": "paid"' in page.text
    assert page.values("value", "progress") == ["40"]
    assert HOSTILE not in page.html


async def test_progress_of_a_shape_that_is_not_ours_is_left_out(house: House) -> None:
    odd: list[JSON] = [
        {"total": 3},
        {"paid": "x", "total": 3},
        {"paid": 1.5, "total": 3},
        {"paid": 5, "total": 3},
        {"paid": 0, "total": 0},
        [],
        "half",
        0,
        101,
        -1,
    ]
    engine = house.workshop.engine
    reports = iter(odd)

    async def report_next(job: RunningJob) -> JSON:
        await job.report_progress(next(reports))
        return None

    engine.run_worker(QUEUE, report_next)
    for _ in odd:
        await ended(house, (await engine.add(request())).id)
        assert (await house.page(QUEUES)).tags["progress"] == 0


async def test_very_long_data_is_cut_off(house: House) -> None:
    await house.workshop.engine.add(job_requests.check_cycle("x" * 100_000))

    page = await house.page(QUEUES)

    assert len(page.html) < 20_000


async def test_a_silent_queue_is_told_as_a_page_of_its_own(house: House) -> None:
    await house.valkey.stop()

    answer = await house.client.get(QUEUES, headers=BROWSER)

    assert answer.status_code == 503
    assert "Service Unavailable" in answer.text
