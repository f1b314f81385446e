"""What is kept of a schedule's last run, and when a failing one calls a person."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bakehouse.alerts.codes import AlertCode
from bakehouse.errors import BakehouseError, ConflictError
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_requests import balance_poll_id, poll_balance
from bakehouse.jobs.job_types import (
    JSON,
    DoNotRetry,
    JobOptions,
    JobRequest,
    JobState,
    QueueName,
    RunningJob,
    WaitThenContinue,
)
from bakehouse.jobs.last_run import last_run, noting_last_run
from tests.jobs.clock_and_cable import utc_now
from tests.jobs.workplace import Workplace, open_workplace

BAKER = "tz1-baker"
SCHEDULE = balance_poll_id(BAKER)


@pytest.fixture
async def place(engine: JobEngine, tmp_path: Path) -> AsyncIterator[Workplace]:
    async with open_workplace(engine, tmp_path) as opened:
        yield opened


def poll(*, attempts: int = 1) -> JobRequest:
    return replace(poll_balance(BAKER), options=JobOptions(attempts=attempts))


class Scripted:
    """A processor that does one thing after the other: raises errors, returns the rest."""

    def __init__(self, place: Workplace, *steps: "JSON | Exception") -> None:
        self._steps = list(steps)
        place.engine.run_worker(
            QueueName.BLOCKCHAIN_POLLING,
            noting_last_run(place.workshop, balance_poll_id, AlertCode.BALANCE_UNKNOWN, self.run),
        )

    async def run(self, _job: RunningJob) -> JSON:
        step = self._steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


async def noted(place: Workplace) -> dict[str, JSON]:
    """The last run without its time, which is checked here."""
    note = await last_run(place.workshop, SCHEDULE)
    assert isinstance(note, dict)
    assert datetime.fromisoformat(str(note["at"])) <= utc_now()
    return {name: value for name, value in note.items() if name != "at"}


async def test_a_schedule_that_never_ran_has_no_last_run(place: Workplace) -> None:
    assert await last_run(place.workshop, SCHEDULE) is None


async def test_a_result_is_kept_under_the_schedule_and_given_to_the_queue(
    place: Workplace,
) -> None:
    Scripted(place, {"balance": "7"})

    job = await place.run(poll())

    assert job.return_value == {"balance": "7"}
    assert await noted(place) == {"ok": True, "value": {"balance": "7"}}


async def test_the_latest_run_counts(place: Workplace) -> None:
    Scripted(place, ConflictError("Not now."), "fine", ConflictError("Not any more."))

    await place.run(poll())
    assert await noted(place) == {"ok": False, "error": "Not now."}
    await place.run(poll())
    assert await noted(place) == {"ok": True, "value": "fine"}
    await place.run(poll())
    assert await noted(place) == {"ok": False, "error": "Not any more."}


async def test_only_the_last_failed_attempt_calls_a_person_and_success_takes_it_back(
    place: Workplace,
) -> None:
    failure = ConflictError("The node said no.")
    Scripted(place, failure, "fine after all", failure, failure, "fine")

    await place.run(poll(attempts=2))
    assert await place.alerts() == []

    await place.run(poll(attempts=2))
    [alert] = await place.alerts()
    assert (alert.code, alert.subject) == (AlertCode.BALANCE_UNKNOWN, BAKER)
    assert (alert.message, alert.baker_id) == ("The node said no.", BAKER)

    await place.run(poll())
    assert await place.alerts() == []


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (BakehouseError("It is broken."), "It is broken."),
        (KeyError("balance"), "KeyError: 'balance'"),
        (DoNotRetry("It makes no sense."), "It makes no sense."),
    ],
)
async def test_whatever_goes_wrong_is_noted_and_calls_a_person(
    place: Workplace, error: Exception, message: str
) -> None:
    Scripted(place, error)

    job = await place.run(poll())

    assert job.state is JobState.FAILED
    assert await noted(place) == {"ok": False, "error": message}
    assert [alert.message for alert in await place.alerts()] == [message]


async def test_a_job_that_has_to_wait_is_no_failure(place: Workplace) -> None:
    Scripted(place, WaitThenContinue(1), "done")

    with capture_logs() as said:
        job = await place.run(poll())

    assert (job.state, job.attempts_made) == (JobState.COMPLETED, 1)
    assert await noted(place) == {"ok": True, "value": "done"}
    assert "alert" not in [line["event"] for line in said]


async def test_a_job_that_names_no_baker_fails_for_good_at_once(place: Workplace) -> None:
    Scripted(place)
    malformed: list[Any] = [None, [], {}, {"baker_id": 7}]

    for data in malformed:
        job = await place.run(replace(poll(attempts=3), data=data))

        assert (job.state, job.attempts_made) == (JobState.FAILED, 1)
        assert job.failed_reason == "this job names no baker_id: it was not made by Bakehouse"
    assert await place.alerts() == []
