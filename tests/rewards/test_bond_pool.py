"""The bond pool: shares by bond, charges to the one manager, every member paid once."""

from fractions import Fraction
from math import floor
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.errors import RefusalError, SettingError
from bakehouse.rewards import bond_pool
from bakehouse.rewards.bond_pool import BondPoolMember, BondPoolPlan, plan_bond_pool
from bakehouse.rewards.money import WHOLE, BasisPoints, Mutez

POOL = st.one_of(st.integers(0, 30), st.integers(0, 10**15)).map(Mutez)
BOND = st.one_of(st.integers(1, 30), st.integers(1, 10**15))
CHARGE = st.one_of(st.sampled_from((0, 1, 995, 9_999, 10_000)), st.integers(0, WHOLE))


def members_of(*bonds_and_charges: tuple[int, int]) -> list[BondPoolMember]:
    """Members m0, m1, …, of whom the first is the manager."""
    return [
        BondPoolMember(f"m{index}", Mutez(bond), BasisPoints(charge), is_manager=index == 0)
        for index, (bond, charge) in enumerate(bonds_and_charges)
    ]


MEMBERS = st.lists(st.tuples(BOND, CHARGE), min_size=1, max_size=8).map(
    lambda rows: members_of(*rows)
)


def nets(plan: BondPoolPlan) -> dict[str, int]:
    return {payout.recipient: payout.net for payout in plan.payouts}


def test_members_share_by_bond_and_the_manager_collects_the_charges_in_one_payout() -> None:
    plan = plan_bond_pool(Mutez(1_000), members_of((500, 0), (300, 1_000), (200, 500)))

    assert [
        (p.recipient, p.amount, p.gross, p.charge, p.charges_received, p.net) for p in plan.payouts
    ] == [
        ("m0", 500, 500, 0, 40, 540),
        ("m1", 300, 300, 30, 0, 270),
        ("m2", 200, 200, 10, 0, 190),
    ]
    assert (plan.pool, plan.total_net, plan.dust) == (1_000, 1_000, 0)


def test_the_manager_is_not_charged_even_with_a_charge_of_its_own() -> None:
    plan = plan_bond_pool(Mutez(1_000), members_of((500, 10_000), (500, 0)))

    assert nets(plan) == {"m0": 500, "m1": 500}
    assert [payout.charge for payout in plan.payouts] == [0, 0]


def test_shares_and_charges_are_rounded_down_and_the_dust_stays_with_the_baker() -> None:
    plan = plan_bond_pool(Mutez(100), members_of((1, 0), (1, 1_000), (1, 1_000)))

    # 33 each; of 33, 10 % are 3.3 and 90 % are 29.7.
    assert nets(plan) == {"m0": 33 + 3 + 3, "m1": 29, "m2": 29}
    assert plan.dust == 3


def test_a_pool_without_members_stays_with_the_baker() -> None:
    assert plan_bond_pool(Mutez(1_000), []) == BondPoolPlan(
        Mutez(1_000), (), Mutez(0), Mutez(1_000)
    )


def test_an_empty_pool_pays_every_member_nothing() -> None:
    plan = plan_bond_pool(Mutez(0), members_of((500, 0), (300, 1_000)))

    assert (nets(plan), plan.dust) == ({"m0": 0, "m1": 0}, 0)


def test_a_member_who_is_charged_everything_gets_nothing() -> None:
    assert nets(plan_bond_pool(Mutez(1_000), members_of((1, 0), (1, 10_000)))) == {
        "m0": 1_000,
        "m1": 0,
    }


@given(pool=POOL, members=MEMBERS)
def test_a_bond_pool_is_its_formula_to_the_mutez(
    pool: Mutez, members: list[BondPoolMember]
) -> None:
    plan = plan_bond_pool(pool, members)

    bonds = sum(member.amount for member in members)
    gross = [floor(Fraction(pool) * Fraction(member.amount, bonds)) for member in members]
    rates = [Fraction(0 if member.is_manager else member.adm_charge, WHOLE) for member in members]
    charges = [floor(amount * rate) for amount, rate in zip(gross, rates, strict=True)]
    kept = [floor(amount * (1 - rate)) for amount, rate in zip(gross, rates, strict=True)]
    assert [payout.gross for payout in plan.payouts] == gross
    assert [payout.charge for payout in plan.payouts] == charges
    assert [payout.net for payout in plan.payouts] == [kept[0] + sum(charges), *kept[1:]]
    assert [payout.charges_received for payout in plan.payouts][1:] == [0] * (len(members) - 1)


@given(pool=POOL, members=MEMBERS)
def test_a_bond_pool_adds_up_to_the_mutez_and_pays_each_member_once(
    pool: Mutez, members: list[BondPoolMember]
) -> None:
    plan = plan_bond_pool(pool, members)

    assert plan.pool == pool == plan.total_net + plan.dust
    assert plan.total_net == sum(nets(plan).values())
    assert 0 <= plan.dust < 2 * len(members)
    assert [payout.recipient for payout in plan.payouts] == [member.address for member in members]
    assert all(payout.net >= 0 <= payout.charge for payout in plan.payouts)


@given(pool=POOL, members=MEMBERS, order=st.randoms(use_true_random=False))
def test_the_order_of_members_changes_no_amount(
    pool: Mutez, members: list[BondPoolMember], order: Random
) -> None:
    shuffled = order.sample(members, len(members))

    assert set(plan_bond_pool(pool, shuffled).payouts) == set(plan_bond_pool(pool, members).payouts)


@given(pool=POOL, bonds=st.lists(BOND, min_size=2, max_size=6), a=CHARGE, b=CHARGE)
def test_a_higher_charge_moves_money_from_the_member_to_the_manager(
    pool: Mutez, bonds: list[int], a: int, b: int
) -> None:
    low, high = sorted((a, b))
    rest = [(bond, 500) for bond in bonds[2:]]
    cheap = nets(plan_bond_pool(pool, members_of((bonds[0], 0), (bonds[1], low), *rest)))
    dear = nets(plan_bond_pool(pool, members_of((bonds[0], 0), (bonds[1], high), *rest)))

    assert dear.pop("m1") <= cheap.pop("m1")
    assert dear.pop("m0") >= cheap.pop("m0")
    assert dear == cheap


@given(
    pool=POOL,
    members=MEMBERS.filter(lambda members: len(members) > 1),
    growth=st.integers(1, 10**15),
)
def test_when_one_bond_grows_no_other_members_share_does(
    pool: Mutez, members: list[BondPoolMember], growth: int
) -> None:
    first, *others = members
    grown = BondPoolMember(
        first.address, Mutez(first.amount + growth), first.adm_charge, is_manager=True
    )
    before, after = plan_bond_pool(pool, members), plan_bond_pool(pool, [grown, *others])

    assert after.payouts[0].gross >= before.payouts[0].gross
    for old, new in zip(before.payouts[1:], after.payouts[1:], strict=True):
        assert new.gross <= old.gross
        assert new.net <= old.net


def test_an_address_listed_twice_is_refused() -> None:
    twice = [*members_of((500, 0)), BondPoolMember("m0", Mutez(1), BasisPoints(0))]

    with pytest.raises(SettingError, match="an address is twice in the bond pool"):
        plan_bond_pool(Mutez(1_000), twice)


@pytest.mark.parametrize("bond", [0, -1])
def test_a_bond_of_nothing_is_refused(bond: int) -> None:
    with pytest.raises(SettingError, match="the bond of m1 must be more than 0 mutez"):
        plan_bond_pool(Mutez(1_000), members_of((500, 0), (bond, 0)))


@pytest.mark.parametrize("charge", [-1, 10_001])
def test_a_charge_outside_0_to_100_percent_is_refused(charge: int) -> None:
    with pytest.raises(SettingError, match="the charge of m1 must be from 0 to 100 %"):
        plan_bond_pool(Mutez(1_000), members_of((500, 0), (500, charge)))


@pytest.mark.parametrize("managers", [0, 2])
def test_a_pool_has_exactly_one_manager(managers: int) -> None:
    members = [
        BondPoolMember(f"m{index}", Mutez(500), BasisPoints(0), is_manager=index < managers)
        for index in range(3)
    ]

    with pytest.raises(SettingError, match="exactly one manager"):
        plan_bond_pool(Mutez(1_000), members)


def test_a_negative_pool_is_refused() -> None:
    with pytest.raises(RefusalError, match="a bond pool of -1 mutez is negative"):
        plan_bond_pool(Mutez(-1), members_of((500, 0)))


@pytest.mark.parametrize("paid", [97, 101])
def test_a_pool_that_would_pay_what_rounding_cannot_explain_is_refused(
    monkeypatch: pytest.MonkeyPatch, paid: int
) -> None:
    """The arithmetic cannot do this, so the last check is shown with a division that errs."""
    monkeypatch.setattr(bond_pool, "share_floor", lambda *_: Mutez(paid))

    with pytest.raises(RefusalError, match=f"the bond pool of 100 mutez would pay {paid}"):
        plan_bond_pool(Mutez(100), members_of((1, 0)))


def test_a_member_is_no_manager_unless_it_says_so() -> None:
    assert not BondPoolMember("m0", Mutez(1), BasisPoints(0)).is_manager
