"""Saying in public that a cycle is paid: on each channel at most once, whatever crashes.

An attempt is noted before anything leaves. Only what was surely not taken is tried again; what
nobody knows of waits for a person, who looks whether it is there.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.alerts import delivery
from bakehouse.alerts.announcement_text import PaidCycle, compose
from bakehouse.alerts.codes import AlertCode
from bakehouse.alerts.message import Message, Tone
from bakehouse.alerts.outbox import tell
from bakehouse.errors import IllegalTransitionError, SettingError, UndeliveredError
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger import (
    alert_channels,
    alerts,
    announcement_settings,
    announcements,
    bakers,
    distributions,
    payouts,
)
from bakehouse.ledger.alert_channels import Channel
from bakehouse.ledger.announcement_settings import AnnouncementSettings
from bakehouse.ledger.announcements import Announcement
from bakehouse.ledger.deliveries import FIRST_WAIT, next_try_at
from bakehouse.ledger.states import AnnouncementState, Telling
from bakehouse.payments.payer import Payer
from bakehouse.rewards.payout_kind import PayoutKind
from bakehouse.secret_box import SecretKeyFile

_log = structlog.get_logger(__name__)

#: A claim whose end nobody has noted for so long will not be noted any more.
CLAIM_LASTS: Final = timedelta(minutes=5)

_CRASHED: Final = "Bakehouse stopped while this was being said"
#: What stands for a message that cannot be composed.
_NOTHING: Final = Message("", "", Tone.INFO)
_SWITCHED_OFF: Final = "the channel, or announcing, was switched off before this could be said"


async def announce(
    payer: Payer,
    secret_key: SecretKeyFile,
    announcement_id: int,
    first_wait: timedelta = FIRST_WAIT,
) -> Announcement:
    """Say one announcement, unless it was said or nobody knows; gives what has become of it.

    Raises UndeliveredError when it was surely not taken and is tried again; NotFoundError.
    """
    async with payer.ledger.read() as tx:
        wanted = await announcements.get(tx, announcement_id)
        settings = await announcement_settings.get(tx, wanted.baker_id)
        channel = await _channel(tx, wanted)
        paid = await paid_cycle(tx, wanted.distribution_id)
    try:
        if wanted.state is AnnouncementState.SENDING:
            await _end_lost_claim(payer, wanted)
        elif wanted.state is AnnouncementState.PENDING:
            if channel is None or not settings.enabled:
                await _give_up(payer, wanted)
            else:
                said = _Saying(wanted, channel, settings, paid)
                await _say(payer, secret_key, said, first_wait)
    except IllegalTransitionError:
        # Somebody else is at it.
        _log.info("announcement-elsewhere", id=announcement_id)
    async with payer.ledger.read() as tx:
        return await announcements.get(tx, announcement_id)


@dataclass(frozen=True, slots=True)
class _Saying:
    """What is about to be said, and where."""

    wanted: Announcement
    channel: Channel
    settings: AnnouncementSettings
    paid: PaidCycle


async def paid_cycle(tx: AsyncConnection, distribution_id: int) -> PaidCycle:
    """Read what there is to say of a paid distribution."""
    distribution = await distributions.by_id(tx, distribution_id)
    baker = await bakers.get(tx, distribution.key.baker_id)
    whom, total = await payouts.paid_by(tx, distribution, PayoutKind.DELEGATOR)
    return PaidCycle(baker.baker_id, baker.alias, distribution.key.cycle, total, whom)


async def _say(
    payer: Payer, secret_key: SecretKeyFile, saying: _Saying, first_wait: timedelta
) -> None:
    wanted, message, trouble = saying.wanted, _NOTHING, None
    url = ""
    try:
        message = compose(saying.settings, saying.paid)
        url = await asyncio.to_thread(secret_key.unseal, saying.channel.url.sealed)
    except SettingError as error:
        # A person may mend the template, or put the key back.
        trouble = UndeliveredError(error.message, never_taken=True)
    async with payer.ledger.write() as tx:
        await announcements.claim(tx, wanted.id, message.title, message.body, at=payer.clock())
    failpoint(Failpoint.ANNOUNCEMENT_CLAIMED)
    try:
        if trouble is not None:
            raise trouble
        await delivery.send(url, message)
    except UndeliveredError as error:
        if not error.facts.get("never_taken"):
            await _be_unsure(payer, wanted, error.message)
            return
        next_at = next_try_at(wanted.attempts, payer.clock(), first_wait)
        async with payer.ledger.write() as tx:
            await announcements.mark_refused(tx, wanted.id, error.message, next_at)
        raise UndeliveredError(f"{wanted.channel}: {error.message}") from None
    failpoint(Failpoint.ANNOUNCEMENT_SENT)
    async with payer.ledger.write() as tx:
        await announcements.mark_sent(tx, wanted.id, at=payer.clock())


async def _channel(tx: AsyncConnection, wanted: Announcement) -> Channel | None:
    """Give the channel, unless it is gone, off, or for something else now."""
    if wanted.channel_id is None:
        return None
    channel = await alert_channels.get(tx, wanted.channel_id)
    return channel if channel.settings.hears_announcements_of(wanted.baker_id) else None


async def _give_up(payer: Payer, wanted: Announcement) -> None:
    async with payer.ledger.write() as tx:
        await announcements.give_up(tx, wanted.id, _SWITCHED_OFF)


async def _end_lost_claim(payer: Payer, wanted: Announcement) -> None:
    """Stop waiting for whoever claimed it, once that was long enough ago."""
    if wanted.claimed_at is None or payer.clock() - wanted.claimed_at >= CLAIM_LASTS:
        await _be_unsure(payer, wanted, _CRASHED)


async def _be_unsure(payer: Payer, wanted: Announcement, reason: str) -> None:
    """Have a person look: in one transaction with the note, so that both are there or none."""
    at = payer.clock()
    async with payer.ledger.write() as tx:
        await announcements.mark_unsure(tx, wanted.id, reason)
        alert_id = await alerts.raise_alert(
            tx,
            code=AlertCode.ANNOUNCEMENT_UNSURE,
            subject=str(wanted.id),
            message=f"nobody knows whether the announcement of cycle {wanted.cycle} is on the "
            f"channel {wanted.channel}: {reason}. Look there, then `bakehouse announcements again "
            f"{wanted.id} --why …` or `bakehouse announcements leave {wanted.id} --why …`",
            at=at,
            baker_id=wanted.baker_id,
        )
        if alert_id is not None:
            await tell(tx, alert_id, Telling.RAISED, at=at)
    _log.error("announcement-unsure", id=wanted.id, channel=wanted.channel, reason=reason)
