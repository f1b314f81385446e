"""The members of a baker's bond pool, with their shares, and how they are replaced."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bakehouse.desk.bond_pool_text import parse_bond_pool
from bakehouse.ledger import bakers
from bakehouse.ledger.database import Ledger
from bakehouse.payments.payer import Payer
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import BasisPoints
from bakehouse.rewards.shown_shares import shown_shares
from bakehouse.tezos.address import parse_recipient

#: How mistakes in an imported text are told.
_NAME: Final = "the members"


@dataclass(frozen=True, slots=True)
class PoolMember:
    """A member, and its share of all bonds; the shares of a pool add up to 100 %."""

    member: BondPoolMember
    share: BasisPoints


async def list_members(ledger: Ledger, baker_id: str) -> list[PoolMember]:
    """Give the members ordered by address; raises NotFoundError for an unknown baker."""
    async with ledger.read() as tx:
        await bakers.get(tx, baker_id)
        members = await bakers.bond_pool(tx, baker_id)
    shares = shown_shares([member.amount for member in members])
    return [PoolMember(*each) for each in zip(members, shares, strict=True)]


async def replace_members(
    payer: Payer,
    baker_id: str,
    members: Sequence[BondPoolMember],
    *,
    actor: str,
    why: str | None = None,
) -> None:
    """Set the members to exactly these.

    Raises AddressError, SettingError for members that cannot be a pool, NotFoundError.
    """
    for member in members:
        parse_recipient(member.address)
    async with payer.ledger.write(why=why) as tx:
        await bakers.replace_bond_pool(tx, baker_id, members, actor=actor, at=payer.clock())


async def import_members(
    payer: Payer, baker_id: str, text: str, *, actor: str, why: str | None = None
) -> int:
    """Set the members to those of a CSV text, all of them or none; gives how many there are.

    Raises InputError with the line of the first mistake, SettingError, NotFoundError.
    """
    members = parse_bond_pool(text, _NAME)
    await replace_members(payer, baker_id, members, actor=actor, why=why)
    return len(members)
