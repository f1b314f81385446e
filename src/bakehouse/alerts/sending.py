"""One delivery as it stands in the ledger, sent: at least once, whoever tries it and how often."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.alerts import delivery
from bakehouse.alerts.message import Message, compose
from bakehouse.errors import SettingError, UndeliveredError
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger import alert_channels, alert_deliveries, alerts, bakers
from bakehouse.ledger.alert_channels import Channel
from bakehouse.ledger.alert_deliveries import Delivery
from bakehouse.ledger.deliveries import FIRST_WAIT, next_try_at
from bakehouse.ledger.states import DeliveryState
from bakehouse.payments.payer import Payer
from bakehouse.secret_box import SecretKeyFile

_SWITCHED_OFF: Final = "the channel was switched off before this could be sent"


async def deliver(
    payer: Payer,
    secret_key: SecretKeyFile,
    delivery_id: int,
    first_wait: timedelta = FIRST_WAIT,
    *,
    pages_url: str | None = None,
) -> Delivery:
    """Send what a delivery is for, unless it was sent, and keep what came of it.

    `pages_url` is where people reach the pages; messages lead there. Gives the delivery as it is
    now. Raises UndeliveredError when it was not taken and may be later; NotFoundError when its
    channel was removed.
    """
    async with payer.ledger.read() as tx:
        wanted = await alert_deliveries.get(tx, delivery_id)
        channel = await alert_channels.get(tx, wanted.channel_id)
        message = await _compose(tx, wanted, pages_url)
    if wanted.state is DeliveryState.SENT:
        return wanted
    if not channel.settings.enabled:
        return await _refused(payer, wanted, _SWITCHED_OFF, None)
    try:
        await _send(secret_key, channel, message)
    except (SettingError, UndeliveredError) as error:
        next_at = next_try_at(wanted.attempts, payer.clock(), first_wait)
        await _refused(payer, wanted, error.message, next_at)
        raise UndeliveredError(f"{channel.settings.name}: {error.message}") from None
    failpoint(Failpoint.ALERT_SENT)
    async with payer.ledger.write() as tx:
        await alert_deliveries.mark_sent(tx, delivery_id, at=payer.clock())
        return await alert_deliveries.get(tx, delivery_id)


async def _compose(tx: AsyncConnection, wanted: Delivery, pages_url: str | None) -> Message:
    if wanted.alert_id is None:
        raise UndeliveredError("this was a test, and is over")
    alert = await alerts.get(tx, wanted.alert_id)
    baker = await bakers.find(tx, alert.baker_id) if alert.baker_id else None
    return compose(alert, wanted.what, baker, pages_url)


async def _send(secret_key: SecretKeyFile, channel: Channel, message: Message) -> None:
    url = await asyncio.to_thread(secret_key.unseal, channel.url.sealed)
    await delivery.send(url, message)


async def _refused(
    payer: Payer, wanted: Delivery, reason: str, next_at: datetime | None
) -> Delivery:
    async with payer.ledger.write() as tx:
        await alert_deliveries.mark_refused(tx, wanted.id, reason, next_at)
        return await alert_deliveries.get(tx, wanted.id)
