"""What the ledger has of everything that a file of settings can say. Read only."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.desk.settings_file.entries import Entry, of_delegator, of_member, of_share
from bakehouse.ledger import alert_channels, bakers, payout_rules
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.setting import Kind
from bakehouse.ledger.setting_catalogue import CATALOGUE
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.payout_rules import PayoutRules


@dataclass(frozen=True, slots=True)
class BakerState:
    """A baker with everything that is set for it, and the rules that follow for a cycle."""

    baker: Baker
    delegators: Mapping[str, Entry]
    members: tuple[BondPoolMember, ...]
    rules: PayoutRules

    @property
    def settings(self) -> dict[str, Any]:
        """Give its settings by name; a text that is empty is none."""
        return {
            name: getattr(self.baker, name) or None
            if setting.kind is Kind.TEXT
            else getattr(self.baker, name)
            for name, setting in CATALOGUE.items()
        }

    @property
    def income(self) -> dict[str, Entry]:
        """Give the income shares by address."""
        return {share.address: of_share(share) for share in self.rules.income}

    @property
    def bond_pool(self) -> dict[str, Entry]:
        """Give its members by address."""
        return {member.address: of_member(member) for member in self.members}


@dataclass(frozen=True, slots=True)
class HouseState:
    """Bakers by address, in the order they came, and the names of all channels."""

    bakers: Mapping[str, BakerState]
    channels: tuple[str, ...]


async def read_state(tx: AsyncConnection, wanted: Collection[str] | None = None) -> HouseState:
    """Read what is set for the bakers named, or for all; those that are not here are left out.

    Raises SettingError for rules that contradict each other.
    """
    found = [
        each for each in await bakers.everyone(tx) if wanted is None or each.baker_id in wanted
    ]
    return HouseState(
        bakers={each.baker_id: await _of_baker(tx, each) for each in found},
        channels=tuple(each.settings.name for each in await alert_channels.everyone(tx)),
    )


async def _of_baker(tx: AsyncConnection, baker: Baker) -> BakerState:
    rules = await payout_rules.rules_of(tx, baker)
    return BakerState(
        baker=baker,
        delegators={
            address: of_delegator(rules.fees.get(address), rules.delegators.get(address))
            for address in sorted({*rules.fees, *rules.delegators})
        },
        members=tuple(await bakers.bond_pool(tx, baker.baker_id)),
        rules=rules,
    )
