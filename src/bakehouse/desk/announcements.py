"""What a person does about announcements: set the words, look at them, try them, settle doubts."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bakehouse.alerts import delivery
from bakehouse.alerts.announcement_text import SAMPLE_CYCLE, check_settings, compose
from bakehouse.alerts.announcing import paid_cycle
from bakehouse.alerts.message import Message
from bakehouse.errors import ConflictError, NotFoundError, SettingError, UndeliveredError
from bakehouse.ledger import (
    alert_channels,
    announcement_settings,
    announcements,
    bakers,
    distributions,
)
from bakehouse.ledger.announcement_settings import AnnouncementSettings
from bakehouse.ledger.announcements import Announcement
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode
from bakehouse.payments.controls import Decision
from bakehouse.secret_box import SecretKeyFile

_TEST: Final = "Test: "


@dataclass(frozen=True, slots=True)
class AnnouncementDesk:
    """The ledger, the key that seals URLs, and a clock, handed in."""

    ledger: Ledger
    secret_key: SecretKeyFile
    clock: Callable[[], datetime]

    async def settings_of(self, baker_id: str) -> AnnouncementSettings:
        """Give what a baker says, and whether; raises NotFoundError for an unknown baker."""
        async with self.ledger.read() as tx:
            await bakers.get(tx, baker_id)
            return await announcement_settings.get(tx, baker_id)

    async def change(self, baker_id: str, settings: AnnouncementSettings, *, actor: str) -> None:
        """Set what a baker says from now on.

        Raises SettingError for a template or link that cannot be used, NotFoundError.
        """
        check_settings(settings)
        async with self.ledger.write() as tx:
            await bakers.get(tx, baker_id)
            at = self.clock()
            await announcement_settings.put(tx, baker_id, settings, actor=actor, at=at)

    async def preview(self, baker_id: str, settings: AnnouncementSettings | None = None) -> Message:
        """Give what would be said of the last paid cycle, or of a made-up one before there is any.

        By the baker's own templates, or by others. Raises SettingError, NotFoundError.
        """
        async with self.ledger.read() as tx:
            baker = await bakers.get(tx, baker_id)
            chosen = settings or await announcement_settings.get(tx, baker_id)
            kind, mode = DistributionKind.DELEGATORS, Mode.ON
            states = await distributions.states_by_cycle(tx, baker_id, kind, mode)
            paid = [cycle for cycle, state in states.items() if state is DistributionState.PAID]
            if paid:
                key = DistributionKey(baker.network, baker_id, max(paid), kind, mode)
                shown = await paid_cycle(tx, (await distributions.get(tx, key)).id)
            else:
                shown = replace(SAMPLE_CYCLE, baker_id=baker_id, alias=baker.alias)
        return compose(chosen, shown)

    async def test(self, baker_id: str, channel_name: str) -> str | None:
        """Send the preview, marked as a test, to a channel now; gives why it was not taken.

        Raises NotFoundError, SettingError for a template, ConflictError for a channel that is not
        for announcements.
        """
        message = await self.preview(baker_id)
        async with self.ledger.read() as tx:
            channel = await alert_channels.named(tx, channel_name)
        if not channel.settings.hears_announcements_of(baker_id):
            raise ConflictError(
                f"the channel {channel_name} is not for announcements of this baker, or is off"
            )
        try:
            url = await asyncio.to_thread(self.secret_key.unseal, channel.url.sealed)
            await delivery.send(url, replace(message, title=_TEST + message.title))
        except (SettingError, UndeliveredError) as error:
            return error.message
        return None

    async def made(self, baker_id: str) -> list[Announcement]:
        """Give what was and is to be said of a baker, newest first; raises NotFoundError."""
        async with self.ledger.read() as tx:
            await bakers.get(tx, baker_id)
            return await announcements.of_baker(tx, baker_id)

    async def decide(
        self, announcement_id: int, by: Decision, *, again: bool, baker_id: str | None = None
    ) -> Announcement:
        """Settle an announcement in doubt by a person's word: say it again, or leave it.

        Raises NotFoundError, also for one of another baker than `baker_id`; ConflictError for one
        that is in no doubt.
        """
        async with self.ledger.write() as tx:
            found = await announcements.get(tx, announcement_id)
            if baker_id is not None and found.baker_id != baker_id:
                raise NotFoundError(f"there is no announcement {announcement_id}")
            return await announcements.decide(
                tx, announcement_id, again=again, actor=by.actor, why=by.why, at=by.at
            )
