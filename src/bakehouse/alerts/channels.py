"""What a person does about channels: enter, change, remove, try. Each leaves an audit event.

A URL goes in whole and never comes back: it is stored sealed, and shown as its scheme and a tail.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bakehouse.alerts import delivery
from bakehouse.alerts.codes import AlertCode, Severity
from bakehouse.alerts.message import TEST
from bakehouse.errors import SettingError, UndeliveredError
from bakehouse.ledger import alert_channels, alert_deliveries, bakers
from bakehouse.ledger.alert_channels import Channel, ChannelSettings, ChannelUrl
from bakehouse.ledger.database import Ledger
from bakehouse.secret_box import SecretKeyFile

_NAME_LENGTH_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class ChannelDesk:
    """The ledger, the key that seals URLs, and a clock, handed in."""

    ledger: Ledger
    secret_key: SecretKeyFile
    clock: Callable[[], datetime]

    async def channels(self) -> list[Channel]:
        """Give all channels by name."""
        async with self.ledger.read() as tx:
            return await alert_channels.everyone(tx)

    async def add(self, settings: ChannelSettings, url: str, *, actor: str) -> Channel:
        """Enter a channel.

        Raises SettingError for a URL or a filter that cannot be, ConflictError for a used name,
        NotFoundError for a baker that is not registered.
        """
        await self._check(settings)
        sealed = await self._seal(url)
        async with self.ledger.write() as tx:
            return await alert_channels.add(tx, settings, sealed, actor=actor, at=self.clock())

    async def change(
        self, channel_id: int, settings: ChannelSettings, url: str | None = None, *, actor: str
    ) -> Channel:
        """Give a channel these settings, and another URL unless it is None; raises as `add` does.

        And NotFoundError for a channel that is not there.
        """
        await self._check(settings)
        sealed = None if url is None else await self._seal(url)
        async with self.ledger.write() as tx:
            return await alert_channels.change(
                tx, channel_id, settings, sealed, actor=actor, at=self.clock()
            )

    async def remove(self, channel_id: int, *, actor: str) -> None:
        """Forget a channel, and what was still to be sent there; raises NotFoundError."""
        async with self.ledger.write() as tx:
            await alert_channels.remove(tx, channel_id, actor=actor, at=self.clock())

    async def test(self, channel_id: int) -> str | None:
        """Send a test now; give why it was not taken, or None when it was. Raises NotFoundError."""
        async with self.ledger.read() as tx:
            channel = await alert_channels.get(tx, channel_id)
        try:
            url = await asyncio.to_thread(self.secret_key.unseal, channel.url.sealed)
            await delivery.send(url, TEST)
            error = None
        except (SettingError, UndeliveredError) as failure:
            error = failure.message
        async with self.ledger.write() as tx:
            # It may have been removed meanwhile.
            await alert_channels.get(tx, channel_id)
            await alert_deliveries.note_test(tx, channel_id, error, at=self.clock())
        return error

    async def _seal(self, url: str) -> ChannelUrl:
        await asyncio.to_thread(delivery.check_url, url)
        sealed = await asyncio.to_thread(self.secret_key.seal, url.strip())
        return ChannelUrl(sealed=sealed, shown=delivery.shown(url))

    async def _check(self, settings: ChannelSettings) -> None:
        check_settings(settings)
        async with self.ledger.read() as tx:
            for baker_id in sorted(settings.baker_ids or ()):
                await bakers.get(tx, baker_id)


def check_settings(settings: ChannelSettings) -> None:
    """Raise SettingError for a filter that cannot be; pure."""
    name = settings.name
    if not name.strip() or len(name) > _NAME_LENGTH_MAX or not name.isprintable():
        raise SettingError(f"a channel's name is 1 to {_NAME_LENGTH_MAX} characters on one line")
    if settings.severity_min not in set(Severity):
        raise SettingError(f"{settings.severity_min!r} is no severity: use {', '.join(Severity)}")
    unknown = sorted(settings.codes - set(AlertCode))
    if unknown:
        raise SettingError(
            f"{unknown[0]!r} is no code of an alert: the codes are {', '.join(AlertCode)}"
        )
    if settings.baker_ids is not None and not settings.baker_ids:
        raise SettingError("a channel of no baker would be told nothing: name one, or leave it out")
