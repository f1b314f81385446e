"""Which channels are told what: written in the transaction of the alert, so that none is lost."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.alerts.codes import Severity, codes_of, severity_of
from bakehouse.ledger import alert_channels, alert_deliveries, alerts
from bakehouse.ledger.alert_channels import ChannelSettings
from bakehouse.ledger.alerts import Alert
from bakehouse.ledger.states import DeliveryState, Telling

#: How often a critical alert is told again until somebody acknowledges it.
REPEAT_AFTER: Final = timedelta(hours=6)


def wants(settings: ChannelSettings, alert: Alert) -> bool:
    """Whether a channel is to be told of an alert; pure."""
    if not settings.enabled or not settings.purpose.is_for_alerts:
        return False
    if settings.baker_ids is not None and alert.baker_id not in settings.baker_ids:
        return False
    if settings.codes and alert.code not in settings.codes:
        return False
    return severity_of(alert.code).reaches(Severity(settings.severity_min))


async def tell(tx: AsyncConnection, alert_id: int, what: Telling, *, at: datetime) -> None:
    """Have every channel that wants it told what became of an alert.

    That one is over is told to those who heard of it. While a channel still has to be told of an
    alert, it is not told again.
    """
    alert = await alerts.get(tx, alert_id)
    told = await alert_deliveries.of_alert(tx, alert_id)
    waiting = {each.channel_id for each in told if each.state is DeliveryState.PENDING}
    for channel in await alert_channels.everyone(tx):
        if what is Telling.CLOSED:
            is_told = channel.settings.enabled and channel.id in {each.channel_id for each in told}
        else:
            is_told = wants(channel.settings, alert) and channel.id not in waiting
        if is_told:
            await alert_deliveries.add(tx, alert_id, channel.id, what, at=at)


async def repeat_critical(
    tx: AsyncConnection, *, at: datetime, after: timedelta = REPEAT_AFTER
) -> Sequence[Alert]:
    """Have critical alerts that nobody acknowledged told again; gives which."""
    due = await alerts.to_repeat(tx, codes_of(Severity.CRITICAL), at - after)
    for alert in due:
        await alerts.mark_told(tx, alert.id, at=at)
        await tell(tx, alert.id, Telling.REPEATED, at=at)
    return due
