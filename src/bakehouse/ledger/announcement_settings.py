"""What each baker says in public when a cycle is paid: off until somebody switches it on."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import audit
from bakehouse.ledger.announcement_tables import announcement_settings
from bakehouse.ledger.audit import AuditEvent

DEFAULT_TITLE: Final = "Cycle {cycle} is paid"
DEFAULT_BODY: Final = "{baker} has paid {amount} tez to {delegators} delegators for cycle {cycle}."


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementSettings:
    """What is said, as templates, and whether."""

    enabled: bool = False
    title: str = DEFAULT_TITLE
    body: str = DEFAULT_BODY
    #: Where a reader can look payouts up; None for nowhere.
    link: str | None = None


async def get(tx: AsyncConnection, baker_id: str) -> AnnouncementSettings:
    """Give what a baker has set, or the defaults."""
    table = announcement_settings
    row = (await tx.execute(select(table).where(table.c.baker_id == baker_id))).one_or_none()
    if row is None:
        return AnnouncementSettings()
    return AnnouncementSettings(enabled=row.enabled, title=row.title, body=row.body, link=row.link)


async def put(
    tx: AsyncConnection, baker_id: str, settings: AnnouncementSettings, *, actor: str, at: datetime
) -> None:
    """Set what a baker says; whether the templates can be used is checked before."""
    table, values = announcement_settings, asdict(settings)
    await tx.execute(delete(table).where(table.c.baker_id == baker_id))
    await tx.execute(insert(table).values(baker_id=baker_id, **values))
    await audit.record(tx, AuditEvent(at, actor, "announcements.changed", baker_id, values))
