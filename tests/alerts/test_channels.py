"""What a person does about channels, and that a URL goes in and never comes out."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bakehouse.alerts.channels import ChannelDesk
from bakehouse.errors import ConflictError, NotFoundError, SettingError
from bakehouse.ledger import alert_channels, alert_deliveries, audit, bakers
from bakehouse.ledger.alert_channels import ChannelSettings
from bakehouse.ledger.bakers import Baker
from bakehouse.payments.payer import Payer
from bakehouse.secret_box import SecretKeyFile
from tests.alerts.conftest import NOW
from tests.alerts.webhook import PASSWORD, TOKEN, Webhook

SETTINGS = ChannelSettings(name="hook", severity_min="warning")


async def test_a_url_is_on_disk_only_sealed(
    desk: ChannelDesk, webhook: Webhook, secret_key: SecretKeyFile, tmp_path: Path
) -> None:
    channel = await desk.add(SETTINGS, webhook.url, actor="user:ann")

    assert channel.url.shown == f"json://…{TOKEN[-4:]}"
    assert secret_key.unseal(channel.url.sealed) == webhook.url
    assert await desk.channels() == [channel]
    for name in os.listdir(tmp_path):  # noqa: PTH208 - in a test nobody waits for it
        content = (tmp_path / name).read_bytes()
        assert PASSWORD.encode() not in content
        assert TOKEN.encode() not in content


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"name": " "}, "name is 1 to 100 characters"),
        ({"name": "a\nb"}, "name is 1 to 100 characters"),
        ({"name": "a" * 101}, "name is 1 to 100 characters"),
        ({"severity_min": "loud"}, "'loud' is no severity: use critical, warning, info"),
        ({"codes": frozenset({"wallet-full"})}, "'wallet-full' is no code of an alert"),
        ({"baker_ids": frozenset()}, "a channel of no baker"),
    ],
)
async def test_settings_that_cannot_be_are_refused(
    desk: ChannelDesk, webhook: Webhook, wrong: dict[str, object], complaint: str
) -> None:
    with pytest.raises(SettingError, match=complaint):
        await desk.add(replace(SETTINGS, **wrong), webhook.url, actor="test")  # type: ignore[arg-type]
    assert await desk.channels() == []


async def test_a_channel_is_of_bakers_that_are_registered(
    desk: ChannelDesk, payer: Payer, webhook: Webhook
) -> None:
    settings = replace(SETTINGS, baker_ids=frozenset({"tz1-baker"}))
    with pytest.raises(NotFoundError, match="no baker 'tz1-baker'"):
        await desk.add(settings, webhook.url, actor="test")

    baker = Baker(baker_id="tz1-baker", network="NetX", payout_address="tz1-baker", first_cycle=1)
    async with payer.ledger.write() as tx:
        await bakers.add(tx, baker, actor="test", at=NOW)

    assert (await desk.add(settings, webhook.url, actor="test")).settings == settings


async def test_a_bad_url_is_refused_on_entry_and_on_change(
    desk: ChannelDesk, webhook: Webhook
) -> None:
    with pytest.raises(SettingError, match="knows no service"):
        await desk.add(SETTINGS, "nosuch://x", actor="test")
    channel = await desk.add(SETTINGS, webhook.url, actor="test")

    with pytest.raises(SettingError, match="ends on the machine"):
        await desk.change(channel.id, SETTINGS, "syslog://", actor="test")
    assert await desk.channels() == [channel]


async def test_a_name_that_is_used_and_a_channel_that_is_gone_are_told(
    desk: ChannelDesk, webhook: Webhook
) -> None:
    channel = await desk.add(SETTINGS, webhook.url, actor="test")
    with pytest.raises(ConflictError):
        await desk.add(SETTINGS, webhook.url, actor="test")
    await desk.remove(channel.id, actor="test")

    with pytest.raises(NotFoundError):
        await desk.remove(channel.id, actor="test")
    with pytest.raises(NotFoundError):
        await desk.change(channel.id, SETTINGS, actor="test")
    with pytest.raises(NotFoundError):
        await desk.test(channel.id)


async def test_the_audit_trail_says_who_changed_what_and_no_secret(
    desk: ChannelDesk, payer: Payer, webhook: Webhook
) -> None:
    channel = await desk.add(SETTINGS, webhook.url, actor="user:ann")
    await desk.change(channel.id, replace(SETTINGS, enabled=False), actor="user:bob")
    await desk.remove(channel.id, actor="user:ann")

    async with payer.ledger.read() as tx:
        events = await audit.latest(tx)
    assert [(event.actor, event.action) for event in events] == [
        ("user:ann", "channel.removed"),
        ("user:bob", "channel.changed"),
        ("user:ann", "channel.added"),
    ]
    assert PASSWORD not in repr(events)
    assert TOKEN not in repr(events)


async def test_a_test_arrives_at_once_and_is_kept(
    desk: ChannelDesk, payer: Payer, webhook: Webhook
) -> None:
    channel = await desk.add(SETTINGS, webhook.url, actor="test")
    async with webhook.up():
        assert await desk.test(channel.id) is None
        webhook.status = 401
        assert await desk.test(channel.id) == "not delivered: the service answered 401"

    assert webhook.titles == ["Bakehouse: a test"]
    async with payer.ledger.read() as tx:
        newest, first = await alert_deliveries.of_channel(tx, channel.id)
    assert (first.state, newest.state) == ("sent", "failed")
    assert newest.last_error == "not delivered: the service answered 401"


async def test_a_channel_that_is_off_can_be_tried(desk: ChannelDesk, webhook: Webhook) -> None:
    settings = replace(SETTINGS, enabled=False)
    channel = await desk.add(settings, webhook.url, actor="test")
    async with webhook.up():
        assert await desk.test(channel.id) is None


async def test_a_test_tells_that_the_key_is_gone(
    desk: ChannelDesk, webhook: Webhook, secret_key: SecretKeyFile
) -> None:
    channel = await desk.add(SETTINGS, webhook.url, actor="test")
    secret_key.path.unlink()

    error = await desk.test(channel.id)

    assert error is not None
    assert "secret.key cannot be read" in error


async def test_a_change_of_the_url_leads_elsewhere(desk: ChannelDesk, webhook: Webhook) -> None:
    channel = await desk.add(SETTINGS, "json://127.0.0.1:9/x", actor="test")
    assert await desk.test(channel.id) is not None
    await desk.change(channel.id, SETTINGS, webhook.url, actor="test")

    async with webhook.up():
        assert await desk.test(channel.id) is None
    async with desk.ledger.read() as tx:
        assert (await alert_channels.named(tx, "hook")).url.shown.endswith(TOKEN[-4:])
