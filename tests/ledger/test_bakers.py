"""Bakers and their settings, fees and bond pools: only what can be is stored."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from bakehouse.errors import ConflictError, NotFoundError, SettingError
from bakehouse.ledger import bakers
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.bakers import SETTINGS, Baker
from bakehouse.ledger.states import Mode
from bakehouse.ledger.table_parts import metadata
from bakehouse.rewards.money import BasisPoints, Mutez
from tests.ledger.bakery import BAKER, NETWORK, NOW, SOURCE, Bakery, last_event
from tests.ledger.places import SQLITE

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
CAPS = ("cycle_cap", "payout_cap")
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
        cycle_cap=Mutez(2**63 - 1),
        payout_cap=Mutez(1),
        confirm_first_cycle=False,
    )
    await add(bakery, baker)

    assert await get(bakery, "tz1-other") == baker
    assert await last_event(bakery) == AuditEvent(
        NOW, "alice", "baker.added", "tz1-other", asdict(baker)
    )


async def test_a_new_baker_pays_nobody_yet(bakery: Bakery) -> None:
    await add(bakery, NOVICE)

    novice = await get(bakery, "tz1-new")
    assert novice.mode is Mode.SIMULATION
    assert novice.confirm_first_cycle
    assert (novice.cycle_cap, novice.payout_cap) == (None, None)


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


async def test_settings_are_changed_by_name(bakery: Bakery) -> None:
    settings = {"mode": Mode.OFF, "update_freq": 3, "alias": "Baker", "scheduled": False}
    changed = await change(bakery, settings)

    assert await get(bakery) == changed
    assert {name: getattr(changed, name) for name in settings} == settings
    assert await last_event(bakery) == AuditEvent(NOW, "alice", "baker.changed", BAKER, settings)


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


@pytest.mark.parametrize("kind", [SQLITE], indirect=True)
@pytest.mark.parametrize(("name", "edge"), EDGES)
async def test_a_setting_reaches_its_bounds(bakery: Bakery, name: str, edge: int) -> None:
    await change(bakery, {name: edge})

    assert getattr(await get(bakery), name) == edge


@pytest.mark.parametrize(("name", "value"), OUTSIDE)
def test_a_setting_ends_at_its_bounds(name: str, value: int) -> None:
    least, most = BOUNDS[name]
    with pytest.raises(SettingError) as refused:
        novice_with(name, value)

    assert str(refused.value) == (
        f"{name} must be a whole number from {least} to {most}, not {value}"
    )


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("value", [2.5, 3.0, "3", None])
def test_a_number_is_a_whole_number(name: str, value: object) -> None:
    with pytest.raises(SettingError, match=f"{name} must be a whole number"):
        novice_with(name, value)


@pytest.mark.parametrize("kind", [SQLITE], indirect=True)
@pytest.mark.parametrize("name", CAPS)
@pytest.mark.parametrize("cap", [None, 1, 2**63 - 1])
async def test_a_cap_is_none_or_at_least_a_mutez(
    bakery: Bakery, name: str, cap: int | None
) -> None:
    await change(bakery, {name: 5})

    changed = await change(bakery, {name: cap})

    assert getattr(changed, name) == cap
    assert await get(bakery) == changed
    assert await last_event(bakery) == AuditEvent(NOW, "alice", "baker.changed", BAKER, {name: cap})


@pytest.mark.parametrize("name", CAPS)
@pytest.mark.parametrize("cap", [0, -1, 2**63])
def test_no_cap_is_less_than_a_mutez_or_more_than_the_ledger_holds(name: str, cap: int) -> None:
    with pytest.raises(SettingError) as refused:
        novice_with(name, cap)

    assert str(refused.value) == f"{name} must be 1 mutez or more, or none, not {cap}"


@pytest.mark.parametrize("mode", ["sometimes", "", None, True])
def test_a_mode_is_one_of_three(mode: object) -> None:
    with pytest.raises(SettingError, match="mode must be off, simulation, on, not"):
        novice_with("mode", mode)


def novice_with(name: str, value: Any) -> Baker:
    return replace(NOVICE, **{name: value})


@pytest.mark.parametrize(("name", "value"), [("update_freq", 0), ("mode", "sometimes")])
async def test_a_refused_change_changes_nothing(bakery: Bakery, name: str, value: object) -> None:
    before = await get(bakery)
    with pytest.raises(SettingError, match=f"{name} must be"):
        await change(bakery, {"alias": "Baker", name: value})

    assert await get(bakery) == before


@pytest.mark.parametrize("name", BOUNDS)
async def test_the_database_holds_the_lower_bounds_too(bakery: Bakery, name: str) -> None:
    least, _ = BOUNDS[name]
    with pytest.raises(IntegrityError, match=f"ck_bakers_{name}_range"):
        async with bakery.ledger.write() as tx:
            await tx.execute(update(metadata.tables["bakers"]).values({name: least - 1}))
