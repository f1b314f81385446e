"""The bond pool: what the baker keeps of a cycle, shared among those who lent it their bonds."""

from collections.abc import Sequence
from dataclasses import dataclass

from bakehouse.errors import RefusalError, SettingError
from bakehouse.rewards.money import NO_MUTEZ, WHOLE, BasisPoints, Mutez, share_floor


@dataclass(frozen=True, slots=True)
class BondPoolMember:
    """One lender: the bond (mutez) it put in, and the charge the manager takes of its share."""

    address: str
    amount: Mutez
    adm_charge: BasisPoints
    is_manager: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class BondPayout:
    """What one member gets, in mutez. The manager's `net` holds everyone's charges as well."""

    recipient: str
    amount: Mutez
    adm_charge: BasisPoints
    gross: Mutez
    charge: Mutez
    charges_received: Mutez
    net: Mutez


@dataclass(frozen=True, slots=True)
class BondPoolPlan:
    """One cycle's bond pool: `pool == total_net + dust`, in mutez; the baker keeps the dust."""

    pool: Mutez
    payouts: tuple[BondPayout, ...]
    total_net: Mutez
    dust: Mutez


def check_members(members: Sequence[BondPoolMember]) -> None:
    """Refuse a pool that could not be paid from; raises SettingError saying what to change."""
    addresses = [member.address for member in members]
    if len(set(addresses)) != len(addresses):
        raise SettingError("an address is twice in the bond pool; each member is listed once")
    for member in members:
        if member.amount <= 0:
            raise SettingError(f"the bond of {member.address} must be more than 0 mutez")
        if not 0 <= member.adm_charge <= WHOLE:
            raise SettingError(f"the charge of {member.address} must be from 0 to 100 %")
    if members and sum(member.is_manager for member in members) != 1:
        raise SettingError("a bond pool has exactly one manager")


def plan_bond_pool(pool: Mutez, members: Sequence[BondPoolMember]) -> BondPoolPlan:
    """Share `pool` by the members' bonds; each charge goes to the one manager, in one payout.

    The manager is not charged. Every share and every charge is rounded down. Raises SettingError
    for members that cannot be, RefusalError for a negative pool.
    """
    check_members(members)
    if pool < 0:
        raise RefusalError(f"a bond pool of {pool} mutez is negative")
    total_bonds = sum(member.amount for member in members)
    shares = [(member, share_floor(pool, member.amount, total_bonds)) for member in members]
    charges = {member.address: _charge(member, gross) for member, gross in shares}
    collected = Mutez(sum(charges.values()))
    payouts = tuple(
        _pay_member(member, gross, charges[member.address], collected) for member, gross in shares
    )
    total_net = Mutez(sum(payout.net for payout in payouts))
    if not 0 <= pool - total_net <= (pool if not members else 2 * len(members)):
        raise RefusalError(f"the bond pool of {pool} mutez would pay {total_net}")
    return BondPoolPlan(pool, payouts, total_net, Mutez(pool - total_net))


def _charge(member: BondPoolMember, gross: Mutez) -> Mutez:
    return NO_MUTEZ if member.is_manager else share_floor(gross, member.adm_charge, WHOLE)


def _pay_member(
    member: BondPoolMember, gross: Mutez, charge: Mutez, collected: Mutez
) -> BondPayout:
    received = collected if member.is_manager else NO_MUTEZ
    kept = gross if member.is_manager else share_floor(gross, WHOLE - member.adm_charge, WHOLE)
    return BondPayout(
        recipient=member.address,
        amount=member.amount,
        adm_charge=member.adm_charge,
        gross=gross,
        charge=charge,
        charges_received=received,
        net=Mutez(kept + received),
    )
