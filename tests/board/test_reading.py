"""What the board's pages are told about queues, jobs and schedules."""

import os
import socket
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from bullmq import FlowProducer

from bakehouse.jobs.job_types import JOB_OF, JSON, JobName, JobState, QueueName, Schedule
from tests.board.conftest import MONITORING, PAYING, REASON, Board, eventually
from tests.web.conftest import BAKER

pytestmark = pytest.mark.asyncio(loop_scope="module")

STATUSES: Final = [
    *("latest", "active", "waiting", "waiting-children", "prioritized"),
    *("completed", "failed", "delayed"),
]


async def add_flow(board: Board, children: list[dict[str, Any]]) -> str:
    """A job that waits for others, as another tool would add it."""
    producer = FlowProducer(board.house.valkey.address.connection_options(), {"prefix": "bull"})
    tree = await producer.add(
        {"name": "report", "queueName": MONITORING, "data": {}, "children": children}
    )
    await producer.close()
    assert tree
    job_id: str = tree["job"].id
    return job_id


def child(number: int, **more: Any) -> dict[str, Any]:
    return {"name": "part", "queueName": MONITORING, "data": {"number": number}} | more


async def test_the_queues_are_listed_before_anything_happens(board: Board) -> None:
    queues = (await board.get("/queues"))["queues"]

    assert [queue["name"] for queue in queues] == [name.value for name in QueueName]
    for queue in queues:
        assert queue["statuses"] == STATUSES
        assert queue["counts"] == dict.fromkeys(STATUSES[1:], 0)
        assert queue["jobs"] == []
        assert (queue["type"], queue["isPaused"], queue["readOnlyMode"]) == ("bullmq", False, False)
        assert queue["globalConcurrency"] is None


async def test_a_queue_tells_whether_anybody_works_on_it(board: Board) -> None:
    assert (await board.queue(PAYING))["hasWorkers"] is True
    assert (await board.queue(MONITORING))["hasWorkers"] is False

    [worker] = (await board.get(f"/queues/{PAYING}/workers"))["workers"]
    assert worker["name"] == f"{socket.gethostname()}-{os.getpid()}"
    assert worker["addr"] == "on this machine"
    assert worker["age"] >= 0
    assert (await board.get(f"/queues/{MONITORING}/workers")) == {"workers": []}


async def test_a_failed_job_tells_its_reason_tracebacks_progress_and_log(board: Board) -> None:
    [added] = await board.fail(attempts=2)

    shown = await board.get(f"/queues/{PAYING}/{added.id}")
    job = shown["job"]

    assert shown["status"] == "failed"
    assert (job["id"], job["name"], job["data"]) == (added.id, "distribute", {"baker_id": BAKER})
    assert (job["isFailed"], job["failedReason"], job["attempts"]) == (True, REASON, 2)
    assert len(job["stacktrace"]) == 2
    assert job["stacktrace"][0].startswith("Traceback (most recent call last):")
    assert f"RuntimeError: {REASON}" in job["stacktrace"][0]
    assert job["progress"] == {"paid": 150, "total": 612, "progress": 24}
    assert job["timestamp"] <= job["processedOn"] <= job["finishedOn"]
    assert job["opts"]["attempts"] == 2
    assert None not in job["opts"].values()
    assert job["priority"] == 10
    logged = await board.get(f"/queues/{PAYING}/{added.id}/logs")
    assert logged == ["asks the node", "has its answer"] * 2


async def test_a_completed_job_tells_what_came_of_it(board: Board) -> None:
    added = await board.add(QueueName.BOND_POOL)
    await board.reaches(QueueName.BOND_POOL, added, JobState.COMPLETED)

    shown = await board.get(f"/queues/{QueueName.BOND_POOL}/{added.id}")

    assert shown["status"] == "completed"
    assert shown["job"]["returnValue"] == {"state": "paid"}
    assert (shown["job"]["progress"], shown["job"]["isFailed"]) == (40, False)


async def test_jobs_of_one_state_come_in_pages_the_latest_first(board: Board) -> None:
    delayed = [await board.add(MONITORING, delay_seconds=100 + number) for number in range(5)]
    await board.add(MONITORING)

    first = await board.queue(MONITORING, status="delayed", page=1, jobsPerPage=2)
    third = await board.queue(MONITORING, status="delayed", page=3, jobsPerPage=2)

    assert first["pagination"] == {"pageCount": 3, "range": {"start": 0, "end": 1}}
    assert third["pagination"] == {"pageCount": 3, "range": {"start": 4, "end": 5}}
    assert [job["id"] for job in first["jobs"]] == [delayed[4].id, delayed[3].id]
    assert [job["id"] for job in third["jobs"]] == [delayed[0].id]
    assert first["jobs"][0]["delay"] == 104_000


async def test_latest_shows_jobs_of_every_state_on_one_page(board: Board) -> None:
    await board.fail(2)
    waits = await board.add(MONITORING, priority=7)
    later = await board.add(MONITORING, delay_seconds=100)

    monitoring = await board.queue(MONITORING, status="latest")
    paying = await board.queue(PAYING)

    assert {job["id"] for job in monitoring["jobs"]} == {waits.id, later.id}
    assert monitoring["pagination"]["pageCount"] == 1
    assert (monitoring["counts"]["prioritized"], monitoring["counts"]["delayed"]) == (1, 1)
    assert len(paying["jobs"]) == paying["counts"]["failed"] == 2


async def test_only_the_queue_that_is_looked_at_brings_its_jobs(board: Board) -> None:
    await board.add(MONITORING)

    queues = (await board.get("/queues", activeQueue=PAYING, status="paused"))["queues"]

    assert [queue["jobs"] for queue in queues] == [[]] * len(QueueName)


async def test_schedules_tell_their_next_run_and_the_job_it_will_be(board: Board) -> None:
    await board.house.scheduler.initialize_schedules(BAKER)

    both = (await board.get("/job-schedulers"))["schedulers"]
    [one] = (await board.get("/job-schedulers", queueName=MONITORING))["schedulers"]

    assert {each["id"] for each in both} == {f"cycle-monitor-{BAKER}", f"balance-poll-{BAKER}"}
    assert (one["queueName"], one["name"], one["every"]) == (MONITORING, "check-cycle", 600_000)
    assert one["template"]["data"] == {"baker_id": BAKER}
    assert "lastRun" not in one
    job = await board.get(f"/queues/{MONITORING}/{one['nextRunJobId']}")
    assert (job["status"], job["job"]["delay"]) == ("delayed", job["job"]["opts"]["delay"])
    assert (await board.queue(MONITORING))["jobSchedulerCount"] == 1


async def test_a_schedule_that_has_run_tells_when_and_which_job_that_was(board: Board) -> None:
    schedule = Schedule("often", PAYING, JobName.DISTRIBUTE, {}, every_seconds=1)
    await board.house.workshop.engine.upsert_schedule(schedule, datetime.now(UTC))

    async def has_run() -> bool:
        [shown] = (await board.get("/job-schedulers", queueName=PAYING))["schedulers"]
        return "lastRunJobId" in shown

    await eventually(has_run)
    await board.house.workshop.engine.remove_schedule(PAYING, schedule.id)


async def test_ended_jobs_are_counted_by_the_minute(board: Board) -> None:
    await board.fail(3)

    metrics = await board.get(f"/queues/{PAYING}/metrics")
    none_yet = await board.get(f"/queues/{MONITORING}/metrics")

    assert metrics["failed"]["meta"]["count"] == 3
    assert metrics["completed"]["data"] == none_yet["failed"]["data"] == []
    assert set(none_yet["failed"]["meta"]) == {"count", "prevTS", "prevCount"}


async def test_the_server_of_the_queues_tells_how_it_fares(board: Board) -> None:
    stats = await board.get("/redis/stats")

    assert stats["backend"] == "redis"
    assert stats["version"].startswith("9.")
    assert 0 < stats["memory"]["used"] < stats["memory"]["total"]
    assert stats["clients"]["connected"] > 0


async def test_a_job_that_waits_for_others_is_shown_as_a_tree(board: Board) -> None:
    parent_id = await add_flow(board, [child(1, opts={"delay": 60_000}), child(2)])
    queue = await board.queue(MONITORING, status="waiting-children")
    assert [job["id"] for job in queue["jobs"]] == [parent_id]

    tree = await board.get(f"/queues/{MONITORING}/{parent_id}/flow")
    root = tree["flowRoot"]
    leaf_id = root["children"][0]["id"]
    from_leaf = await board.get(f"/queues/{MONITORING}/{leaf_id}/flow")

    assert (tree["nodeId"], tree["isFlowNode"]) == (parent_id, True)
    assert (root["state"], root["queueName"]) == ("waiting-children", MONITORING)
    assert {node["state"] for node in root["children"]} == {"delayed", "waiting"}
    assert root["dependencies"] == {"processed": 0, "unprocessed": 2, "ignored": 0, "failed": 0}
    assert from_leaf["flowRoot"] == root


async def test_a_tree_is_cut_where_the_page_asks_and_says_so(board: Board) -> None:
    deep = child(1, children=[child(2)])
    parent_id = await add_flow(board, [deep, child(3), child(4)])
    path = f"/queues/{MONITORING}/{parent_id}/flow"

    wide = (await board.get(path, maxChildren=2))["flowRoot"]
    flat = (await board.get(path, depth=1))["flowRoot"]

    assert (len(wide["children"]), wide["truncated"]) == (2, True)
    assert (flat["children"], flat["truncated"]) == ([], True)
    whole = (await board.get(path))["flowRoot"]
    assert sorted(len(node["children"]) for node in whole["children"]) == [0, 0, 1]
    assert "truncated" not in whole


async def test_a_job_that_waits_for_nobody_is_no_tree(board: Board) -> None:
    job = await board.add(MONITORING)

    tree = await board.get(f"/queues/{MONITORING}/{job.id}/flow", root="node")

    assert (tree["isFlowNode"], tree["flowRoot"]["children"]) == (False, [])


async def test_the_form_for_a_job_knows_what_each_queue_is_told(board: Board) -> None:
    one = await board.get(f"/queues/{MONITORING}/job-data-schema")
    other = await board.get(f"/queues/{PAYING}/job-data-schema")

    assert (one["title"], one["required"]) == (JobName.CHECK_CYCLE, ["baker_id"])
    assert set(other["required"]) == {"network", "baker_id", "cycle", "kind", "mode"}
    assert await board.get(f"/queues/{PAYING}/default-job-options") == {"attempts": 1}
    for queue in QueueName:
        assert (await board.get(f"/queues/{queue}/job-data-schema"))["title"] == JOB_OF[queue]


@pytest.mark.parametrize(
    ("path", "status", "key"),
    [
        ("/queues/no-queue/1", 404, "ERRORS.QUEUE_NOT_FOUND"),
        (f"/queues/{PAYING}/no-job", 404, "ERRORS.JOB_NOT_FOUND"),
        (f"/queues/{PAYING}/no-job/flow", 404, "ERRORS.JOB_NOT_FOUND"),
        ("/queues?page=0", 400, "ERRORS.INVALID_QUERY_PARAM"),
        ("/queues?jobsPerPage=100000", 400, "ERRORS.INVALID_QUERY_PARAM"),
        ("/queues?status=lost", 400, "ERRORS.INVALID_QUERY_PARAM"),
        ("/metrics/history", 403, "ERRORS.FORBIDDEN"),
    ],
)
async def test_refusals_are_told_as_the_page_reads_them(
    board: Board, path: str, status: int, key: str
) -> None:
    answer = await board.send("GET", path)

    assert answer.status_code == status
    body: dict[str, JSON] = answer.json()
    assert isinstance(body["error"], dict)
    assert body["error"]["key"] == key
    assert isinstance(body["message"], str)


async def test_progress_and_names_of_any_shape_are_shown(board: Board) -> None:
    bull = board.house.workshop.engine.bull_queue(MONITORING)
    odd: list[JSON] = [{"paid": "x", "total": 3}, {"paid": 0, "total": 0}, [1], "half", 101, None]
    for progress in odd:
        job = await bull.add("☕ <b>", {"a": [1]}, {"priority": 1})
        await job.updateProgress(progress)

    async def all_there() -> bool:
        return len((await board.queue(MONITORING))["jobs"]) == len(odd)

    await eventually(all_there)
    shown = [job["progress"] for job in (await board.queue(MONITORING))["jobs"]]
    assert {"reported": [1]} in shown
    assert {"paid": "x", "total": 3} in shown
    assert 101 in shown
