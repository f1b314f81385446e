"""Who is told what of an alert, and that it is written with the alert."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bakehouse.alerts.channels import ChannelDesk
from bakehouse.alerts.codes import AlertCode
from bakehouse.alerts.outbox import REPEAT_AFTER, repeat_critical, wants
from bakehouse.alerts.raising import alert, close_alert, event, holds
from bakehouse.ledger import alert_deliveries, alerts
from bakehouse.ledger.alert_channels import Channel, ChannelSettings
from bakehouse.ledger.alerts import Alert, AlertFilter
from bakehouse.payments.payer import Payer
from tests.alerts.conftest import NOW, Clock

BAKER = "tz1-baker"
CRITICAL, WARNING = AlertCode.WALLET_LOW, AlertCode.BALANCE_UNKNOWN

OF_BAKER = Alert(
    id=1,
    baker_id=BAKER,
    code=WARNING,
    subject=BAKER,
    message="m",
    raised_at=NOW,
    repeated_at=NOW,
    times=1,
)
OF_HOUSE = replace(OF_BAKER, baker_id=None, code=AlertCode.QUEUE_FAILING.value)
ALL = ChannelSettings(name="all", severity_min="info")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (ALL, OF_BAKER),
        (ALL, OF_HOUSE),
        (replace(ALL, severity_min="warning"), OF_BAKER),
        (replace(ALL, baker_ids=frozenset({BAKER})), OF_BAKER),
        (replace(ALL, codes=frozenset({"balance-unknown", "wallet-low"})), OF_BAKER),
    ],
)
def test_a_channel_wants_what_its_settings_say(settings: ChannelSettings, told: Alert) -> None:
    assert wants(settings, told)


@pytest.mark.parametrize(
    ("settings", "not_told"),
    [
        (replace(ALL, enabled=False), OF_BAKER),
        (replace(ALL, severity_min="critical"), OF_BAKER),
        (replace(ALL, baker_ids=frozenset({"tz1-other"})), OF_BAKER),
        (replace(ALL, baker_ids=frozenset({BAKER})), OF_HOUSE),
        (replace(ALL, codes=frozenset({"wallet-low"})), OF_BAKER),
        (replace(ALL, severity_min="critical", codes=frozenset({"balance-unknown"})), OF_BAKER),
    ],
)
def test_a_channel_does_not_want_the_rest(settings: ChannelSettings, not_told: Alert) -> None:
    assert not wants(settings, not_told)


async def add_channel(desk: ChannelDesk, name: str = "hook", least: str = "info") -> Channel:
    settings = ChannelSettings(name=name, severity_min=least)
    return await desk.add(settings, "json://127.0.0.1:9/x", actor="test")


async def told(payer: Payer) -> list[tuple[int, str]]:
    """Channel and what it is to be told, in order."""
    async with payer.ledger.read() as tx:
        every = await alerts.listed(tx, AlertFilter())
        deliveries = [
            each for found in every for each in await alert_deliveries.of_alert(tx, found.id)
        ]
    return [(each.channel_id, each.what) for each in sorted(deliveries, key=lambda d: d.id)]


async def send_all(payer: Payer) -> None:
    """Have everything that is due be sent."""
    async with payer.ledger.write() as tx:
        for delivery in await alert_deliveries.due(tx, payer.clock(), 99):
            await alert_deliveries.mark_sent(tx, delivery.id, at=payer.clock())


async def test_an_alert_is_told_once_to_those_who_want_it(payer: Payer, desk: ChannelDesk) -> None:
    first, second = await add_channel(desk, "first"), await add_channel(desk, "second", "warning")
    await add_channel(desk, "third", "critical")

    for _ in range(3):
        await alert(payer, WARNING, BAKER, "no answer", baker_id=BAKER)

    assert await told(payer) == [(first.id, "raised"), (second.id, "raised")]


async def test_the_end_is_told_to_those_who_heard_of_the_beginning(
    payer: Payer, desk: ChannelDesk
) -> None:
    heard = await add_channel(desk, "heard")
    await alert(payer, WARNING, BAKER, "no answer", baker_id=BAKER)
    await add_channel(desk, "came-later")

    for _ in range(2):
        await close_alert(payer, WARNING, BAKER)

    assert await told(payer) == [(heard.id, "raised"), (heard.id, "closed")]


async def test_a_channel_that_was_switched_off_is_told_no_end(
    payer: Payer, desk: ChannelDesk
) -> None:
    channel = await add_channel(desk)
    await alert(payer, WARNING, BAKER, "no answer", baker_id=BAKER)
    off = replace(channel.settings, enabled=False)
    await desk.change(channel.id, off, actor="test")

    await close_alert(payer, WARNING, BAKER)

    assert await told(payer) == [(channel.id, "raised")]


async def test_an_event_is_told_once_and_has_no_end(payer: Payer, desk: ChannelDesk) -> None:
    channel = await add_channel(desk)
    for _ in range(2):
        await event(payer, AlertCode.CYCLE_PAID, "750", "paid", baker_id=BAKER)
        await close_alert(payer, AlertCode.CYCLE_PAID, "750")

    assert await told(payer) == [(channel.id, "raised")]


async def test_a_message_raises_and_none_closes(payer: Payer) -> None:
    async def raised() -> int:
        async with payer.ledger.read() as tx:
            return len(await alerts.still_open(tx))

    await holds(payer, WARNING, BAKER, None, baker_id=BAKER)
    assert await raised() == 0
    await holds(payer, WARNING, BAKER, "no answer", baker_id=BAKER)
    assert await raised() == 1
    await holds(payer, WARNING, BAKER, None, baker_id=BAKER)
    assert await raised() == 0


async def repeat(payer: Payer) -> list[str]:
    async with payer.ledger.write() as tx:
        return [each.code for each in await repeat_critical(tx, at=payer.clock())]


async def test_a_critical_alert_is_told_again_every_six_hours_until_acknowledged(
    payer: Payer, desk: ChannelDesk, clock: Clock
) -> None:
    channel = await add_channel(desk)
    for code in (CRITICAL, WARNING):
        await alert(payer, code, BAKER, "m", baker_id=BAKER)
    await send_all(payer)

    assert await repeat(payer) == []
    clock.move(REPEAT_AFTER)
    assert await repeat(payer) == []
    clock.move(timedelta(seconds=1))
    assert await repeat(payer) == [CRITICAL]
    assert await repeat(payer) == []
    await send_all(payer)
    clock.move(REPEAT_AFTER + timedelta(seconds=1))
    assert await repeat(payer) == [CRITICAL]
    assert await told(payer) == [(channel.id, "raised")] * 2 + [(channel.id, "repeated")] * 2

    async with payer.ledger.write() as tx:
        await alerts.acknowledge(tx, 1, actor="user:ann", at=payer.clock())
    clock.move(2 * REPEAT_AFTER)
    assert await repeat(payer) == []


async def test_a_closed_alert_is_not_repeated(payer: Payer, clock: Clock) -> None:
    await alert(payer, CRITICAL, BAKER, "m", baker_id=BAKER)
    await close_alert(payer, CRITICAL, BAKER)
    clock.move(2 * REPEAT_AFTER)

    assert await repeat(payer) == []


async def test_repetitions_do_not_pile_up_before_a_channel_that_is_down(
    payer: Payer, desk: ChannelDesk, clock: Clock
) -> None:
    channel = await add_channel(desk)
    await alert(payer, CRITICAL, BAKER, "m", baker_id=BAKER)
    for _ in range(3):
        clock.move(2 * REPEAT_AFTER)
        assert await repeat(payer) == [CRITICAL]

    assert await told(payer) == [(channel.id, "raised")]


async def test_a_channel_that_came_later_hears_of_a_critical_alert_when_it_is_repeated(
    payer: Payer, desk: ChannelDesk, clock: Clock
) -> None:
    await alert(payer, CRITICAL, BAKER, "m", baker_id=BAKER)
    channel = await add_channel(desk)
    clock.move(2 * REPEAT_AFTER)
    await repeat(payer)

    assert await told(payer) == [(channel.id, "repeated")]
