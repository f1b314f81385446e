"""What the board's buttons do."""

import time

import pytest

from bakehouse.jobs.bull_records import now_ms
from bakehouse.jobs.job_types import JOB_OF, JSON, JobOptions, JobRequest, JobState, QueueName
from bakehouse.ledger import audit
from tests.board.conftest import MONITORING, PAYING, Board, eventually
from tests.board.test_reading import add_flow, child
from tests.web.conftest import BAKER

pytestmark = pytest.mark.asyncio(loop_scope="module")

BALANCES = QueueName.BLOCKCHAIN_POLLING


async def counts(board: Board, queue: QueueName) -> dict[str, int]:
    """Of those states that have jobs."""
    shown: dict[str, int] = (await board.queue(queue))["counts"]
    return {state: count for state, count in shown.items() if count}


async def test_a_failed_job_runs_again(board: Board) -> None:
    [job] = await board.fail()
    before = (await board.get(f"/queues/{PAYING}/{job.id}"))["job"]["finishedOn"]

    await board.put(f"/queues/{PAYING}/{job.id}/retry")

    async def ran_again() -> bool:
        shown = await board.get(f"/queues/{PAYING}/{job.id}")
        return bool(shown["status"] == "failed" and (shown["job"]["finishedOn"] or 0) > before)

    await eventually(ran_again)


async def test_all_failed_jobs_run_again_but_those_whose_work_a_newer_one_does(
    board: Board,
) -> None:
    await board.fail(3)
    engine = board.house.workshop.engine
    twin = JobRequest(PAYING, JOB_OF[PAYING], {}, JobOptions(), deduplication_id="one-cycle")
    old = await engine.add(twin)
    await board.reaches(PAYING, old, JobState.FAILED)
    await board.put(f"/queues/{PAYING}/pause")
    await engine.add(twin)

    done = await board.put(f"/queues/{PAYING}/retry/failed")

    assert done == {"retried": 3, "skipped": 1}
    assert await counts(board, PAYING) == {"prioritized": 4, "failed": 1}


async def test_a_delayed_job_runs_now(board: Board) -> None:
    job = await board.add(PAYING, delay_seconds=1000)

    await board.put(f"/queues/{PAYING}/{job.id}/promote")

    await board.reaches(PAYING, job, JobState.FAILED)


async def test_all_delayed_jobs_run_now(board: Board) -> None:
    jobs = [await board.add(PAYING, delay_seconds=1000) for _ in range(3)]

    await board.put(f"/queues/{PAYING}/promote")

    for job in jobs:
        await board.reaches(PAYING, job, JobState.FAILED)


async def test_a_delayed_job_is_put_off_and_brought_forward(board: Board) -> None:
    job = await board.add(PAYING, delay_seconds=1000)
    path = f"/queues/{PAYING}/{job.id}/delay"

    answer = await board.send("PATCH", path, {"runAt": now_ms() + 5_000_000})
    delay = (await board.get(f"/queues/{PAYING}/{job.id}"))["job"]["delay"]
    assert answer.status_code == 200
    assert 4_900_000 < delay <= 5_000_000

    await board.send("PATCH", path, {"runAt": int(time.time())})
    await board.reaches(PAYING, job, JobState.FAILED)


async def test_a_waiting_job_gets_another_priority(board: Board) -> None:
    job = await board.add(MONITORING)

    answer = await board.send("PATCH", f"/queues/{MONITORING}/{job.id}/priority", {"priority": 3})

    assert answer.status_code == 200
    assert (await board.get(f"/queues/{MONITORING}/{job.id}"))["job"]["priority"] == 3


async def test_one_job_is_removed(board: Board) -> None:
    job, other = await board.fail(2)

    await board.put(f"/queues/{PAYING}/{job.id}/clean")

    gone = await board.send("GET", f"/queues/{PAYING}/{job.id}")
    assert gone.status_code == 404
    assert (await board.get(f"/queues/{PAYING}/{other.id}"))["status"] == "failed"


async def test_all_jobs_of_a_state_are_removed_and_schedules_stay(board: Board) -> None:
    await board.fail(3)
    await board.house.scheduler.initialize_schedules(BAKER)
    await board.add(MONITORING, delay_seconds=100)
    before = await counts(board, MONITORING)

    await board.put(f"/queues/{PAYING}/clean/failed")
    await board.put(f"/queues/{MONITORING}/clean/delayed")

    assert await counts(board, PAYING) == {}
    assert before["delayed"] == 2
    assert (await counts(board, MONITORING))["delayed"] == 1
    [schedule] = (await board.get("/job-schedulers", queueName=MONITORING))["schedulers"]
    assert schedule["nextRunJobId"]


async def test_a_queue_is_emptied_of_what_waits(board: Board) -> None:
    for _ in range(3):
        await board.add(MONITORING)
    await board.add(MONITORING, delay_seconds=100)

    await board.put(f"/queues/{MONITORING}/empty")

    assert await counts(board, MONITORING) == {"delayed": 1}


async def test_a_queue_is_paused_and_resumed(board: Board) -> None:
    await board.put(f"/queues/{PAYING}/pause")
    job = await board.add(PAYING)
    assert (await board.queue(PAYING))["isPaused"] is True
    assert (await board.queue(MONITORING))["isPaused"] is False
    assert await counts(board, PAYING) == {"prioritized": 1}

    await board.put(f"/queues/{PAYING}/resume")

    await board.reaches(PAYING, job, JobState.FAILED)
    assert (await board.queue(PAYING))["isPaused"] is False


async def test_all_queues_are_paused_and_resumed(board: Board) -> None:
    await board.put("/queues/pause")
    paused = [(await board.queue(name))["isPaused"] for name in QueueName]
    await board.put("/queues/resume")
    resumed = [(await board.queue(name))["isPaused"] for name in QueueName]

    assert (paused, resumed) == ([True] * len(QueueName), [False] * len(QueueName))


async def test_a_job_is_added_whose_name_the_queue_knows(board: Board) -> None:
    data: dict[str, JSON] = {"baker_id": BAKER}
    options: dict[str, JSON] = {"attempts": 2, "delay": 90_500, "lifo": True, "jobId": "mine"}
    body: dict[str, JSON] = {"name": "", "data": data, "options": options}

    answer = await board.send("POST", f"/queues/{MONITORING}/add", body)

    shown = answer.json()
    assert (answer.status_code, shown["status"]) == (200, "delayed")
    job = shown["job"]
    assert (job["name"], job["data"], job["delay"]) == ("check-cycle", data, 91_000)
    assert (job["opts"]["attempts"], job["opts"]["priority"]) == (2, 1)
    assert job["id"] != "mine"


async def test_limits_are_set_and_lifted(board: Board) -> None:
    await board.put(f"/queues/{PAYING}/concurrency", {"concurrency": 2})
    await board.put(f"/queues/{PAYING}/rate-limit", {"max": 5, "duration": 1000})
    limited = (await board.queue(PAYING))["globalConcurrency"]
    rate = await board.get(f"/queues/{PAYING}/rate-limit")

    await board.put(f"/queues/{PAYING}/concurrency", {"concurrency": 0})
    await board.put(f"/queues/{PAYING}/rate-limit", {"max": None})

    assert (limited, (await board.queue(PAYING))["globalConcurrency"]) == (2, None)
    assert rate == {"supported": True, "rateLimit": {"max": 5, "duration": 1000}}
    after = await board.get(f"/queues/{PAYING}/rate-limit")
    assert after == {"supported": True, "rateLimit": None}


async def test_jobs_held_back_by_a_rate_limit_are_released(board: Board) -> None:
    bull = board.house.workshop.engine.bull_queue(PAYING)
    await bull.rateLimit(500_000)
    assert (await board.queue(PAYING))["activeRateLimitTtl"] > 400_000

    await board.put(f"/queues/{PAYING}/rate-limit/release")

    assert (await board.queue(PAYING))["activeRateLimitTtl"] == 0


async def test_a_schedule_runs_now_and_its_next_run_stays(board: Board) -> None:
    await board.house.scheduler.initialize_schedules(BAKER)
    name = f"balance-poll-{BAKER}"
    [before] = (await board.get("/job-schedulers", queueName=BALANCES))["schedulers"]

    run = await board.put(f"/queues/{BALANCES}/job-schedulers/{name}/run")

    [after] = (await board.get("/job-schedulers", queueName=BALANCES))["schedulers"]
    assert after["next"] == before["next"]
    assert (run["job"]["name"], run["job"]["data"]) == ("poll-balance", {"baker_id": BAKER})
    assert (run["job"]["opts"]["attempts"], run["job"]["opts"]["priority"]) == (3, 1)


async def test_children_that_a_job_waits_for_are_removed(board: Board) -> None:
    parent_id = await add_flow(board, [child(1), child(2)])
    path = f"/queues/{MONITORING}/{parent_id}/remove-unprocessed-children"

    assert await board.put(path) == {"removed": 2}

    tree = await board.get(f"/queues/{MONITORING}/{parent_id}/flow")
    assert tree["flowRoot"]["children"] == []
    assert (await board.send("PUT", path)).status_code == 409


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "told"),
    [
        ("PUT", "/JOB/retry", None, 409, "has not failed"),
        ("PUT", "/JOB/promote", None, 409, "is prioritized, not delayed"),
        ("PATCH", "/JOB/delay", {"runAt": 1}, 409, "is prioritized, not delayed"),
        ("PATCH", "/JOB/delay", {"runAt": "soon"}, 400, "integer"),
        ("PATCH", "/JOB/priority", {"priority": 0}, 400, "priority runs from 1"),
        ("PATCH", "/JOB/priority", {"priority": 2**22}, 400, "priority runs from 1"),
        ("PUT", "/retry/completed", None, 409, "Only failed jobs"),
        ("PUT", "/clean/active", None, 409, "Only completed, failed and delayed"),
        ("PUT", "/concurrency", {"concurrency": -1}, 400, "greater than or equal to 0"),
        ("PUT", "/rate-limit", {"max": 5}, 400, "in how many milliseconds"),
        ("PUT", "/job-schedulers/none/run", None, 404, "has no schedule none"),
        ("PUT", "/no-job/retry", None, 404, "has no job no-job"),
        ("PUT", "/no-job/clean", None, 404, "has no job no-job"),
        ("PUT", "/no-job/remove-unprocessed-children", None, 404, "has no job no-job"),
        ("POST", "/add", {"name": "pay-twice", "data": {}}, 400, "are named check-cycle"),
        ("POST", "/add", {"data": [1]}, 400, "a JSON object"),
        ("POST", "/add", {"data": {}, "options": {"attempts": -1}}, 400, "attempts"),
        ("POST", "/add", {"data": {}, "options": {"priority": 1e9}}, 400, "priority"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words(  # noqa: PLR0913, PLR0917 - the columns of a table
    board: Board, method: str, path: str, body: JSON, status: int, told: str
) -> None:
    job = await board.add(MONITORING)

    answer = await board.send(method, f"/queues/{MONITORING}" + path.replace("JOB", job.id), body)

    assert (answer.status_code, told in answer.text) == (status, True), answer.text
    assert await counts(board, MONITORING) == {"prioritized": 1}


async def test_the_next_run_of_a_schedule_is_not_removed(board: Board) -> None:
    await board.house.scheduler.initialize_schedules(BAKER)
    [schedule] = (await board.get("/job-schedulers", queueName=MONITORING))["schedulers"]

    answer = await board.send("PUT", f"/queues/{MONITORING}/{schedule['nextRunJobId']}/clean")

    assert answer.status_code == 409
    assert "the next run of schedule" in answer.json()["message"]
    [after] = (await board.get("/job-schedulers", queueName=MONITORING))["schedulers"]
    assert after["nextRunJobId"] == schedule["nextRunJobId"]


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("PUT", "/obliterate", "cannot be obliterated"),
        ("PATCH", "/JOB/update-data", "stays as it is"),
        ("PATCH", f"/job-schedulers/cycle-monitor-{BAKER}", "follows the baker's settings"),
        ("PUT", f"/job-schedulers/cycle-monitor-{BAKER}/remove", "made again within a minute"),
    ],
)
async def test_what_bakehouse_does_not_do_is_refused_in_words(
    board: Board, method: str, path: str, told: str
) -> None:
    await board.house.scheduler.initialize_schedules(BAKER)
    job = await board.add(MONITORING)
    before = await counts(board, MONITORING)

    answer = await board.send(
        method, f"/queues/{MONITORING}" + path.replace("JOB", job.id), {"every": 5, "jobData": {}}
    )

    assert answer.status_code == 403
    assert answer.json()["error"] == {"key": "ERRORS.FORBIDDEN"}
    assert told in answer.json()["message"]
    assert await counts(board, MONITORING) == before
    [schedule] = (await board.get("/job-schedulers", queueName=MONITORING))["schedulers"]
    assert schedule["every"] == 600_000


async def test_what_was_asked_is_in_the_audit_trail(board: Board) -> None:
    [job] = await board.fail()
    await board.put(f"/queues/{PAYING}/{job.id}/clean")
    await board.put("/queues/pause")

    async with board.house.workshop.payer.ledger.read() as tx:
        paused, cleaned = await audit.latest(tx, 2)

    assert (paused.action, paused.subject) == ("queue.pause-all", "all queues")
    assert (cleaned.action, cleaned.subject) == ("queue.clean", PAYING)
    assert cleaned.detail == {"job_id": job.id}
    assert cleaned.actor == "token:configured"
