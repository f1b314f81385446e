"""The rules by which a baker shares, put together from what it has set; never applied here.

What differs by address, delegators' rules and income shares, is kept here; fees are beside them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Row, bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import SettingError
from bakehouse.ledger import audit
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.baker_tables import delegator_fees, delegator_rules, income_shares
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.rewards.payout_rules import (
    CostBearer,
    DelegatorRule,
    ExcludedShare,
    IncomeShare,
    Listing,
    PayoutRules,
)

if TYPE_CHECKING:
    from bakehouse.ledger.bakers import Baker

#: What a rule is made of that the baker has set for everybody; the rest differs by address.
_FOR_EVERYBODY: Final = tuple(
    each.name for each in fields(PayoutRules) if each.name not in {"fees", "delegators", "income"}
)
_EMPTY: Final = DelegatorRule()

#: Built once, for every plan and every change of settings asks for them.
_FEES: Final = select(delegator_fees).where(delegator_fees.c.baker_id == bindparam("baker_id"))
_DELEGATORS: Final = (
    select(delegator_rules)
    .where(delegator_rules.c.baker_id == bindparam("baker_id"))
    .order_by(delegator_rules.c.address)
)
_INCOME: Final = (
    select(income_shares)
    .where(income_shares.c.baker_id == bindparam("baker_id"))
    .order_by(income_shares.c.address)
)

#: What the audit trail calls it when all rules of delegators are set at once.
RULES_REPLACED: Final = "delegator_rules.replaced"


async def rules_of(tx: AsyncConnection, baker: "Baker") -> PayoutRules:
    """Give the rules by which a baker shares, as they are set now.

    Raises SettingError if they clash, or would have the paying wallet pay itself.
    """
    rules = PayoutRules(
        **{name: getattr(baker, name) for name in _FOR_EVERYBODY},
        fees=await fees(tx, baker.baker_id),
        delegators=await delegators(tx, baker.baker_id),
        income=await income(tx, baker.baker_id),
    )
    _refuse_the_wallet(baker.payout_address, rules)
    return rules


def _refuse_the_wallet(wallet: str, rules: PayoutRules) -> None:
    """Refuse rules by which the wallet that pays would pay itself."""
    for address, rule in rules.delegators.items():
        if rule.recipient == wallet:
            raise SettingError(
                f"{address} is redirected to {wallet}, which is the wallet that pays",
                setting="recipient",
            )
    if wallet in {share.address for share in rules.income}:
        raise SettingError(
            f"an income share goes to {wallet}, which is the wallet that pays", setting="address"
        )


async def fees(tx: AsyncConnection, baker_id: str) -> dict[str, BasisPoints]:
    """Give the fees of single delegators, by address."""
    rows = await tx.execute(_FEES, {"baker_id": baker_id})
    return {row.address: BasisPoints(row.fee) for row in rows}


async def delegators(tx: AsyncConnection, baker_id: str) -> dict[str, DelegatorRule]:
    """Give what else is different for single delegators, by address and in its order."""
    rows = await tx.execute(_DELEGATORS, {"baker_id": baker_id})
    return {row.address: rule_of_row(row) for row in rows}


async def excluded_shares(tx: AsyncConnection, baker_id: str) -> set[ExcludedShare]:
    """Give where rules of single delegators let excluded shares go: each place once."""
    place = delegator_rules.c.excluded_share
    named = select(place).where(delegator_rules.c.baker_id == baker_id, place.is_not(None))
    return {ExcludedShare(row.excluded_share) for row in await tx.execute(named.distinct())}


async def income(tx: AsyncConnection, baker_id: str) -> tuple[IncomeShare, ...]:
    """Give the parts of the baker's income that go to named addresses, ordered by address."""
    rows = await tx.execute(_INCOME, {"baker_id": baker_id})
    return tuple(
        IncomeShare(
            row.address,
            of_bonds=BasisPoints(row.of_bonds),
            of_fees=BasisPoints(row.of_fees),
            of_excluded=BasisPoints(row.of_excluded),
        )
        for row in rows
    )


async def replace_delegators(  # noqa: PLR0913 - keyword-only facts of one change
    tx: AsyncConnection,
    baker: "Baker",
    by_address: Mapping[str, DelegatorRule],
    *,
    actor: str,
    at: datetime,
    checks_rules: bool = True,
) -> None:
    """Set what is different for single delegators to exactly this.

    Raises SettingError as `rules_of` does, and for a rule that says nothing.
    """
    refuse_silent(by_address)
    await tx.execute(delete(delegator_rules).where(delegator_rules.c.baker_id == baker.baker_id))
    if by_address:
        values = [
            {"baker_id": baker.baker_id, "address": address, **asdict(rule)}
            for address, rule in by_address.items()
        ]
        await tx.execute(insert(delegator_rules), values)
    if checks_rules:
        await rules_of(tx, baker)
    detail = {address: told_rule(rule) for address, rule in by_address.items()}
    await audit.record(tx, AuditEvent(at, actor, RULES_REPLACED, baker.baker_id, detail))


def refuse_silent(by_address: Mapping[str, DelegatorRule]) -> None:
    """Refuse a rule that says nothing; raises SettingError."""
    for address, rule in by_address.items():
        if rule == _EMPTY:
            raise SettingError(f"the rule of {address} says nothing: leave the address out")


def told_rule(rule: DelegatorRule) -> dict[str, Any]:
    """Write what a rule says for the audit trail, amounts in mutez."""
    return {name: value for name, value in asdict(rule).items() if value is not None}


async def replace_income(  # noqa: PLR0913 - keyword-only facts of one change
    tx: AsyncConnection,
    baker: "Baker",
    shares: Iterable[IncomeShare],
    *,
    actor: str,
    at: datetime,
    checks_rules: bool = True,
) -> None:
    """Set the parts of the baker's income that go to named addresses to exactly these.

    Raises SettingError for shares that cannot be, or that other rules need.
    """
    rows = [asdict(share) for share in shares]
    if len({row["address"] for row in rows}) != len(rows):
        raise SettingError(
            "an address is twice among the income shares; list it once", setting="address"
        )
    await tx.execute(delete(income_shares).where(income_shares.c.baker_id == baker.baker_id))
    if rows:
        await tx.execute(
            insert(income_shares), [{"baker_id": baker.baker_id, **row} for row in rows]
        )
    if checks_rules:
        await rules_of(tx, baker)
    event = AuditEvent(at, actor, "income_shares.replaced", baker.baker_id, {"shares": rows})
    await audit.record(tx, event)


def rule_of_row(row: Row[Any]) -> DelegatorRule:
    """Read what is different for one delegator from a row that has all its columns."""
    return DelegatorRule(
        recipient=row.recipient,
        listing=Listing(row.listing) if row.listing else None,
        minimum_balance=None if row.minimum_balance is None else Mutez(row.minimum_balance),
        maximum_balance=None if row.maximum_balance is None else Mutez(row.maximum_balance),
        transfer_fee_payer=CostBearer(row.transfer_fee_payer) if row.transfer_fee_payer else None,
        burn_payer=CostBearer(row.burn_payer) if row.burn_payer else None,
        excluded_share=ExcludedShare(row.excluded_share) if row.excluded_share else None,
    )
