"""Rules of single delegators: shown by page, set, removed, imported, and how they came to be."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bakehouse.desk.address_history import AddressHistory, address_history
from bakehouse.desk.address_table import Import
from bakehouse.desk.rule_text import parse_rules
from bakehouse.ledger import bakers, delegator_rules, payout_rules
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.delegator_rules import RuleOf
from bakehouse.ledger.page import Page, Slice
from bakehouse.payments.payer import Payer
from bakehouse.rewards.payout_rules import DelegatorRule
from bakehouse.tezos.address import parse_recipient

#: How mistakes in an imported text are told: `the rules, line 3: …`
_NAME: Final = "the rules"


@dataclass(frozen=True, slots=True)
class RuleList:
    """A page of rules; everybody who is not in the list is treated alike."""

    page: Page[RuleOf]
    #: How many fit the search.
    count: int


async def list_rules(ledger: Ledger, baker_id: str, part: Slice, *, search: str = "") -> RuleList:
    """Give a page of a baker's rules, ordered by address; NotFoundError for an unknown baker."""
    async with ledger.read() as tx:
        await bakers.get(tx, baker_id)
        return RuleList(
            page=await delegator_rules.page(tx, baker_id, part, search=search),
            count=await delegator_rules.count(tx, baker_id, search=search),
        )


async def find_rule(ledger: Ledger, baker_id: str, address: str) -> DelegatorRule | None:
    """Give the rule of one delegator, or None; NotFoundError for an unknown baker."""
    async with ledger.read() as tx:
        await bakers.get(tx, baker_id)
        return await delegator_rules.find(tx, baker_id, address)


async def set_rule(  # noqa: PLR0913 - keyword-only facts of one change
    payer: Payer,
    baker_id: str,
    address: str,
    rule: DelegatorRule,
    *,
    actor: str,
    why: str | None = None,
) -> RuleOf:
    """Set what is different for one delegator to exactly this.

    Raises AddressError, NotFoundError, SettingError for what contradicts other rules.
    """
    delegator = parse_recipient(address)
    by_address: dict[str, DelegatorRule] = {delegator: _payable(rule)}
    async with payer.ledger.write(why=why) as tx:
        await delegator_rules.change(tx, baker_id, by_address, actor=actor, at=payer.clock())
    return RuleOf(delegator, rule)


async def remove_rule(
    payer: Payer, baker_id: str, address: str, *, actor: str, why: str | None = None
) -> None:
    """Treat a delegator as everybody again; NotFoundError when it is treated so already."""
    async with payer.ledger.write(why=why) as tx:
        await delegator_rules.remove(tx, baker_id, address, actor=actor, at=payer.clock())


async def replace_rules(
    payer: Payer,
    baker_id: str,
    by_address: Mapping[str, DelegatorRule],
    *,
    actor: str,
    why: str | None = None,
) -> None:
    """Set the rules of single delegators to exactly these, all of them or none.

    Raises AddressError, NotFoundError, SettingError for what contradicts other rules.
    """
    checked: dict[str, DelegatorRule] = {
        parse_recipient(address): _payable(rule) for address, rule in by_address.items()
    }
    async with payer.ledger.write(why=why) as tx:
        baker = await bakers.get(tx, baker_id)
        await payout_rules.replace_delegators(tx, baker, checked, actor=actor, at=payer.clock())


async def import_rules(  # noqa: PLR0913 - keyword-only facts of one change
    payer: Payer,
    baker_id: str,
    text: str,
    how: Import,
    *,
    actor: str,
    why: str | None = None,
) -> int:
    """Take in rules from CSV or JSON, all of them or none; gives how many were named.

    Raises InputError with the line of the first mistake, NotFoundError for an unknown baker,
    SettingError for what contradicts other rules.
    """
    # Sixty thousand addresses take seconds: not on the event loop.
    rules = await asyncio.to_thread(parse_rules, text, _NAME)
    if how is Import.REPLACE:
        await replace_rules(payer, baker_id, rules, actor=actor, why=why)
        return len(rules)
    async with payer.ledger.write(why=why) as tx:
        await delegator_rules.change(tx, baker_id, rules, actor=actor, at=payer.clock())
    return len(rules)


async def history(
    ledger: Ledger, baker_id: str, *, limit: int, before: int | None = None
) -> AddressHistory:
    """Give the changes of a baker's rules, newest first; NotFoundError for an unknown baker."""
    replaced = delegator_rules.REPLACED
    return await address_history(ledger, baker_id, replaced, limit=limit, before=before)


def _payable(rule: DelegatorRule) -> DelegatorRule:
    if rule.recipient is not None:
        parse_recipient(rule.recipient)
    return rule
