"""A delivery as it stands in the ledger is sent, whoever tries it and whenever the process dies."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bakehouse.alerts.channels import ChannelDesk
from bakehouse.alerts.codes import AlertCode
from bakehouse.alerts.raising import alert
from bakehouse.alerts.sending import deliver
from bakehouse.errors import NotFoundError, UndeliveredError
from bakehouse.failpoints import Failpoint, hooked
from bakehouse.ledger import alert_deliveries, bakers
from bakehouse.ledger.alert_channels import Channel, ChannelSettings
from bakehouse.ledger.alert_deliveries import Delivery
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.deliveries import ATTEMPTS_MAX
from bakehouse.ledger.states import DeliveryState
from bakehouse.payments.payer import Payer
from bakehouse.secret_box import SecretKeyFile
from tests.alerts.conftest import NOW, Clock
from tests.alerts.webhook import PASSWORD, TOKEN, Webhook

BAKER = "tz1-baker"


class DiedError(Exception):
    """The process is gone."""


def die_at(place: Failpoint) -> None:
    if place is Failpoint.ALERT_SENT:
        raise DiedError


@pytest.fixture
async def channel(desk: ChannelDesk, webhook: Webhook) -> Channel:
    settings = ChannelSettings(name="hook", severity_min="info")
    return await desk.add(settings, webhook.url, actor="test")


async def raise_one(payer: Payer) -> int:
    """Raise an alert and give the number of its delivery."""
    await alert(payer, AlertCode.WALLET_LOW, BAKER, "5 tez are missing", baker_id=BAKER)
    async with payer.ledger.read() as tx:
        [delivery] = await alert_deliveries.due(tx, payer.clock(), 9)
    return delivery.id


async def stored(payer: Payer, delivery_id: int) -> Delivery:
    async with payer.ledger.read() as tx:
        return await alert_deliveries.get(tx, delivery_id)


async def test_what_was_raised_arrives_and_is_not_sent_again(
    payer: Payer, secret_key: SecretKeyFile, channel: Channel, webhook: Webhook
) -> None:
    baker = Baker(baker_id=BAKER, network="N", payout_address=BAKER, first_cycle=1, alias="Corner")
    async with payer.ledger.write() as tx:
        await bakers.add(tx, baker, actor="test", at=NOW)
    delivery_id = await raise_one(payer)

    async with webhook.up():
        sent = await deliver(payer, secret_key, delivery_id)
        again = await deliver(payer, secret_key, delivery_id)

    assert again == sent
    assert (sent.state, sent.sent_at, sent.attempts) == (DeliveryState.SENT, NOW, 1)
    [message] = webhook.received
    assert message["title"] == "[critical] The wallet will not cover the next cycle (Corner)"
    assert "5 tez are missing" in message["message"]


async def test_a_process_that_dies_before_it_could_note_it_sends_again(
    payer: Payer, secret_key: SecretKeyFile, channel: Channel, webhook: Webhook
) -> None:
    delivery_id = await raise_one(payer)

    async with webhook.up():
        with hooked(die_at), pytest.raises(DiedError):
            await deliver(payer, secret_key, delivery_id)
        assert (await stored(payer, delivery_id)).state is DeliveryState.PENDING
        await deliver(payer, secret_key, delivery_id)

    assert len(webhook.received) == 2
    assert (await stored(payer, delivery_id)).state is DeliveryState.SENT


async def test_what_is_not_taken_is_due_again_after_waits_that_double_and_in_the_end_has_failed(
    payer: Payer, secret_key: SecretKeyFile, channel: Channel, clock: Clock
) -> None:
    delivery_id = await raise_one(payer)
    waits = []
    for attempt in range(1, ATTEMPTS_MAX + 1):
        with pytest.raises(UndeliveredError, match=r"^hook: not delivered: the service cannot"):
            await deliver(payer, secret_key, delivery_id)
        delivery = await stored(payer, delivery_id)
        assert delivery.attempts == attempt
        if delivery.state is DeliveryState.PENDING:
            waits.append(delivery.next_at - clock())
            clock.move(waits[-1])

    assert waits[:4] == [timedelta(seconds=seconds) for seconds in (30, 60, 120, 240)]
    assert waits[-1] == timedelta(hours=6)
    assert sum(waits, timedelta()) // timedelta(hours=1) == 14
    assert delivery.state is DeliveryState.FAILED
    assert delivery.last_error == "not delivered: the service cannot be reached"


async def test_what_failed_for_good_can_be_sent_after_all(
    payer: Payer, secret_key: SecretKeyFile, channel: Channel, webhook: Webhook
) -> None:
    delivery_id = await raise_one(payer)
    async with payer.ledger.write() as tx:
        await alert_deliveries.mark_refused(tx, delivery_id, "gone", None)

    async with webhook.up():
        sent = await deliver(payer, secret_key, delivery_id)

    assert sent.state is DeliveryState.SENT


async def test_a_channel_that_was_switched_off_is_told_nothing_more(
    payer: Payer, desk: ChannelDesk, channel: Channel, webhook: Webhook
) -> None:
    delivery_id = await raise_one(payer)
    await desk.change(channel.id, replace(channel.settings, enabled=False), actor="test")

    async with webhook.up():
        delivery = await deliver(payer, desk.secret_key, delivery_id)

    assert webhook.received == []
    assert delivery.state is DeliveryState.FAILED
    assert delivery.last_error is not None
    assert "switched off" in delivery.last_error


async def test_a_removed_channel_is_told_nothing_more(
    payer: Payer, desk: ChannelDesk, channel: Channel
) -> None:
    delivery_id = await raise_one(payer)
    await desk.remove(channel.id, actor="test")

    with pytest.raises(NotFoundError, match="its channel was removed"):
        await deliver(payer, desk.secret_key, delivery_id)


async def test_a_lost_key_is_told_and_waited_for(
    payer: Payer, secret_key: SecretKeyFile, channel: Channel, webhook: Webhook
) -> None:
    delivery_id = await raise_one(payer)
    kept = secret_key.path.read_text()
    secret_key.path.unlink()
    with pytest.raises(UndeliveredError, match=r"secret.key cannot be read"):
        await deliver(payer, secret_key, delivery_id)

    secret_key.path.touch(mode=0o600)
    secret_key.path.write_text(kept)
    async with webhook.up():
        assert (await deliver(payer, secret_key, delivery_id)).state is DeliveryState.SENT


async def test_no_error_of_a_delivery_names_a_secret(
    payer: Payer, secret_key: SecretKeyFile, channel: Channel
) -> None:
    delivery_id = await raise_one(payer)
    with pytest.raises(UndeliveredError) as failed:
        await deliver(payer, secret_key, delivery_id)

    seen = f"{failed.value!r} {failed.value.__cause__!r} {await stored(payer, delivery_id)!r}"
    assert PASSWORD not in seen
    assert TOKEN not in seen
