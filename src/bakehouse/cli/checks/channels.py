"""Channels of alerts and announcements: are there any, can they be used, did the last one arrive.

Nothing is sent: whoever wants that has `bakehouse alerts test`.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

from bakehouse.alerts import delivery
from bakehouse.cli.checks.finding import Finding, fail, ok, warn
from bakehouse.errors import SettingError
from bakehouse.ledger import alert_channels, alert_deliveries, announcement_settings, bakers
from bakehouse.ledger.alert_channels import Channel
from bakehouse.ledger.alert_deliveries import Delivery
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.states import DeliveryState
from bakehouse.secret_box import SecretKeyFile


async def check_channels(ledger: Ledger, secret_key: SecretKeyFile) -> AsyncIterator[Finding]:
    """Look at the channels that are switched on, and at whom nobody would be told of."""
    async with ledger.read() as tx:
        channels = [each for each in await alert_channels.everyone(tx) if each.settings.enabled]
        newest = {each.id: await alert_deliveries.of_channel(tx, each.id, 1) for each in channels}
        everyone = await bakers.everyone(tx)
        talking = [
            each
            for each in everyone
            if (await announcement_settings.get(tx, each.baker_id)).enabled
        ]
    for channel in channels:
        yield await _channel(channel, newest[channel.id], secret_key)
    if everyone and not any(each.settings.purpose.is_for_alerts for each in channels):
        yield warn(
            "alerts",
            "no channel is there: nobody is told when something goes wrong",
            "enter one with `bakehouse alerts add`",
        )
    for baker in talking:
        yield _announcing(baker, channels)


async def _channel(
    channel: Channel, newest: Sequence[Delivery], secret_key: SecretKeyFile
) -> Finding:
    settings = channel.settings
    subject = f"channel {settings.name}"
    try:
        url = await asyncio.to_thread(secret_key.unseal, channel.url.sealed)
        await asyncio.to_thread(delivery.check_url, url)
    except SettingError as error:
        again = f"put the key back, or enter the URL anew: `bakehouse alerts set {settings.name}`"
        return fail(subject, error.message, again)
    last = newest[0] if newest else None
    if last is not None and last.state is DeliveryState.FAILED:
        return warn(
            subject,
            f"the last message was not taken: {last.last_error}",
            f"try it with `bakehouse alerts test {settings.name}`",
        )
    tried = "; nothing was sent there yet" if last is None else ""
    return ok(subject, f"{channel.url.shown}, for {settings.purpose}{tried}")


def _announcing(baker: Baker, channels: Sequence[Channel]) -> Finding:
    subject = f"announcements of {baker.alias or baker.baker_id}"
    heard = [each for each in channels if each.settings.hears_announcements_of(baker.baker_id)]
    if not heard:
        return warn(
            subject,
            "they are on, and no channel is for them: nothing is said",
            "enter one with `bakehouse alerts add NAME --for announcements`, or switch them off",
        )
    return ok(subject, f"said on {', '.join(each.settings.name for each in heard)}")
