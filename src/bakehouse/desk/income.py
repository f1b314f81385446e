"""Where a baker's income goes: shares of it for named addresses, and how they are replaced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bakehouse.desk.income_text import SHARES, parse_income
from bakehouse.errors import SettingError
from bakehouse.ledger import bakers, payout_rules
from bakehouse.ledger.database import Ledger
from bakehouse.payments.payer import Payer
from bakehouse.rewards.money import WHOLE, BasisPoints
from bakehouse.rewards.payout_rules import ExcludedShare, IncomeShare
from bakehouse.tezos.address import parse_recipient

#: How mistakes in an imported text are told.
_NAME: Final = "the shares"


@dataclass(frozen=True, slots=True)
class Income:
    """The shares, ordered by address, and what they leave to the baker."""

    shares: list[IncomeShare]
    #: Whether any rule lets the shares of excluded delegators go to named addresses.
    is_excluded_named: bool

    def given(self, part: str) -> BasisPoints:
        """Sum what named addresses have of one part."""
        return BasisPoints(sum(getattr(share, part) for share in self.shares))

    def left(self, part: str) -> BasisPoints:
        """Give what the baker has left of one part."""
        return BasisPoints(WHOLE - self.given(part))


async def list_income(ledger: Ledger, baker_id: str) -> Income:
    """Give where a baker's income goes; raises NotFoundError for an unknown baker."""
    async with ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
        shares = await payout_rules.income(tx, baker_id)
        single = await payout_rules.excluded_shares(tx, baker_id)
    named = {baker.below_minimum_share, baker.excluded_share, *single}
    return Income(list(shares), ExcludedShare.NAMED in named)


async def replace_income(
    payer: Payer,
    baker_id: str,
    shares: Sequence[IncomeShare],
    *,
    actor: str,
    why: str | None = None,
) -> None:
    """Set the shares to exactly these.

    Raises AddressError, NotFoundError, SettingError for shares that cannot be or that say nothing.
    """
    for share in shares:
        parse_recipient(share.address)
        if not is_something(share):
            raise SettingError(f"{share.address} has no share of anything: leave it out")
    async with payer.ledger.write(why=why) as tx:
        baker = await bakers.get(tx, baker_id)
        await payout_rules.replace_income(tx, baker, shares, actor=actor, at=payer.clock())


async def import_income(
    payer: Payer, baker_id: str, text: str, *, actor: str, why: str | None = None
) -> int:
    """Set the shares to those of a CSV or JSON text, all or none; gives how many there are.

    Raises InputError with the line of the first mistake, SettingError, NotFoundError.
    """
    shares = parse_income(text, _NAME)
    await replace_income(payer, baker_id, shares, actor=actor, why=why)
    return len(shares)


def with_share(
    shares: Sequence[IncomeShare], address: str, parts: Mapping[str, BasisPoints]
) -> list[IncomeShare]:
    """Give the shares with some parts of one address changed; without it, where it has none left.

    Parts that are not named stay as they are.
    """
    by_address = {share.address: share for share in shares}
    known = by_address.get(address, IncomeShare(address))
    changed: Mapping[str, Any] = parts
    by_address[address] = replace(known, **changed)
    return [each for _, each in sorted(by_address.items()) if is_something(each)]


def is_something(share: IncomeShare) -> bool:
    """Tell whether there is anything that an address has a share of."""
    return any(getattr(share, name) for name in SHARES)
