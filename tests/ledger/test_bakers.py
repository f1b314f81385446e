"""Bakers and their settings, fees and bond pools: only what can be is stored."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, insert, update
from sqlalchemy.exc import IntegrityError

from bakehouse.errors import ConflictError, NotFoundError, SettingError
from bakehouse.ledger import audit, bakers
from bakehouse.ledger.bakers import SETTINGS, Baker
from bakehouse.ledger.schema import bond_pool_members, delegator_fees, metadata
from bakehouse.ledger.states import Mode
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import BasisPoints, Mutez
from tests.ledger.bakery import BAKER, NETWORK, NOW, SOURCE, Bakery

NOVICE = Baker(baker_id="tz1-new", network=NETWORK, payout_address="tz1-pay", first_cycle=700)

#: Least and most of each number, in the units of the setting.
BOUNDS = {
    "default_fee": (0, 10_000),
    "update_freq": (1, 10_080),
    "payment_retries": (0, 100),
    "minutes_between_retries": (1, 1_440),
    "num_blocks_wait": (2, 100),
    "first_cycle": (0, 2**31 - 1),
    "payout_delay_cycles": (0, 100),
    "minimum_payout": (0, 2**63 - 1),
}
EDGES = [(name, edge) for name, bounds in BOUNDS.items() for edge in bounds]
OUTSIDE = [(name, least - 1) for name, (least, _) in BOUNDS.items()] + [
    (name, most + 1) for name, (_, most) in BOUNDS.items()
]


async def add(bakery: Bakery, baker: Baker) -> None:
    async with bakery.ledger.write() as tx:
        await bakers.add(tx, baker, actor="alice", at=NOW)


async def change(bakery: Bakery, settings: Mapping[str, Any], baker_id: str = BAKER) -> Baker:
    async with bakery.ledger.write() as tx:
        return await bakers.change(tx, baker_id, settings, actor="alice", at=NOW)


async def get(bakery: Bakery, baker_id: str = BAKER) -> Baker:
    async with bakery.ledger.read() as tx:
        return await bakers.get(tx, baker_id)


async def last_event(bakery: Bakery) -> tuple[str, str, str, Mapping[str, Any]]:
    async with bakery.ledger.read() as tx:
        (event,) = await audit.latest(tx, limit=1)
    return event.actor, event.action, event.subject, event.detail


async def test_a_baker_comes_back_as_it_was_registered(bakery: Bakery) -> None:
    baker = Baker(
        baker_id="tz1-other",
        network=NETWORK,
        payout_address="tz1-pay",
        first_cycle=801,
        alias="Other",
        mode=Mode.OFF,
        default_fee=BasisPoints(995),
        update_freq=11,
        payment_retries=2,
        minutes_between_retries=3,
        num_blocks_wait=4,
        payout_delay_cycles=5,
        share_block_fees=True,
        minimum_payout=Mutez(10**15),
        bond_pool_enabled=True,
        scheduled=False,
    )
    await add(bakery, baker)

    assert await get(bakery, "tz1-other") == baker
    assert await last_event(bakery) == ("alice", "baker.added", "tz1-other", asdict(baker))


async def test_a_new_baker_pays_nobody_yet(bakery: Bakery) -> None:
    await add(bakery, NOVICE)

    assert (await get(bakery, "tz1-new")).mode is Mode.SIMULATION


async def test_bakers_are_listed_in_the_order_they_came(bakery: Bakery) -> None:
    await add(bakery, NOVICE)
    await add(bakery, replace(NOVICE, baker_id="tz1-newer"))

    async with bakery.ledger.read() as tx:
        names = [baker.baker_id for baker in await bakers.everyone(tx)]
    assert names == [BAKER, "tz1-new", "tz1-newer"]


async def test_a_baker_is_registered_once(bakery: Bakery) -> None:
    with pytest.raises(ConflictError, match=f"the baker {BAKER} is registered already"):
        await add(bakery, replace(NOVICE, baker_id=BAKER))

    assert (await get(bakery)).payout_address == SOURCE


async def test_a_stranger_is_not_found(bakery: Bakery) -> None:
    with pytest.raises(NotFoundError, match="no baker 'tz1-stranger' is registered here"):
        await get(bakery, "tz1-stranger")
    with pytest.raises(NotFoundError, match="tz1-stranger"):
        await change(bakery, {"update_freq": 3}, "tz1-stranger")
    async with bakery.ledger.read() as tx:
        assert await bakers.find(tx, "tz1-stranger") is None


async def test_a_stranger_gets_no_fees_no_bond_pool_and_no_event(bakery: Bakery) -> None:
    before = await last_event(bakery)
    async with bakery.ledger.write() as tx:
        with pytest.raises(NotFoundError, match="tz1-stranger"):
            await bakers.replace_fees(tx, "tz1-stranger", {}, actor="alice", at=NOW)
        with pytest.raises(NotFoundError, match="tz1-stranger"):
            await bakers.replace_bond_pool(tx, "tz1-stranger", [], actor="alice", at=NOW)

    assert await last_event(bakery) == before


async def test_settings_are_changed_by_name(bakery: Bakery) -> None:
    settings = {"mode": Mode.OFF, "update_freq": 3, "alias": "Baker", "scheduled": False}
    changed = await change(bakery, settings)

    assert await get(bakery) == changed
    assert {name: getattr(changed, name) for name in settings} == settings
    assert await last_event(bakery) == ("alice", "baker.changed", BAKER, settings)


async def test_changing_nothing_is_no_event(bakery: Bakery) -> None:
    before = await last_event(bakery)

    assert await change(bakery, {}) == await get(bakery)
    assert await last_event(bakery) == before


async def test_a_change_is_of_one_baker(bakery: Bakery) -> None:
    await add(bakery, NOVICE)
    await change(bakery, {"update_freq": 3})

    assert (await get(bakery, "tz1-new")).update_freq == 10


def test_every_setting_is_a_setting_of_a_baker() -> None:
    assert set(SETTINGS) == set(asdict(NOVICE)) - {"baker_id", "network"}


@pytest.mark.parametrize("name", ["baker_id", "network", "created_at", "updatefreq", ""])
async def test_an_unknown_setting_is_refused_with_the_known_ones(bakery: Bakery, name: str) -> None:
    before = await get(bakery)
    with pytest.raises(SettingError) as refused:
        await change(bakery, {"update_freq": 3, name: "x"})

    assert str(refused.value) == (
        f"unknown setting {name!r}: the settings are {', '.join(sorted(SETTINGS))}"
    )
    assert await get(bakery) == before


@pytest.mark.parametrize(("name", "edge"), EDGES)
async def test_a_setting_reaches_its_bounds(bakery: Bakery, name: str, edge: int) -> None:
    await change(bakery, {name: edge})

    assert getattr(await get(bakery), name) == edge


@pytest.mark.parametrize(("name", "value"), OUTSIDE)
async def test_a_setting_ends_at_its_bounds(bakery: Bakery, name: str, value: int) -> None:
    least, most = BOUNDS[name]
    with pytest.raises(SettingError) as refused:
        await change(bakery, {name: value})

    assert str(refused.value) == (
        f"{name} must be a whole number from {least} to {most}, not {value}"
    )


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("value", [2.5, 3.0, "3", None])
async def test_a_number_is_a_whole_number(bakery: Bakery, name: str, value: object) -> None:
    with pytest.raises(SettingError, match=f"{name} must be a whole number"):
        await change(bakery, {name: value})


@pytest.mark.parametrize("mode", ["sometimes", "", None, True])
async def test_a_mode_is_one_of_three(bakery: Bakery, mode: object) -> None:
    with pytest.raises(SettingError, match="mode must be off, simulation, on, not"):
        await change(bakery, {"mode": mode})


@pytest.mark.parametrize(("name", "value"), OUTSIDE)
def test_nobody_is_registered_with_a_setting_out_of_range(name: str, value: int) -> None:
    settings: Any = {name: value}
    with pytest.raises(SettingError, match=f"{name} must be a whole number from"):
        replace(NOVICE, **settings)


async def test_the_database_holds_the_lower_bounds_too(bakery: Bakery) -> None:
    table = metadata.tables["bakers"]
    checks = [c.name for c in table.constraints if isinstance(c, CheckConstraint)]
    assert {f"{name}_range" for name in BOUNDS} <= set(checks) | {
        str(name).removeprefix("ck_bakers_") for name in checks
    }

    for name, (least, _) in BOUNDS.items():
        with pytest.raises(IntegrityError, match=f"ck_bakers_{name}_range"):
            async with bakery.ledger.write() as tx:
                await tx.execute(update(table).values({name: least - 1}))


async def fees_of(bakery: Bakery, baker_id: str = BAKER) -> dict[str, BasisPoints]:
    async with bakery.ledger.read() as tx:
        return await bakers.fees(tx, baker_id)


async def set_fees(bakery: Bakery, fees: Mapping[str, int], baker_id: str = BAKER) -> None:
    by_address = {address: BasisPoints(fee) for address, fee in fees.items()}
    async with bakery.ledger.write() as tx:
        await bakers.replace_fees(tx, baker_id, by_address, actor="alice", at=NOW)


async def test_fees_of_single_delegators_are_replaced_as_a_whole(bakery: Bakery) -> None:
    await add(bakery, NOVICE)
    await set_fees(bakery, {"tz1-a": 5}, "tz1-new")

    await set_fees(bakery, {"tz1-a": 0, "tz1-b": 10_000})
    assert await fees_of(bakery) == {"tz1-a": 0, "tz1-b": 10_000}
    await set_fees(bakery, {"tz1-b": 995})
    assert await fees_of(bakery) == {"tz1-b": 995}
    assert await last_event(bakery) == ("alice", "fees.replaced", BAKER, {"tz1-b": 995})
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
    assert await last_event(bakery) == (
        "alice",
        "bond_pool.replaced",
        BAKER,
        {"members": [asdict(manager)]},
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
        ({"is_manager": True}, "UNIQUE constraint failed: bond_pool_members.baker_id"),
        ({"amount": 0}, "amount_positive"),
        ({"adm_charge": 10_001}, "adm_charge_range"),
        ({"baker_id": "tz1-stranger"}, "FOREIGN KEY"),
        ({"address": "tz1-m"}, "UNIQUE constraint failed"),
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
