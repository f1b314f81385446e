"""What a line of a table says of a delegator or a bond-pool member: its keys, as settings.

A new rule for single delegators is one more entry here, and one more in `of_delegator`.
"""

from collections.abc import Mapping
from typing import Any, Final

from bakehouse.ledger.setting_catalogue import Group, Kind, Setting
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import WHOLE, BasisPoints, Mutez

Entry = Mapping[str, Any]

#: As much as the ledger holds.
_MUTEZ_MAX: Final = 2**63 - 1

DELEGATOR: Final[Mapping[str, Setting]] = {
    "fee": Setting(
        name="fee",
        group=Group.SHARED,
        kind=Kind.PERCENTAGE,
        label="Fee",
        meaning="Replaces the default fee.",
        unit="%",
        most=WHOLE,
    ),
}

MEMBER: Final[Mapping[str, Setting]] = {
    setting.name: setting
    for setting in (
        Setting(
            name="bond",
            group=Group.SHARED,
            kind=Kind.MUTEZ,
            label="Bond",
            meaning="What it lent the baker; shares are by bond.",
            least=1,
            most=_MUTEZ_MAX,
        ),
        Setting(
            name="charge",
            group=Group.SHARED,
            kind=Kind.PERCENTAGE,
            label="Charge",
            meaning="What the manager takes of its share.",
            unit="%",
            most=WHOLE,
        ),
        Setting(
            name="manager",
            group=Group.SHARED,
            kind=Kind.YES_NO,
            label="Manager",
            meaning="One member is it, and gets everybody's charges.",
        ),
        Setting(
            name="name",
            group=Group.SHARED,
            kind=Kind.TEXT,
            label="Name",
            meaning="A name for people.",
            none_means="no name",
        ),
    )
}

#: What of a member may be left out.
MEMBER_DEFAULTS: Final[Entry] = {"charge": BasisPoints(0), "manager": False, "name": None}


def of_delegator(fee: BasisPoints) -> Entry:
    """Write what is set for one delegator."""
    return {"fee": fee}


def fees_in(delegators: Mapping[str, Entry]) -> dict[str, BasisPoints]:
    """Give the fees among what is set for delegators."""
    return {address: entry["fee"] for address, entry in delegators.items() if "fee" in entry}


def of_member(member: BondPoolMember) -> Entry:
    """Write what is set for one member."""
    return {
        "bond": member.amount,
        "charge": member.adm_charge,
        "manager": member.is_manager,
        "name": member.name or None,
    }


def member_in(address: str, entry: Entry) -> BondPoolMember:
    """Give the member that an entry with every key describes."""
    return BondPoolMember(
        address=address,
        amount=Mutez(entry["bond"]),
        adm_charge=BasisPoints(entry["charge"]),
        is_manager=entry["manager"],
        name=entry["name"] or "",
    )
