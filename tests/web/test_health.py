"""Whether Bakehouse can do its work, told to anybody, and nothing else with it."""

import re

import httpx2
import pytest

from bakehouse.jobs.job_types import JSON, QueueName, RunningJob
from tests.web.conftest import House


async def idle(job: RunningJob) -> JSON:
    return None


def check_failing(answer: httpx2.Response, part: str) -> None:
    parts = dict.fromkeys(("ledger", "queue", "workers"), "ok")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "failing",
        "version": "9.9.9",
        "checks": {**parts, part: "failing"},
    }
    assert not re.search(r"valkey|/tmp|redis|sql", answer.text, re.IGNORECASE)


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
async def test_a_house_that_works_says_so_to_anybody(house: House, path: str) -> None:
    answer = await house.stranger.get(path)

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "version": "9.9.9",
        "checks": {"ledger": "ok", "queue": "ok", "workers": "ok"},
    }


async def test_a_queue_that_is_away_is_named(house: House) -> None:
    await house.valkey.stop()

    check_failing(await house.stranger.get("/health", timeout=30), "queue")
    check_failing(await house.stranger.get("/health/ready", timeout=30), "queue")


async def test_a_process_lives_whatever_it_is_waiting_for(house: House) -> None:
    await house.valkey.stop()

    answer = await house.stranger.get("/health/live")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_a_ledger_that_cannot_be_read_is_named(house: House) -> None:
    await house.lose_the_ledger()

    check_failing(await house.stranger.get("/health"), "ledger")


async def test_a_worker_that_takes_no_jobs_is_named(house: House) -> None:
    engine = house.workshop.engine
    engine.run_worker(QueueName.BOND_POOL, idle)
    await engine._workers[QueueName.BOND_POOL].close(grace_seconds=0)

    check_failing(await house.stranger.get("/health"), "workers")
