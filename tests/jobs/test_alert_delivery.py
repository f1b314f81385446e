"""From an alert in the ledger to a person's webhook, by way of a real queue, whatever happens."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bakehouse.alerts.channels import ChannelDesk
from bakehouse.alerts.codes import AlertCode
from bakehouse.alerts.raising import alert, close_alert
from bakehouse.jobs import job_requests
from bakehouse.jobs.alert_post import post_alerts
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.job_types import JobName, JobRequest, JobState, QueueName
from bakehouse.ledger import alert_deliveries
from bakehouse.ledger.alert_channels import Channel, ChannelSettings
from bakehouse.ledger.alert_deliveries import Delivery
from bakehouse.ledger.states import DeliveryState
from tests.alerts.webhook import PASSWORD, TOKEN, Webhook, free_port
from tests.jobs.redis_server import QueueServer
from tests.jobs.workplace import Workplace, eventually, open_workplace

QUEUE = QueueName.ALERT_DELIVERY


@pytest.fixture
async def place(engine: JobEngine, tmp_path: Path) -> AsyncIterator[Workplace]:
    async with open_workplace(engine, tmp_path) as opened:
        yield opened


@pytest.fixture
def webhook() -> Webhook:
    return Webhook(free_port())


@pytest.fixture
async def channel(place: Workplace, webhook: Webhook) -> Channel:
    payer = place.workshop.payer
    desk = ChannelDesk(payer.ledger, place.secret_key, payer.clock)
    settings = ChannelSettings(name="hook", severity_min="info")
    return await desk.add(settings, webhook.url, actor="test")


async def raise_one(place: Workplace) -> None:
    payer = place.workshop.payer
    await alert(payer, AlertCode.WALLET_LOW, "wallet", "empty", baker_id=place.baker_id)


async def post(place: Workplace) -> None:
    await post_alerts(place.workshop, place.secret_key)


async def deliveries(place: Workplace, channel: Channel) -> list[Delivery]:
    async with place.workshop.payer.ledger.read() as tx:
        return await alert_deliveries.of_channel(tx, channel.id)


async def until_sent(place: Workplace, channel: Channel) -> None:
    async def all_sent() -> bool:
        found = await deliveries(place, channel)
        return {each.state for each in found} == {DeliveryState.SENT}

    await eventually(all_sent)


async def nothing_left(place: Workplace) -> bool:
    return await place.unfinished(QUEUE) == []


async def test_an_alert_is_delivered_once_however_often_it_is_raised_and_posted(
    place: Workplace, channel: Channel, webhook: Webhook
) -> None:
    place.work(QUEUE)
    async with webhook.up():
        for _ in range(3):
            await raise_one(place)
            await post(place)
        await until_sent(place, channel)
        await post(place)
        # The ledger knows that it was sent a moment before the queue does.
        await eventually(lambda: nothing_left(place))

    assert len(webhook.received) == 1


async def test_what_is_waiting_gets_one_job(
    place: Workplace, channel: Channel, webhook: Webhook
) -> None:
    await raise_one(place)
    for _ in range(3):
        await post(place)

    [job] = await place.unfinished(QUEUE)
    assert job.name == JobName.DELIVER_ALERT


async def test_a_service_that_is_down_gets_it_when_it_is_up_again(
    place: Workplace, channel: Channel, webhook: Webhook
) -> None:
    place.work(QUEUE)
    await raise_one(place)
    await post(place)

    async def was_tried() -> bool:
        [delivery] = await deliveries(place, channel)
        return delivery.attempts > 0

    await eventually(was_tried)
    [delivery] = await deliveries(place, channel)
    assert delivery.last_error == "not delivered: the service cannot be reached"
    async with webhook.up():
        await until_sent(place, channel)

    assert len(webhook.received) == 1


async def test_a_queue_that_lost_everything_still_delivers(
    place: Workplace, channel: Channel, webhook: Webhook
) -> None:
    await raise_one(place)
    await post(place)
    await place.forget_everything()
    place.work(QUEUE)

    async with webhook.up():
        await post(place)
        await until_sent(place, channel)

    assert len(webhook.received) == 1


async def test_while_the_queue_does_not_answer_alerts_are_sent_without_it(
    place: Workplace, channel: Channel, webhook: Webhook, queue_server: QueueServer
) -> None:
    await raise_one(place)
    await queue_server.stop()

    async with webhook.up():
        with capture_logs() as said:
            await post(place)

    assert len(webhook.received) == 1
    assert [each.state for each in await deliveries(place, channel)] == [DeliveryState.SENT]
    assert {"event": "alerts-sent-without-queue", "log_level": "warning", "count": 1} in said
    await queue_server.start()


async def test_the_end_of_an_alert_is_delivered_too(
    place: Workplace, channel: Channel, webhook: Webhook
) -> None:
    place.work(QUEUE)
    async with webhook.up():
        await raise_one(place)
        await post(place)
        await until_sent(place, channel)
        await close_alert(place.workshop.payer, AlertCode.WALLET_LOW, "wallet")
        await post(place)
        await until_sent(place, channel)

    assert [title.split("]")[0] for title in webhook.titles] == ["[critical", "[over"]


async def test_a_job_that_names_no_delivery_fails_at_once_and_one_of_a_removed_channel_ends(
    place: Workplace,
) -> None:
    place.work(QUEUE)

    for data in ({}, {"delivery_id": "1"}, {"delivery_id": 0}, {"delivery_id": True}):
        job = await place.run(JobRequest(QUEUE, JobName.DELIVER_ALERT, data))
        assert job.state is JobState.FAILED
        assert job.failed_reason == "this job names no delivery: it was not made by Bakehouse"
    job = await place.run(JobRequest(QUEUE, JobName.DELIVER_ALERT, {"delivery_id": 77}))
    assert job.state is JobState.COMPLETED
    assert isinstance(job.return_value, dict)
    assert job.return_value["state"] == "gone"


async def test_no_job_of_a_delivery_holds_a_secret(
    place: Workplace, channel: Channel, webhook: Webhook
) -> None:
    place.work(QUEUE)
    webhook.status = 500
    await raise_one(place)
    [delivery] = await deliveries(place, channel)
    async with webhook.up():
        request = job_requests.deliver_alert(delivery, place.workshop.minute_seconds)
        added = await place.engine.add(request)

        async def has_failed_once() -> bool:
            return bool((await place.engine.job(QUEUE, added.id)).tracebacks)

        await eventually(has_failed_once)
    job = await place.engine.job(QUEUE, added.id)

    assert "the service answered 500" in str(job.failed_reason) + str(job.tracebacks)
    assert PASSWORD not in repr(job)
    assert TOKEN not in repr(job)
