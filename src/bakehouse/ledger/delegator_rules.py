"""Rules of single delegators: looked up by page, set and removed some at a time; never applied."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import NotFoundError
from bakehouse.ledger import audit, bakers, payout_rules
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.baker_tables import delegator_rules
from bakehouse.ledger.page import Page, Slice, holds
from bakehouse.ledger.statement_parts import in_parts
from bakehouse.rewards.payout_rules import DelegatorRule

#: Actions of the audit trail that are about rules of single delegators.
REPLACED: Final = payout_rules.RULES_REPLACED
CHANGED: Final = "delegator_rules.changed"
REMOVED: Final = "delegator_rules.removed"


@dataclass(frozen=True, slots=True)
class RuleOf:
    """What is different for one delegator, by its address."""

    address: str
    rule: DelegatorRule


async def page(
    tx: AsyncConnection, baker_id: str, wanted: Slice, *, search: str = ""
) -> Page[RuleOf]:
    """Give a page of a baker's rules by address; a text is looked for in it and the recipient."""
    query = (
        select(delegator_rules)
        .where(*_conditions(baker_id, search))
        .order_by(delegator_rules.c.address)
        .offset(wanted.offset)
        .limit(wanted.limit_and_one)
    )
    rows = await tx.execute(query)
    return Page.of([RuleOf(row.address, payout_rules.rule_of_row(row)) for row in rows], wanted)


async def count(tx: AsyncConnection, baker_id: str, *, search: str = "") -> int:
    """Count the rules that `page` finds."""
    query = select(func.count()).select_from(delegator_rules).where(*_conditions(baker_id, search))
    return int((await tx.execute(query)).scalar_one())


async def find(tx: AsyncConnection, baker_id: str, address: str) -> DelegatorRule | None:
    """Give the rule of one delegator, or None."""
    named = (delegator_rules.c.baker_id == baker_id, delegator_rules.c.address == address)
    row = (await tx.execute(select(delegator_rules).where(*named))).one_or_none()
    return payout_rules.rule_of_row(row) if row else None


async def change(
    tx: AsyncConnection,
    baker_id: str,
    by_address: Mapping[str, DelegatorRule],
    *,
    actor: str,
    at: datetime,
) -> None:
    """Set these rules and leave the others as they are; the audit trail keeps what was before.

    Raises NotFoundError for an unknown baker, SettingError for a rule that says nothing,
    contradicts the baker's other rules, or pays the paying wallet.
    """
    baker = await bakers.get(tx, baker_id)
    payout_rules.refuse_silent(by_address)
    before = await _take_out(tx, baker_id, by_address)
    if by_address:
        rows = [
            {"baker_id": baker_id, "address": address, **asdict(rule)}
            for address, rule in by_address.items()
        ]
        await tx.execute(insert(delegator_rules), rows)
    await payout_rules.rules_of(tx, baker)
    after = {address: payout_rules.told_rule(rule) for address, rule in by_address.items()}
    detail = {"before": before, "after": after}
    await audit.record(tx, AuditEvent(at, actor, CHANGED, baker_id, detail))


async def remove(
    tx: AsyncConnection, baker_id: str, address: str, *, actor: str, at: datetime
) -> None:
    """Treat a delegator as everybody again; NotFoundError when it is treated so already.

    Raises SettingError when what is left contradicts itself.
    """
    baker = await bakers.get(tx, baker_id)
    before = await _take_out(tx, baker_id, [address])
    if not before:
        raise NotFoundError(f"{address} has no rule of its own: it is treated as everybody")
    await payout_rules.rules_of(tx, baker)
    detail = {"before": before, "after": {}}
    await audit.record(tx, AuditEvent(at, actor, REMOVED, baker_id, detail))


async def _take_out(
    tx: AsyncConnection, baker_id: str, addresses: Collection[str]
) -> dict[str, dict[str, Any]]:
    before: dict[str, dict[str, Any]] = {}
    for part in in_parts(addresses):
        named = (delegator_rules.c.baker_id == baker_id, delegator_rules.c.address.in_(part))
        for row in await tx.execute(select(delegator_rules).where(*named)):
            before[row.address] = payout_rules.told_rule(payout_rules.rule_of_row(row))
        await tx.execute(delete(delegator_rules).where(*named))
    return before


def _conditions(baker_id: str, search: str) -> list[ColumnElement[bool]]:
    of_baker = delegator_rules.c.baker_id == baker_id
    if not search:
        return [of_baker]
    table = delegator_rules
    return [of_baker, or_(holds(table.c.address, search), holds(table.c.recipient, search))]
