"""Fees and bond-pool members as people keep them: whole or not at all, and on record."""

import pytest

from bakehouse.desk import bond_pool, fees
from bakehouse.desk.address_table import Import
from bakehouse.errors import AddressError, InputError, NotFoundError, SettingError
from bakehouse.ledger.page import Slice
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.tezos.base58check import Prefix, encode
from tests.payments.hostile_baker import HostileBaker

ANN, BOB, CYD = (encode(Prefix.TZ1, name.ljust(20)) for name in (b"ann", b"bob", b"cyd"))


async def fees_of(baker: HostileBaker) -> dict[str, int]:
    found = await fees.list_fees(baker.payer.ledger, baker.baker_id, Slice())
    assert found.count == len(found.page.rows)
    return {row.address: row.fee for row in found.page.rows}


async def test_an_import_replaces_or_merges(baker: HostileBaker) -> None:
    payer, baker_id = baker.payer, baker.baker_id
    await fees.set_fee(payer, baker_id, ANN, BasisPoints(7), actor="user:ann")

    merged = f'{{"{BOB}": "5", "{ANN}": 0.5}}'
    assert await fees.import_fees(payer, baker_id, merged, Import.MERGE, actor="user:ann") == 2
    assert await fees_of(baker) == {ANN: 50, BOB: 500}

    replaced = f"address,percent\n{CYD},100\n"
    assert await fees.import_fees(payer, baker_id, replaced, Import.REPLACE, actor="user:ann") == 1
    assert await fees_of(baker) == {CYD: 10_000}


async def test_a_mistake_in_an_import_changes_nothing_and_is_named_by_its_line(
    baker: HostileBaker,
) -> None:
    text = f"{BOB},5\n{ANN},101\n"
    with pytest.raises(InputError, match=r"the fees, line 2: '101' is not a percentage"):
        await fees.import_fees(baker.payer, baker.baker_id, text, Import.REPLACE, actor="a")

    assert await fees_of(baker) == {}


async def test_the_history_says_who_changed_what_from_what(baker: HostileBaker) -> None:
    payer, baker_id = baker.payer, baker.baker_id
    await fees.set_fee(payer, baker_id, ANN, BasisPoints(7), actor="user:ann")
    await fees.set_fee(payer, baker_id, ANN, BasisPoints(8), actor="user:bob")
    await fees.remove_fee(payer, baker_id, ANN, actor="user:cyd")
    await fees.import_fees(payer, baker_id, f"{BOB},1", Import.REPLACE, actor="user:dan")

    history = await fees.history(payer.ledger, baker_id, limit=3)
    rest = await fees.history(payer.ledger, baker_id, limit=3, before=history.next_before)

    told = [(each.actor, each.before, each.after) for each in (*history.changes, *rest.changes)]
    assert told == [
        ("user:dan", None, {BOB: 100}),
        ("user:cyd", {ANN: 8}, {}),
        ("user:bob", {ANN: 7}, {ANN: 8}),
        ("user:ann", {}, {ANN: 7}),
    ]
    assert rest.next_before is None


async def test_nothing_is_set_for_a_baker_or_an_address_that_is_not_one(
    baker: HostileBaker,
) -> None:
    payer, fee = baker.payer, BasisPoints(5)
    with pytest.raises(AddressError):
        await fees.set_fee(payer, baker.baker_id, "tz1nonsense", fee, actor="a")
    with pytest.raises(NotFoundError):
        await fees.set_fee(payer, ANN, BOB, fee, actor="a")
    with pytest.raises(NotFoundError):
        await fees.remove_fee(payer, ANN, BOB, actor="a")
    with pytest.raises(NotFoundError):
        await fees.list_fees(payer.ledger, ANN, Slice())


async def test_shares_of_the_pool_add_up_as_they_are_shown(baker: HostileBaker) -> None:
    rows = (f"{ANN},1,5,no,Ann", f"{BOB},1,0,yes,", f"{CYD},1,5,no,")
    text = "\n".join(("address,amount,adm_charge,is_manager,name", *rows))
    count = await bond_pool.import_members(baker.payer, baker.baker_id, text, actor="user:ann")

    members = await bond_pool.list_members(baker.payer.ledger, baker.baker_id)

    assert count == len(members) == 3
    assert sum(each.share for each in members) == 10_000
    assert {each.member.name for each in members} == {"Ann", ""}


async def test_members_that_cannot_be_a_pool_change_nothing(baker: HostileBaker) -> None:
    manager = BondPoolMember(ANN, Mutez(5), BasisPoints(0), is_manager=True)
    await bond_pool.replace_members(baker.payer, baker.baker_id, [manager], actor="a")

    no_manager = [BondPoolMember(BOB, Mutez(5), BasisPoints(0))]
    with pytest.raises(SettingError, match="exactly one manager"):
        await bond_pool.replace_members(baker.payer, baker.baker_id, no_manager, actor="a")
    no_address = [BondPoolMember("tz1nonsense", Mutez(5), BasisPoints(0), is_manager=True)]
    with pytest.raises(AddressError):
        await bond_pool.replace_members(baker.payer, baker.baker_id, no_address, actor="a")
    text = f"address,amount,adm_charge,is_manager\n{BOB},x,0,yes\n"
    with pytest.raises(InputError, match="the members, line 2"):
        await bond_pool.import_members(baker.payer, baker.baker_id, text, actor="a")

    (kept,) = await bond_pool.list_members(baker.payer.ledger, baker.baker_id)
    assert kept.member == manager
