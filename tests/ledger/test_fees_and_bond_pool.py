"""Fees of single delegators and the bond pool: each replaced as a whole, or not at all."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from bakehouse.errors import NotFoundError, SettingError
from bakehouse.ledger import bakers, payout_rules
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.baker_tables import bond_pool_members, delegator_fees
from bakehouse.ledger.bakers import Baker
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import BasisPoints, Mutez
from tests.ledger.bakery import BAKER, NETWORK, NOW, Bakery, last_event


async def fees_of(bakery: Bakery, baker_id: str = BAKER) -> dict[str, BasisPoints]:
    async with bakery.ledger.read() as tx:
        return await payout_rules.fees(tx, baker_id)


async def set_fees(bakery: Bakery, fees: Mapping[str, int], baker_id: str = BAKER) -> None:
    by_address = {address: BasisPoints(fee) for address, fee in fees.items()}
    async with bakery.ledger.write() as tx:
        await bakers.replace_fees(tx, baker_id, by_address, actor="alice", at=NOW)


async def add_novice(bakery: Bakery) -> None:
    novice = Baker(baker_id="tz1-new", network=NETWORK, payout_address="tz1-pay", first_cycle=700)
    async with bakery.ledger.write() as tx:
        await bakers.add(tx, novice, actor="alice", at=NOW)


async def test_fees_of_single_delegators_are_replaced_as_a_whole(bakery: Bakery) -> None:
    await add_novice(bakery)
    await set_fees(bakery, {"tz1-a": 5}, "tz1-new")

    await set_fees(bakery, {"tz1-a": 0, "tz1-b": 10_000})
    assert await fees_of(bakery) == {"tz1-a": 0, "tz1-b": 10_000}
    await set_fees(bakery, {"tz1-b": 995})
    assert await fees_of(bakery) == {"tz1-b": 995}
    assert await last_event(bakery) == AuditEvent(
        NOW, "alice", "fees.replaced", BAKER, {"tz1-b": 995}
    )
    await set_fees(bakery, {})
    assert await fees_of(bakery) == {}
    assert await fees_of(bakery, "tz1-new") == {"tz1-a": 5}


@pytest.mark.parametrize("fee", [-1, 10_001])
async def test_a_fee_out_of_range_is_refused_and_all_stays(bakery: Bakery, fee: int) -> None:
    await set_fees(bakery, {"tz1-a": 5})

    with pytest.raises(SettingError, match="the fee of tz1-b must be from 0 to 100 %"):
        await set_fees(bakery, {"tz1-a": 6, "tz1-b": fee})
    assert await fees_of(bakery) == {"tz1-a": 5}
    with pytest.raises(IntegrityError, match="ck_delegator_fees_fee_range"):
        async with bakery.ledger.write() as tx:
            await tx.execute(update(delegator_fees).values(fee=fee))


def member(
    address: str, *, amount: int = 500, charge: int = 0, leads: bool = False
) -> BondPoolMember:
    return BondPoolMember(address, Mutez(amount), BasisPoints(charge), leads, f"name of {address}")


async def pool_of(bakery: Bakery) -> list[BondPoolMember]:
    async with bakery.ledger.read() as tx:
        return await bakers.bond_pool(tx, BAKER)


async def set_pool(bakery: Bakery, *members: BondPoolMember) -> None:
    async with bakery.ledger.write() as tx:
        await bakers.replace_bond_pool(tx, BAKER, members, actor="alice", at=NOW)


async def test_a_bond_pool_is_replaced_as_a_whole(bakery: Bakery) -> None:
    manager = member("tz1-m", amount=10**15, leads=True)
    lender = member("tz1-a", charge=10_000)

    await set_pool(bakery, manager, lender)
    assert await pool_of(bakery) == [lender, manager]
    await set_pool(bakery, manager)
    assert await pool_of(bakery) == [manager]
    assert await last_event(bakery) == AuditEvent(
        NOW, "alice", "bond_pool.replaced", BAKER, {"members": [asdict(manager)]}
    )
    await set_pool(bakery)
    assert await pool_of(bakery) == []


IMPOSSIBLE_POOLS = {
    "exactly one manager": [member("tz1-a"), member("tz1-b")],
    "has exactly one manager": [member("tz1-a", leads=True), member("tz1-b", leads=True)],
    "an address is twice": [member("tz1-a", leads=True), member("tz1-a")],
    "the bond of tz1-a must be more than 0": [member("tz1-a", amount=0, leads=True)],
    "the charge of tz1-a must be from 0": [member("tz1-a", charge=10_001, leads=True)],
}


@pytest.mark.parametrize(("complaint", "members"), IMPOSSIBLE_POOLS.items())
async def test_an_impossible_bond_pool_is_refused_and_the_old_one_stays(
    bakery: Bakery, complaint: str, members: list[BondPoolMember]
) -> None:
    before = member("tz1-before", leads=True)
    await set_pool(bakery, before)

    with pytest.raises(SettingError, match=complaint):
        await set_pool(bakery, *members)
    assert await pool_of(bakery) == [before]


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"is_manager": True}, "failed: bond_pool_members.baker_id|uq_bond_pool_members_manager"),
        ({"amount": 0}, "amount_positive"),
        ({"adm_charge": 10_001}, "adm_charge_range"),
        ({"baker_id": "tz1-stranger"}, "FOREIGN KEY|fk_bond_pool_members_baker_id"),
        ({"address": "tz1-m"}, "UNIQUE constraint failed|pk_bond_pool_members"),
    ],
)
async def test_the_database_itself_refuses_an_impossible_member(
    bakery: Bakery, changed: Mapping[str, Any], complaint: str
) -> None:
    await set_pool(bakery, member("tz1-m", leads=True))
    second = {"baker_id": BAKER, **asdict(member("tz1-a")), **changed}

    with pytest.raises(IntegrityError, match=complaint):
        async with bakery.ledger.write() as tx:
            await tx.execute(insert(bond_pool_members).values(second))


async def test_a_stranger_gets_no_fees_no_bond_pool_and_no_event(bakery: Bakery) -> None:
    before = await last_event(bakery)
    async with bakery.ledger.write() as tx:
        with pytest.raises(NotFoundError, match="tz1-stranger"):
            await bakers.replace_fees(tx, "tz1-stranger", {}, actor="alice", at=NOW)
        with pytest.raises(NotFoundError, match="tz1-stranger"):
            await bakers.replace_bond_pool(tx, "tz1-stranger", [], actor="alice", at=NOW)

    assert await last_event(bakery) == before
