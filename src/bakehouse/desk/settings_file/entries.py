"""What a line of a table says of a delegator, an income share or a bond-pool member, as settings.

A new rule for single delegators is a field of `DelegatorRule` and one more entry here.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from bakehouse.ledger.setting import MUTEZ_MAX, Group, Kind, Setting
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import WHOLE, BasisPoints, Mutez
from bakehouse.rewards.payout_rules import (
    CostBearer,
    DelegatorRule,
    ExcludedShare,
    IncomeShare,
    Listing,
)

Entry = Mapping[str, Any]

DELEGATOR: Final[Mapping[str, Setting]] = {
    setting.name: setting
    for setting in (
        Setting(
            name="fee",
            group=Group.SHARED,
            kind=Kind.PERCENTAGE,
            label="Fee",
            meaning="Replaces the default fee.",
            unit="%",
            most=WHOLE,
        ),
        Setting(
            name="recipient",
            group=Group.PAID,
            kind=Kind.RECIPIENT,
            label="Recipient",
            meaning="Where its payouts are sent; they stay owed to it.",
        ),
        Setting(
            name="listing",
            group=Group.PAID,
            kind=Kind.CHOICE,
            choices=Listing,
            label="Listing",
            meaning="Ignored is never paid; allowed is, where only those are.",
        ),
        Setting(
            name="minimum_balance",
            group=Group.PAID,
            kind=Kind.MUTEZ,
            label="Minimum balance",
            meaning="Below it, it is not paid.",
            most=MUTEZ_MAX,
        ),
        Setting(
            name="maximum_balance",
            group=Group.PAID,
            kind=Kind.MUTEZ,
            label="Maximum balance",
            meaning="More than this of its balance does not count.",
            least=1,
            most=MUTEZ_MAX,
        ),
        Setting(
            name="transfer_fee_payer",
            group=Group.COSTS,
            kind=Kind.CHOICE,
            choices=CostBearer,
            label="Transfer fee",
            meaning="Who bears the fee of its transfers.",
        ),
        Setting(
            name="burn_payer",
            group=Group.COSTS,
            kind=Kind.CHOICE,
            choices=CostBearer,
            label="Storage burn",
            meaning="Who bears what its transfers burn.",
        ),
        Setting(
            name="excluded_share",
            group=Group.PAID,
            kind=Kind.CHOICE,
            choices=ExcludedShare,
            label="Excluded share",
            meaning="Where its share goes when it is not paid.",
        ),
    )
}

INCOME: Final[Mapping[str, Setting]] = {
    name: Setting(
        name=name,
        group=Group.SHARED,
        kind=Kind.PERCENTAGE,
        label=label,
        meaning=meaning,
        unit="%",
        most=WHOLE,
    )
    for name, label, meaning in (
        ("of_bonds", "Part of the own part", "Of the baker's share for its own balance."),
        ("of_fees", "Part of the fees", "Of all fees of the cycle."),
        ("of_excluded", "Part of excluded shares", "Of those that go to named addresses."),
    )
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
            most=MUTEZ_MAX,
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


def of_delegator(fee: BasisPoints | None, rule: DelegatorRule | None) -> Entry:
    """Write what is set for one delegator."""
    entry = {} if rule is None else asdict(rule)
    values = {"fee": fee, **entry}
    return {name: value for name, value in values.items() if value is not None}


def fees_in(delegators: Mapping[str, Entry]) -> dict[str, BasisPoints]:
    """Give the fees among what is set for delegators."""
    return {address: entry["fee"] for address, entry in delegators.items() if "fee" in entry}


def rules_in(delegators: Mapping[str, Entry]) -> dict[str, DelegatorRule]:
    """Give what else is set for delegators."""
    others = {
        address: {name: value for name, value in entry.items() if name != "fee"}
        for address, entry in delegators.items()
    }
    return {address: DelegatorRule(**entry) for address, entry in others.items() if entry}


def of_share(share: IncomeShare) -> Entry:
    """Write what one address gets of the baker's income; parts that are nothing are left out."""
    return {name: getattr(share, name) for name in INCOME if getattr(share, name)}


def shares_in(entries: Mapping[str, Entry]) -> tuple[IncomeShare, ...]:
    """Give the income shares that entries describe, ordered by address."""
    return tuple(IncomeShare(address, **entry) for address, entry in sorted(entries.items()))


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
