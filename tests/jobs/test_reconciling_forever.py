"""Reconciling at the start and for ever after: nothing ends it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from bakehouse.jobs import job_requests
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import QueueName
from bakehouse.jobs.reconciler import look_at_once, reconcile_forever
from bakehouse.ledger.states import Mode
from tests.jobs.workplace import MINUTE_SECONDS, Workplace, eventually, open_workplace

#: So long that no test of this file sees a schedule of this many minutes run.
SELDOM = 600


@pytest.fixture
async def place(engine: JobEngine, tmp_path: Path) -> AsyncIterator[Workplace]:
    async with open_workplace(engine, tmp_path) as opened:
        yield opened


async def test_at_the_start_every_scheduled_baker_that_is_not_off_is_looked_at(
    place: Workplace,
) -> None:
    await place.register(baker_id="tz1-on")
    await place.register(baker_id="tz1-simulating", mode=Mode.SIMULATION)
    await place.register(baker_id="tz1-off", mode=Mode.OFF)
    await place.register(baker_id="tz1-unscheduled", scheduled=False)

    await look_at_once(place.workshop)

    asked = [
        job_requests.baker_of(job.data) for job in await place.jobs(QueueName.CYCLE_MONITORING)
    ]
    assert sorted(asked) == ["tz1-on", "tz1-simulating"]


async def is_scheduled(place: Workplace) -> bool:
    return len(await place.engine.schedules(QueueName.CYCLE_MONITORING)) == 1


@asynccontextmanager
async def reconciling(place: Workplace) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(reconcile_forever(place.workshop, place.scheduler))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_what_goes_missing_is_healed_again_and_again(place: Workplace) -> None:
    await place.register(update_freq=SELDOM)

    async with reconciling(place):
        for _ in range(2):
            await eventually(lambda: is_scheduled(place))
            await place.forget_everything()


async def test_no_failure_ends_the_reconciling(place: Workplace, tmp_path: Path) -> None:
    """Not even one that nobody foresaw, such as a ledger that lost a table."""
    await place.register(update_freq=SELDOM)
    ledger = tmp_path / "ledger.db"
    _rename(ledger, "bakers", "gone")

    async with reconciling(place) as task:
        done, _ = await asyncio.wait({task}, timeout=1.5 * MINUTE_SECONDS)
        assert done == set()
        _rename(ledger, "gone", "bakers")

        await eventually(lambda: is_scheduled(place))


def _rename(ledger: Path, table: str, to: str) -> None:
    connection = sqlite3.connect(ledger)
    connection.execute(f"ALTER TABLE {table} RENAME TO {to}")
    connection.close()
