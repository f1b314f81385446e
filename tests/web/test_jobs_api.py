"""The five `/api/jobs` endpoints."""

from typing import Any

import pytest

from bakehouse.jobs.job_types import JSON, JobState, QueueName
from bakehouse.ledger import bakers
from bakehouse.ledger.states import Mode
from tests.web.conftest import BAKER, STRANGER, House

TRIGGERS = {
    "/api/jobs/trigger/cycle-check": QueueName.CYCLE_MONITORING,
    "/api/jobs/trigger/balance-poll": QueueName.BLOCKCHAIN_POLLING,
}
WRITES = (*TRIGGERS, "/api/jobs/initialize", "/api/jobs/remove")

still = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(("path", "queue"), TRIGGERS.items())
async def test_a_trigger_answers_with_the_job_it_queued(
    house: House, path: str, queue: QueueName
) -> None:
    await house.register()
    answer = await house.client.post(path, json={"baker_id": BAKER})
    assert answer.status_code == 202
    job = await house.workshop.engine.job(queue, answer.json()["job_id"])
    assert job.state is JobState.PRIORITIZED
    assert answer.json()["queue"] == queue


async def test_schedules_are_created_shown_and_removed(house: House) -> None:
    await house.register()
    created = await house.client.post("/api/jobs/initialize", json={"baker_id": BAKER})
    assert created.status_code == 202
    shown = (await house.client.get("/api/jobs/status", params={"baker_id": BAKER})).json()
    assert {each["id"] for each in shown["schedules"]} == {
        f"cycle-monitor-{BAKER}",
        f"balance-poll-{BAKER}",
    }
    assert [each["every_seconds"] for each in shown["schedules"]] == [600, 300]
    assert all(each["next_run"] for each in shown["schedules"])
    assert shown["mode"] == "on"
    assert shown["balance"] is None
    removed = await house.client.post("/api/jobs/remove", json={"baker_id": BAKER})
    assert removed.json() == {"removed": True}
    again = await house.client.post("/api/jobs/remove", json={"baker_id": BAKER})
    assert again.status_code == 409


async def test_the_last_run_and_its_result_are_shown(house: House) -> None:
    await house.register()
    await house.scheduler.initialize_schedules(BAKER)
    at = "2026-11-24T12:00:00+00:00"
    note: JSON = {"at": at, "ok": False, "error": "the node does not answer"}
    await house.workshop.cache.set(f"last-run:cycle-monitor-{BAKER}", note, 60)
    shown = (await house.client.get("/api/jobs/status", params={"baker_id": BAKER})).json()
    monitor = next(each for each in shown["schedules"] if each["id"].startswith("cycle"))
    assert monitor["last_run"] == "2026-11-24T12:00:00Z"
    assert monitor["last_result"] == {"ok": False, "error": "the node does not answer"}


async def test_nothing_is_scheduled_for_a_baker_whose_mode_is_off(house: House) -> None:
    await house.register(Mode.OFF)
    answer = await house.client.post("/api/jobs/initialize", json={"baker_id": BAKER})
    assert answer.status_code == 409
    assert "mode" in answer.json()["detail"]


@still
@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"baker_id": STRANGER}, 404),
        ({"baker_id": BAKER[:-1] + "b"}, 422),
        ({"baker_id": 7}, 422),
        ({}, 422),
        ({"baker_id": BAKER, "cycle": 3}, 422),
        ([], 422),
    ],
)
async def test_a_request_that_cannot_be_met_is_a_problem_document(
    still_house: House, path: str, body: Any, status: int
) -> None:
    answer = await still_house.client.post(path, json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["detail"]
    assert problem["code"]
    for queue in QueueName:
        assert not sum((await still_house.workshop.engine.counts(queue)).values())


@still
@pytest.mark.parametrize(("baker", "status"), [(STRANGER, 404), ("tz1nonsense", 422)])
async def test_the_status_of_no_such_baker_is_refused(
    still_house: House, baker: str, status: int
) -> None:
    answer = await still_house.client.get("/api/jobs/status", params={"baker_id": baker})
    assert answer.status_code == status


async def test_a_second_trigger_is_a_job_of_its_own_and_a_known_balance_is_told(
    house: House,
) -> None:
    await house.register()
    known: JSON = {"balance": str(2**60), "level": 7, "at": "2026-11-24T12:00:00+00:00"}
    await house.workshop.cache.set(f"balance:{BAKER}", known, 60)

    answers = [
        (await house.client.post(path, json={"baker_id": BAKER})).json()
        for path in (*TRIGGERS, *TRIGGERS)
    ]

    assert len({answer["job_id"] for answer in answers}) == len(answers)
    assert {answer["deduplicated"] for answer in answers} == {False}
    status = (await house.client.get("/api/jobs/status", params={"baker_id": BAKER})).json()
    assert status["balance"] == {"mutez": str(2**60), "level": 7, "at": "2026-11-24T12:00:00Z"}
    assert status["schedules"] == []


async def test_a_queue_that_is_away_is_told_as_such(house: House) -> None:
    await house.register()
    await house.valkey.stop()

    told = await house.client.get("/api/jobs/status", params={"baker_id": BAKER})
    asked = [await house.client.post(path, json={"baker_id": BAKER}) for path in WRITES]

    for answer in (told, *asked):
        assert answer.status_code == 503
        assert answer.json()["code"] == "queue-unreachable"
    async with house.workshop.payer.ledger.read() as tx:
        assert (await bakers.get(tx, BAKER)).scheduled
