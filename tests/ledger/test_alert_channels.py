"""Channels as stored, and what is to be told to each."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from bakehouse.errors import ConflictError, NotFoundError
from bakehouse.ledger import alert_channels, alert_deliveries, alerts, audit
from bakehouse.ledger.alert_channels import Channel, ChannelSettings, ChannelUrl
from bakehouse.ledger.alert_tables import alert_deliveries as deliveries_table
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.states import DeliveryState, Telling
from tests.ledger.bakery import BAKER, NOW

LATER = NOW + timedelta(minutes=5)
SETTINGS = ChannelSettings(
    name="phone",
    severity_min="warning",
    codes=frozenset({"wallet-low", "payout-held"}),
    baker_ids=frozenset({BAKER}),
)
URL = ChannelUrl(sealed=b"\0sealed\xff", shown="tgram://…42")


async def add(ledger: Ledger, settings: ChannelSettings = SETTINGS) -> Channel:
    async with ledger.write() as tx:
        return await alert_channels.add(tx, settings, URL, actor="user:ann", at=NOW)


async def add_delivery(ledger: Ledger, channel: Channel) -> int:
    async with ledger.write() as tx:
        alert_id = await alerts.raise_alert(tx, code="wallet-low", subject="s", message="m", at=NOW)
        assert alert_id
        await alert_deliveries.add(tx, alert_id, channel.id, Telling.RAISED, at=NOW)
        [delivery] = await alert_deliveries.of_alert(tx, alert_id)
    return delivery.id


async def test_a_channel_is_kept_as_it_was_entered(ledger: Ledger) -> None:
    added = await add(ledger)
    plain = await add(ledger, ChannelSettings(name="mail", severity_min="info", enabled=False))

    assert (added.settings, added.url, added.created_at) == (SETTINGS, URL, NOW)
    async with ledger.read() as tx:
        assert await alert_channels.everyone(tx) == [plain, added]
        assert await alert_channels.named(tx, "phone") == added
    assert plain.settings.baker_ids is None
    assert plain.settings.codes == frozenset()


async def test_a_name_leads_to_one_channel(ledger: Ledger) -> None:
    await add(ledger)
    mail = await add(ledger, replace(SETTINGS, name="mail"))

    with pytest.raises(ConflictError, match="a channel 'phone' already"):
        await add(ledger)
    with pytest.raises(ConflictError, match="a channel 'phone' already"):
        async with ledger.write() as tx:
            await alert_channels.change(tx, mail.id, SETTINGS, actor="user:ann", at=NOW)


async def test_a_change_keeps_the_url_unless_there_is_another(ledger: Ledger) -> None:
    channel = await add(ledger)
    other_url = ChannelUrl(sealed=b"other", shown="ntfy://…")
    muted = replace(SETTINGS, enabled=False)

    async with ledger.write() as tx:
        kept = await alert_channels.change(tx, channel.id, muted, actor="user:ann", at=NOW)
        moved = await alert_channels.change(
            tx, channel.id, muted, other_url, actor="user:ann", at=NOW
        )

    assert (kept.settings, kept.url) == (muted, URL)
    assert (moved.settings, moved.url) == (muted, other_url)


async def test_the_audit_trail_has_every_change_and_no_sealed_url(ledger: Ledger) -> None:
    channel = await add(ledger)
    async with ledger.write() as tx:
        await alert_channels.change(tx, channel.id, SETTINGS, actor="user:ann", at=NOW)
        await alert_channels.remove(tx, channel.id, actor="user:ann", at=NOW)
        events = await audit.latest(tx)

    actions = [event.action for event in events]
    assert actions == ["channel.removed", "channel.changed", "channel.added"]
    assert {event.subject for event in events} == {"phone"}
    assert {event.detail["url"] for event in events} == {"tgram://…42"}
    assert "sealed" not in repr([event.detail for event in events])
    assert "sealed" not in repr(channel).replace("sealed_url", "")


async def test_a_removed_channel_is_gone_with_what_was_sent_there(ledger: Ledger) -> None:
    channel = await add(ledger)
    delivery_id = await add_delivery(ledger, channel)
    async with ledger.write() as tx:
        await alert_channels.remove(tx, channel.id, actor="user:ann", at=NOW)

        with pytest.raises(NotFoundError):
            await alert_channels.get(tx, channel.id)
        with pytest.raises(NotFoundError, match="its channel was removed"):
            await alert_deliveries.get(tx, delivery_id)
        with pytest.raises(NotFoundError):
            await alert_channels.remove(tx, channel.id, actor="user:ann", at=NOW)


async def test_a_delivery_is_due_until_it_is_sent(ledger: Ledger) -> None:
    delivery_id = await add_delivery(ledger, await add(ledger))
    async with ledger.write() as tx:
        assert [each.id for each in await alert_deliveries.due(tx, NOW, 9)] == [delivery_id]
        await alert_deliveries.mark_refused(tx, delivery_id, "no answer", LATER)
        assert await alert_deliveries.due(tx, NOW, 9) == []
        [waiting] = await alert_deliveries.due(tx, LATER, 9)
        assert (waiting.attempts, waiting.last_error) == (1, "no answer")
        await alert_deliveries.mark_sent(tx, delivery_id, at=LATER)
        # Somebody else was slower, and failed.
        await alert_deliveries.mark_refused(tx, delivery_id, "no answer", LATER)
        sent = await alert_deliveries.get(tx, delivery_id)

    assert (sent.state, sent.sent_at, sent.attempts) == (DeliveryState.SENT, LATER, 2)
    assert sent.last_error is None


async def test_a_delivery_that_failed_for_good_is_not_due_and_may_be_sent_after_all(
    ledger: Ledger,
) -> None:
    delivery_id = await add_delivery(ledger, await add(ledger))
    async with ledger.write() as tx:
        await alert_deliveries.mark_refused(tx, delivery_id, "gone", None)
        assert await alert_deliveries.due(tx, LATER, 9) == []
        assert (await alert_deliveries.get(tx, delivery_id)).state is DeliveryState.FAILED
        await alert_deliveries.mark_sent(tx, delivery_id, at=LATER)
        assert (await alert_deliveries.get(tx, delivery_id)).state is DeliveryState.SENT


async def test_a_tried_channel_says_what_came_of_it(ledger: Ledger) -> None:
    channel = await add(ledger)
    async with ledger.write() as tx:
        await alert_deliveries.note_test(tx, channel.id, "no answer", at=NOW)
        await alert_deliveries.note_test(tx, channel.id, None, at=LATER)
        newest, first = await alert_deliveries.of_channel(tx, channel.id)

    assert (first.what, first.state, first.last_error) == ("test", "failed", "no answer")
    assert (newest.state, newest.sent_at, newest.alert_id) == ("sent", LATER, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "sent"},
        {"sent_at": NOW},
        {"what": "test"},
        {"alert_id": None},
        {"state": "lost"},
        {"what": "sung"},
    ],
)
async def test_the_database_itself_refuses_a_delivery_that_cannot_be(
    ledger: Ledger, wrong: dict[str, object]
) -> None:
    channel = await add(ledger)
    await add_delivery(ledger, channel)
    row = {
        "alert_id": 1,
        "channel_id": channel.id,
        "what": "raised",
        "state": "pending",
        "attempts": 0,
        "created_at": NOW,
        "next_at": NOW,
    }
    with pytest.raises(IntegrityError):
        async with ledger.write() as tx:
            await tx.execute(insert(deliveries_table).values({**row, **wrong}))
