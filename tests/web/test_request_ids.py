"""Every request has an id: its answer tells it, and so does each line that is logged for it."""

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from sqlalchemy import text

from bakehouse.logs import LogFormat, configure_logs
from tests.logging_state import logging_given_back
from tests.web.conftest import BAKER, House

TRIGGER = "/api/jobs/trigger/cycle-check"


@pytest.fixture
def log() -> Iterator[StringIO]:
    written = StringIO()
    with logging_given_back():
        configure_logs(LogFormat.JSON, "debug", written)
        yield written


def events(log: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


still = pytest.mark.asyncio(loop_scope="module")


@still
@pytest.mark.parametrize("given", ["abc", "0af7651916cd43dd8448eb211c80319c", "a.b_c-d", "x" * 64])
async def test_a_valid_id_is_taken_over_and_given_back(still_house: House, given: str) -> None:
    for path in ("/health", "/", "/api/bakers", "/nothing", "/static/nothing"):
        answer = await still_house.stranger.get(path, headers={"X-Request-ID": given})
        assert answer.headers["x-request-id"] == given


@still
@pytest.mark.parametrize(
    "given", ["", "x" * 65, "a b", 'a"b', "a\tb", "a%0ab", "ä", "<script>", "a;b", "a,b"]
)
async def test_anything_else_is_replaced(still_house: House, given: str) -> None:
    headers = {b"X-Request-ID": given.encode("latin-1")}
    first = (await still_house.stranger.get("/health", headers=headers)).headers["x-request-id"]
    second = (await still_house.stranger.get("/health", headers=headers)).headers["x-request-id"]

    assert len(first) == len(second) == 32
    assert first != second


async def test_every_line_of_a_request_carries_its_id_down_to_the_job_it_adds(
    house: House, log: StringIO
) -> None:
    await house.register()
    headers = {"X-Request-ID": "of-this-request"}
    await house.client.post(TRIGGER, json={"baker_id": BAKER}, headers=headers)
    await house.stranger.get("/api/bakers", headers={"X-Request-ID": "of-a-stranger"})

    told = {line["event"]: line for line in events(log)}
    assert told["job-added"]["request_id"] == "of-this-request"
    answered = told["request-answered"]
    assert answered["request_id"] == "of-this-request"
    assert (answered["method"], answered["path"], answered["status"]) == ("POST", TRIGGER, 202)
    assert told["access-denied"]["request_id"] == "of-a-stranger"


async def test_a_fault_is_found_in_the_log_by_the_id_of_its_answer(
    house: House, log: StringIO
) -> None:
    async with house.workshop.payer.ledger.write() as tx:
        await tx.execute(text("DROP TABLE alerts"))

    answer = await house.client.get("/api/alerts")

    (fault,) = [line for line in events(log) if line["event"] == "request-failed"]
    assert fault["request_id"] == answer.headers["x-request-id"]


@still
async def test_reading_is_not_logged(still_house: House, log: StringIO) -> None:
    for path in ("/health", "/health/live", "/health/ready", "/metrics", "/", "/api/bakers"):
        assert (await still_house.client.get(path)).status_code == 200

    assert events(log) == []
