"""How what differs by address came to be: changes of fees or rules, as the audit trail has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bakehouse.ledger import audit_search, bakers
from bakehouse.ledger.audit_search import AuditFilter, NumberedEvent
from bakehouse.ledger.database import Ledger

#: What an event may say beside what it says of addresses.
_WHY: Final = "why"


@dataclass(frozen=True, slots=True)
class AddressChange:
    """One change, by address; `before` is None where it was not kept: all were replaced."""

    id: int
    at: datetime
    actor: str
    action: str
    why: str | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AddressHistory:
    """Changes, newest first; the next page is of those before `next_before`."""

    changes: list[AddressChange]
    next_before: int | None


async def address_history(
    ledger: Ledger, baker_id: str, replaced: str, *, limit: int, before: int | None
) -> AddressHistory:
    """Give the changes of one kind, newest first; NotFoundError for an unknown baker.

    `replaced` is what the audit trail calls it when all were set at once; how the others begin
    follows from it.
    """
    action = replaced.partition(".")[0] + "."
    wanted = AuditFilter(action=action, subject=baker_id, bakers={baker_id})
    async with ledger.read() as tx:
        await bakers.get(tx, baker_id)
        found = await audit_search.page(tx, wanted, limit=limit, before=before)
    return AddressHistory([_change(each, replaced) for each in found.events], found.next_before)


def _change(found: NumberedEvent, replaced: str) -> AddressChange:
    event = found.event
    detail: Mapping[str, Any] = event.detail
    why: str | None = detail.get(_WHY)
    if event.action == replaced:
        after = {address: value for address, value in detail.items() if address != _WHY}
        return AddressChange(found.id, event.at, event.actor, event.action, why, None, after)
    before, after = detail["before"], detail["after"]
    return AddressChange(found.id, event.at, event.actor, event.action, why, before, after)
