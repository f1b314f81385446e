"""What one process does for all: who does it, who stands by, and who takes over."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from sqlalchemy import text

from bakehouse.jobs import duty
from bakehouse.jobs.duty import Duty, on_duty
from bakehouse.jobs.engine import JobEngine
from bakehouse.payments.payer import name_of_this_process
from tests.jobs.clock_and_cable import utc_now
from tests.jobs.engine_probe import Eventually, holds
from tests.jobs.workplace import Workplace, open_workplace


@dataclass
class Doing:
    """Who does the work at this moment."""

    at_work: list[str] = field(default_factory=list)
    most: int = 0

    async def work(self, name: str) -> None:
        self.at_work.append(name)
        self.most = max(self.most, len(self.at_work))
        try:
            await asyncio.Event().wait()
        finally:
            self.at_work.remove(name)


@pytest.fixture
async def place(
    engine: JobEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Workplace]:
    monkeypatch.setattr(duty, "LOOK_SECONDS", 0.05)
    async with open_workplace(engine, tmp_path) as opened:
        yield opened


def begin(place: Workplace, doing: Doing, name: str) -> asyncio.Task[None]:
    """Have another process, as far as leases know, ask for the duty."""
    payer = replace(place.workshop.payer, holder=name_of_this_process(), clock=utc_now)
    return asyncio.create_task(on_duty(payer, Duty.ROUNDS, [lambda: doing.work(name)]))


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_one_does_it_and_when_it_ends_another_goes_on_at_once(
    place: Workplace, eventually: Eventually
) -> None:
    doing = Doing()
    tasks = {name: begin(place, doing, name) for name in ("a", "b", "c")}
    while tasks:
        await eventually(lambda: holds(bool(doing.at_work)))
        (at_work,) = doing.at_work
        await end(tasks.pop(at_work))

    assert doing.at_work == []
    assert doing.most == 1


async def test_whose_lease_was_taken_stops_and_stands_by(
    place: Workplace, eventually: Eventually
) -> None:
    doing = Doing()
    task = begin(place, doing, "a")
    await eventually(lambda: holds(doing.at_work == ["a"]))
    async with place.workshop.payer.ledger.write() as tx:
        # As another process does once the lease has run out, this one having slept.
        taken = "UPDATE source_leases SET token = token + 1, holder = 'b' WHERE source = 'rounds'"
        await tx.execute(text(taken))

    await eventually(lambda: holds(doing.at_work == []))
    await end(task)


async def test_what_failed_is_begun_anew(place: Workplace, eventually: Eventually) -> None:
    begun = 0

    async def fails_once() -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise ValueError("a fault")
        await asyncio.Event().wait()

    payer = place.workshop.payer
    task = asyncio.create_task(on_duty(payer, Duty.FOLLOWING, [fails_once]))
    await eventually(lambda: holds(begun == 2))
    await end(task)
