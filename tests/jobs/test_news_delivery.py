"""From a cycle that is paid to the announcement of it and to a hook, by way of a real queue."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bakehouse.alerts.channels import ChannelDesk
from bakehouse.desk.announcements import AnnouncementDesk
from bakehouse.jobs.alert_post import post_news
from bakehouse.jobs.alert_watch import look_for_trouble
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import JobName, JobState, QueueName
from bakehouse.ledger import announcements, hook_deliveries, hooks
from bakehouse.ledger.alert_channels import ChannelSettings
from bakehouse.ledger.announcement_settings import AnnouncementSettings
from bakehouse.ledger.deliveries import ATTEMPTS_MAX
from bakehouse.ledger.hooks import Hook, NewHook
from bakehouse.ledger.states import (
    AnnouncementState,
    ChannelPurpose,
    DeliveryState,
    DistributionState,
    HookPoint,
)
from bakehouse.payments.hook_notices import tell_hook
from bakehouse.payments.settle import close_distribution
from tests.alerts.webhook import Webhook, free_port
from tests.hooks.programs import program
from tests.jobs.workplace import Workplace, eventually, open_workplace
from tests.web.scenes import Scene

QUEUE = QueueName.ALERT_DELIVERY


@pytest.fixture
async def place(engine: JobEngine, tmp_path: Path) -> AsyncIterator[Workplace]:
    async with open_workplace(engine, tmp_path) as opened:
        await opened.register()
        yield opened


async def add_hook(place: Workplace, path: str, *points: HookPoint) -> Hook:
    payer = place.workshop.payer
    new = NewHook(
        baker_id=place.baker_id, name="books", points=frozenset(points), arguments=(path,)
    )
    async with payer.ledger.write() as tx:
        return await hooks.add(tx, new, actor="test", at=payer.clock())


async def close_a_cycle(place: Workplace) -> None:
    """Have a cycle paid, but for the step that closes it, and take that."""
    payer = place.workshop.payer
    async with payer.ledger.write() as tx:
        scene = Scene(tx, place.key(), payer.clock())
        paid = await scene.pay({"tz1-anna": 60}, counter=1)
        await scene.enter(paid, DistributionState.PAYING)
    await close_distribution(payer, paid)


async def everything_is_told(place: Workplace, hook: Hook) -> bool:
    await post_news(place.workshop)
    async with place.workshop.payer.ledger.read() as tx:
        said = await announcements.of_baker(tx, place.baker_id)
        told = await hook_deliveries.of_hook(tx, hook.id)
    states = {each.state for each in said}, {each.state for each in told}
    return states == ({AnnouncementState.SENT}, {DeliveryState.SENT})


async def test_a_paid_cycle_is_announced_once_and_told_to_its_hook(
    place: Workplace, tmp_path: Path
) -> None:
    payer, wall = place.workshop.payer, Webhook(free_port())
    desk = ChannelDesk(payer.ledger, place.secret_key, payer.clock)
    settings = ChannelSettings(
        name="wall", severity_min="critical", purpose=ChannelPurpose.ANNOUNCEMENTS
    )
    await desk.add(settings, wall.url, actor="test")
    on = AnnouncementSettings(enabled=True)
    announcing = AnnouncementDesk(payer.ledger, place.secret_key, payer.clock)
    await announcing.change(place.baker_id, on, actor="test")
    hook = await add_hook(place, program(tmp_path, f"cat >>{tmp_path}/told"), HookPoint.PAID)
    await close_a_cycle(place)
    # What the queue is asked for again and again, and forgets, is done once.
    for _ in range(2):
        await post_news(place.workshop)
    await place.forget_everything()
    place.work(QUEUE)

    async with wall.up():
        await eventually(lambda: everything_is_told(place, hook))
        await post_news(place.workshop)

    assert wall.titles == [f"Cycle {place.first_cycle} is paid"]
    assert (tmp_path / "told").read_text().count('"point":"paid"') == 1
    jobs = await place.jobs(QUEUE)
    assert {job.name for job in jobs} == {JobName.DELIVER_ANNOUNCEMENT, JobName.TELL_HOOK}


async def test_what_could_not_be_told_is_an_alert_until_it_is_told(
    place: Workplace, tmp_path: Path
) -> None:
    payer = place.workshop.payer
    hook = await add_hook(place, program(tmp_path, f"test -e {tmp_path}/well"), HookPoint.PAID)
    await close_a_cycle(place)
    async with payer.ledger.write() as tx:
        [delivery] = await hook_deliveries.of_hook(tx, hook.id)
        for _ in range(ATTEMPTS_MAX - 1):
            await hook_deliveries.mark_refused(tx, delivery.id, "ended with code 1", payer.clock())
    place.work(QUEUE)
    await post_news(place.workshop)

    async def has_failed() -> bool:
        return bool(await place.jobs(QUEUE, JobState.FAILED))

    await eventually(has_failed)
    await look_for_trouble(place.workshop, {})
    assert [each.code for each in await place.alerts()] == ["queue-failing"]

    (tmp_path / "well").touch()
    assert (await tell_hook(payer, delivery.id)).state is DeliveryState.SENT
    await look_for_trouble(place.workshop, {})
    assert await place.alerts() == []
