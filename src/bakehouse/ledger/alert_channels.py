"""Channels: where alerts are sent. Their URLs hold secrets, and are in here only sealed."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import ConflictError, NotFoundError
from bakehouse.ledger import announcements, audit
from bakehouse.ledger.alert_tables import alert_channels, alert_deliveries
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.states import ChannelPurpose


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelUrl:
    """Where a channel leads: sealed, and as much of it as may be shown."""

    sealed: bytes = field(repr=False)
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings:
    """What a channel is told."""

    name: str
    #: The least severe that is told, as `alerts.codes.Severity` names it.
    severity_min: str
    #: Only these codes; none is all.
    codes: frozenset[str] = frozenset()
    #: Only these bakers, and nothing about the whole house; None is all.
    baker_ids: frozenset[str] | None = None
    enabled: bool = True
    purpose: ChannelPurpose = ChannelPurpose.ALERTS

    def hears_announcements_of(self, baker_id: str) -> bool:
        """Whether what a baker says in public is said there."""
        is_its = self.baker_ids is None or baker_id in self.baker_ids
        return self.enabled and self.purpose.is_for_announcements and is_its


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel as the ledger has it."""

    id: int
    settings: ChannelSettings
    url: ChannelUrl
    created_at: datetime


async def add(
    tx: AsyncConnection,
    settings: ChannelSettings,
    url: ChannelUrl,
    *,
    actor: str,
    at: datetime,
) -> Channel:
    """Enter a channel; raises ConflictError for a name that is used."""
    await _require_unused(tx, settings.name)
    row = insert(alert_channels).values(
        sealed_url=url.sealed, shown_url=url.shown, created_at=at, **_columns(settings)
    )
    channel_id = int((await tx.execute(row.returning(alert_channels.c.id))).scalar_one())
    await _record(tx, "channel.added", settings, url.shown, actor=actor, at=at)
    return await get(tx, channel_id)


async def change(  # noqa: PLR0913 - keyword-only facts of one change
    tx: AsyncConnection,
    channel_id: int,
    settings: ChannelSettings,
    url: ChannelUrl | None = None,
    *,
    actor: str,
    at: datetime,
) -> Channel:
    """Give a channel these settings, and another URL unless it is None.

    Raises NotFoundError; ConflictError for a name that is used.
    """
    channel = await get(tx, channel_id)
    if settings.name != channel.settings.name:
        await _require_unused(tx, settings.name)
    values = _columns(settings)
    if url is not None:
        values |= {"sealed_url": url.sealed, "shown_url": url.shown}
    await tx.execute(update(alert_channels).where(alert_channels.c.id == channel_id).values(values))
    shown = (url or channel.url).shown
    await _record(tx, "channel.changed", settings, shown, actor=actor, at=at)
    return await get(tx, channel_id)


async def remove(tx: AsyncConnection, channel_id: int, *, actor: str, at: datetime) -> None:
    """Forget a channel, its URL, and what was or was to be sent there; raises NotFoundError."""
    channel = await get(tx, channel_id)
    await announcements.let_go_of_channel(tx, channel_id)
    await tx.execute(delete(alert_deliveries).where(alert_deliveries.c.channel_id == channel_id))
    await tx.execute(delete(alert_channels).where(alert_channels.c.id == channel_id))
    shown = channel.url.shown
    await _record(tx, "channel.removed", channel.settings, shown, actor=actor, at=at)


async def get(tx: AsyncConnection, channel_id: int) -> Channel:
    """Give a channel; raises NotFoundError."""
    query = select(alert_channels).where(alert_channels.c.id == channel_id)
    found = (await tx.execute(query)).one_or_none()
    if found is None:
        raise NotFoundError(f"there is no channel {channel_id}")
    return _channel(found)


async def named(tx: AsyncConnection, name: str) -> Channel:
    """Give the channel of a name; raises NotFoundError."""
    found = await _find(tx, name)
    if found is None:
        raise NotFoundError(f"there is no channel {name!r}")
    return found


async def everyone(tx: AsyncConnection) -> list[Channel]:
    """Give all channels by name."""
    rows = await tx.execute(select(alert_channels).order_by(alert_channels.c.name))
    return [_channel(row) for row in rows]


async def _find(tx: AsyncConnection, name: str) -> Channel | None:
    query = select(alert_channels).where(alert_channels.c.name == name)
    row = (await tx.execute(query)).one_or_none()
    return _channel(row) if row else None


async def _require_unused(tx: AsyncConnection, name: str) -> None:
    if await _find(tx, name) is not None:
        raise ConflictError(f"there is a channel {name!r} already: choose another name")


async def _record(  # noqa: PLR0913 - keyword-only facts of one deed
    tx: AsyncConnection,
    action: str,
    settings: ChannelSettings,
    shown_url: str,
    *,
    actor: str,
    at: datetime,
) -> None:
    detail = {**_columns(settings), "url": shown_url}
    await audit.record(tx, AuditEvent(at, actor, action, settings.name, detail))


def _columns(settings: ChannelSettings) -> dict[str, Any]:
    bakers = settings.baker_ids
    return {
        "name": settings.name,
        "severity_min": settings.severity_min,
        "codes": json.dumps(sorted(settings.codes)),
        "baker_ids": None if bakers is None else json.dumps(sorted(bakers)),
        "enabled": settings.enabled,
        "purpose": settings.purpose,
    }


def _channel(row: Row[Any]) -> Channel:
    settings = ChannelSettings(
        name=row.name,
        severity_min=row.severity_min,
        codes=frozenset(json.loads(row.codes)),
        baker_ids=None if row.baker_ids is None else frozenset(json.loads(row.baker_ids)),
        enabled=row.enabled,
        purpose=ChannelPurpose(row.purpose),
    )
    url = ChannelUrl(sealed=row.sealed_url, shown=row.shown_url)
    return Channel(id=row.id, settings=settings, url=url, created_at=row.created_at)
