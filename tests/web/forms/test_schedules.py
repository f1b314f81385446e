"""Schedules: shown with next and last runs, changed, triggered, removed and made again."""

import re

import pytest

from bakehouse.jobs.job_requests import balance_poll_id, cycle_monitor_id
from bakehouse.jobs.job_types import JSON, JobState, QueueName
from bakehouse.ledger.states import Mode
from tests.web.conftest import NOW
from tests.web.forms.conftest import Bakery, followed, sent, shown

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def scheduled(bakery: Bakery) -> str:
    baker_id = await bakery.register()
    await bakery.house.scheduler.initialize_schedules(baker_id)
    return baker_id


async def test_next_and_last_runs_are_shown_in_words_and_utc(bakery: Bakery) -> None:
    baker_id = await scheduled(bakery)
    cache = bakery.house.workshop.cache
    good: JSON = {"at": NOW.isoformat(), "ok": True, "value": {}}
    bad: JSON = {"at": NOW.isoformat(), "ok": False, "error": "no node answered"}
    await cache.set(f"last-run:{cycle_monitor_id(baker_id)}", good, 60)
    await cache.set(f"last-run:{balance_poll_id(baker_id)}", bad, 60)

    page = await shown(bakery.viewer, "/schedules")

    # Half an interval of ten minutes at the least, one and a half at the most. The page has others'
    # schedules too, which may be older.
    found = re.search(rf"{baker_id} .*?10 min in (\d+) min", page.text)
    assert found
    assert 5 <= int(found[1]) + 1 <= 15
    assert "2026-11-24 12:00:00Z" in page.text
    assert "✓ done" in page.text
    assert "✗ no node answered" in page.text
    assert "button" not in page.tags or page.tags["button"] == 2  # look, and sign out


async def test_a_frequency_is_changed_at_once(bakery: Bakery) -> None:
    baker_id = await scheduled(bakery)
    path = f"/schedules/{baker_id}/frequency"

    page = await followed(bakery.administrator, path, {"update_freq": "25"})

    assert "The frequency is changed" in page.text
    statuses = await bakery.house.scheduler.schedule_status(baker_id)
    assert {each.every_seconds for each in statuses} == {25 * 60, 5 * 60}

    page = await sent(bakery.administrator, path, {"update_freq": "0"}, 422)
    assert f"every-{baker_id}-error" in page.values("id", "p")
    assert (await bakery.baker(baker_id)).update_freq == 25


async def test_cycles_and_wallet_are_looked_at_now(bakery: Bakery) -> None:
    baker_id = await scheduled(bakery)
    engine = bakery.house.workshop.engine
    for part, queue in (
        ("check", QueueName.CYCLE_MONITORING),
        ("poll", QueueName.BLOCKCHAIN_POLLING),
    ):
        before = (await engine.counts(queue))[JobState.PRIORITIZED]
        page = await followed(bakery.operator, f"/schedules/{baker_id}/{part}", {})
        assert "now." in page.text
        assert (await engine.counts(queue))[JobState.PRIORITIZED] == before + 1


async def test_schedules_are_removed_after_asking_and_made_again(bakery: Bakery) -> None:
    baker_id = await scheduled(bakery)
    scheduler = bakery.house.scheduler

    asked = await shown(bakery.operator, f"/schedules/{baker_id}/remove")
    assert "until the schedules are made again" in asked.text
    page = await followed(bakery.operator, f"/schedules/{baker_id}/remove", {})
    assert "The schedules are removed" in page.text
    assert await scheduler.schedule_status(baker_id) == []

    page = await followed(bakery.operator, f"/schedules/{baker_id}/initialize", {})
    assert "The schedules run" in page.text
    assert len(await scheduler.schedule_status(baker_id)) == 2
    event, _ = await bakery.events("baker.changed", baker_id)
    assert event.actor == "user:otto"


async def test_a_baker_that_is_off_is_not_scheduled(bakery: Bakery) -> None:
    baker_id = await bakery.register(mode=Mode.OFF)

    page = await sent(bakery.operator, f"/schedules/{baker_id}/initialize", {}, 409)

    assert "is off" in page.text
