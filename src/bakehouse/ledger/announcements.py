"""What was and is to be said in public, one row a cycle and channel: entered as a cycle is closed.

A row is claimed before anything is sent. What became of a claim whose end nobody noted is for a
person to say: an announcement is made at most once.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import ConflictError, NotFoundError
from bakehouse.ledger import audit
from bakehouse.ledger.announcement_tables import announcements
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.states import AnnouncementState
from bakehouse.ledger.transition import move, state_of

_REMOVED = "the channel was removed before this could be said"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One announcement on one channel, and what became of it."""

    id: int
    baker_id: str
    cycle: int
    distribution_id: int
    #: None once the channel was removed.
    channel_id: int | None
    channel: str
    state: AnnouncementState
    attempts: int
    created_at: datetime
    next_at: datetime
    claimed_at: datetime | None
    sent_at: datetime | None
    last_error: str | None
    #: What was said last, in full.
    title: str | None
    body: str | None


async def enter(
    tx: AsyncConnection, distribution: Distribution, channel_id: int, name: str, *, at: datetime
) -> None:
    """Have a cycle announced on a channel."""
    await tx.execute(
        insert(announcements).values(
            baker_id=distribution.key.baker_id,
            cycle=distribution.key.cycle,
            distribution_id=distribution.id,
            channel_id=channel_id,
            channel=name,
            state=AnnouncementState.PENDING,
            attempts=0,
            created_at=at,
            next_at=at,
        )
    )


async def is_entered(tx: AsyncConnection, baker_id: str, cycle: int) -> bool:
    """Whether a cycle was announced, or is to be, on any channel, also one that is gone."""
    query = select(func.count()).where(
        announcements.c.baker_id == baker_id, announcements.c.cycle == cycle
    )
    return bool((await tx.execute(query)).scalar_one())


async def get(tx: AsyncConnection, announcement_id: int) -> Announcement:
    """Give an announcement; raises NotFoundError."""
    query = select(announcements).where(announcements.c.id == announcement_id)
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no announcement {announcement_id}")
    return _announcement(row)


async def of_baker(tx: AsyncConnection, baker_id: str, limit: int = 50) -> list[Announcement]:
    """Give a baker's announcements, the newest first."""
    query = select(announcements).where(announcements.c.baker_id == baker_id)
    rows = await tx.execute(query.order_by(announcements.c.id.desc()).limit(limit))
    return [_announcement(row) for row in rows]


async def due(
    tx: AsyncConnection, at: datetime, claimed_before: datetime, limit: int
) -> list[Announcement]:
    """Give what is to be said by now, and what was claimed so long ago that nobody will note it."""
    state = announcements.c.state
    query = select(announcements).where(
        or_(
            and_(state == AnnouncementState.PENDING, announcements.c.next_at <= at),
            and_(state == AnnouncementState.SENDING, announcements.c.claimed_at <= claimed_before),
        )
    )
    ordered = query.order_by(announcements.c.next_at, announcements.c.id)
    return [_announcement(row) for row in await tx.execute(ordered.limit(limit))]


async def claim(
    tx: AsyncConnection, announcement_id: int, title: str, body: str, *, at: datetime
) -> None:
    """Note, before anything is sent, that it is about to be said, and in which words.

    Raises IllegalTransitionError when it is not pending: somebody else is faster.
    """
    await move(
        tx,
        announcements,
        [announcement_id],
        AnnouncementState.SENDING,
        attempts=announcements.c.attempts + 1,
        claimed_at=at,
        title=title,
        body=body,
    )


async def mark_sent(tx: AsyncConnection, announcement_id: int, *, at: datetime) -> None:
    """Note that the channel took it."""
    await _end_claim(tx, announcement_id, AnnouncementState.SENT, sent_at=at, last_error=None)


async def mark_refused(
    tx: AsyncConnection, announcement_id: int, error: str, next_at: datetime | None
) -> None:
    """Note that it was surely not taken, and when it is tried again: None for never."""
    if next_at is None:
        await _end_claim(tx, announcement_id, AnnouncementState.FAILED, last_error=error)
    else:
        pending = AnnouncementState.PENDING
        await _end_claim(tx, announcement_id, pending, last_error=error, next_at=next_at)


async def mark_unsure(tx: AsyncConnection, announcement_id: int, error: str) -> None:
    """Note that nobody knows whether it was taken: it is not said again by itself."""
    await _end_claim(tx, announcement_id, AnnouncementState.UNSURE, last_error=error)


async def give_up(tx: AsyncConnection, announcement_id: int, error: str) -> None:
    """Never say what is pending."""
    await move(tx, announcements, [announcement_id], AnnouncementState.FAILED, last_error=error)


async def decide(  # noqa: PLR0913 - keyword-only facts of one decision
    tx: AsyncConnection,
    announcement_id: int,
    *,
    again: bool,
    actor: str,
    why: str,
    at: datetime,
) -> Announcement:
    """Settle one that is unsure or failed, by a person's word: say it again, or never.

    Raises NotFoundError; ConflictError for one in any other state.
    """
    found = await get(tx, announcement_id)
    allowed = {AnnouncementState.UNSURE}
    if again:
        allowed.add(AnnouncementState.FAILED)
    if found.state not in allowed or found.channel_id is None:
        raise ConflictError(
            f"announcement {announcement_id} is {found.state} on the channel {found.channel}: only "
            "one that is unsure or failed, and whose channel is there, is decided about"
        )
    to = AnnouncementState.PENDING if again else AnnouncementState.FAILED
    values: dict[str, Any] = {"next_at": at, "attempts": 0} if again else {"last_error": why}
    await move(tx, announcements, [announcement_id], to, **values)
    action = "announcement.again" if again else "announcement.left"
    detail = {"why": why, "channel": found.channel, "was": found.state}
    subject = f"{found.baker_id}/{found.cycle}"
    await audit.record(tx, AuditEvent(at, actor, action, subject, detail))
    return await get(tx, announcement_id)


async def let_go_of_channel(tx: AsyncConnection, channel_id: int) -> None:
    """Forget where a channel was; what was to be said there is never said."""
    of_channel = announcements.c.channel_id == channel_id
    await tx.execute(
        update(announcements)
        .where(of_channel, announcements.c.state == AnnouncementState.PENDING)
        .values(state=AnnouncementState.FAILED, last_error=_REMOVED)
    )
    await tx.execute(update(announcements).where(of_channel).values(channel_id=None))


async def is_unsure(tx: AsyncConnection, announcement_id: int) -> bool:
    """Whether nobody knows yet what became of it."""
    return await state_of(tx, announcements, announcement_id) == AnnouncementState.UNSURE


async def _end_claim(
    tx: AsyncConnection, announcement_id: int, to: AnnouncementState, **values: Any
) -> None:
    await move(tx, announcements, [announcement_id], to, claimed_at=None, **values)


def _announcement(row: Row[Any]) -> Announcement:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return Announcement(**{**values, "state": AnnouncementState(row.state)})
