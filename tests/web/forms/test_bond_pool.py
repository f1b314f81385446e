"""Bond-pool members: shares that add up, changed in rows, imported, exported."""

import pytest

from bakehouse.ledger import bakers
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import BasisPoints, Mutez
from tests.web.forms.conftest import Bakery, followed, sent, shown
from tests.web.html_page import Page
from tests.web.scenes import address

pytestmark = pytest.mark.asyncio(loop_scope="session")

MANAGER = BondPoolMember(address(1), Mutez(1_000_000), BasisPoints(0), is_manager=True, name="Anna")
LENDERS = [BondPoolMember(address(number), Mutez(1_000_000), BasisPoints(250)) for number in (2, 3)]
MEMBERS = [MANAGER, *LENDERS]


async def pool_of(bakery: Bakery, baker_id: str) -> list[BondPoolMember]:
    async with bakery.house.workshop.payer.ledger.read() as tx:
        return sorted(await bakers.bond_pool(tx, baker_id), key=lambda each: each.address)


async def with_pool(bakery: Bakery) -> str:
    baker_id = await bakery.register()
    async with bakery.write() as tx:
        await bakers.replace_bond_pool(tx, baker_id, MEMBERS, actor="test", at=bakery.now)
    return baker_id


async def rows_of(bakery: Bakery, baker_id: str) -> dict[str, str]:
    """The rows as a browser would send them."""
    page = await shown(bakery.administrator, f"/bakers/{baker_id}/bond-pool")
    return entered(page)


def entered(page: Page) -> dict[str, str]:
    parts = ("address-", "name-", "amount-", "adm_charge-")
    names = {"rows", "seen", "manager"}
    return {
        name: value
        for name, value in page.entries.items()
        if name in names or name.startswith(parts)
    }


async def test_shares_add_up_to_a_hundred_percent(bakery: Bakery) -> None:
    baker_id = await with_pool(bakery)

    page = await shown(bakery.viewer, f"/bakers/{baker_id}/bond-pool")

    assert sorted(page.values("value", "meter")) == ["3333", "3333", "3334"]
    assert "Together 3.000000 100 %" in page.text
    assert page.text.count("manager") == 2  # the badge, and the sentence above


async def test_members_are_changed_added_and_taken_out_in_rows(bakery: Bakery) -> None:
    baker_id = await with_pool(bakery)
    rows = await rows_of(bakery, baker_id)
    row = next(name for name, value in rows.items() if value == address(2)).removeprefix("address-")
    spare = str(len(MEMBERS))
    rows |= {f"address-{row}": "", f"address-{spare}": address(9), f"amount-{spare}": "2.5"}

    page = await followed(bakery.administrator, f"/bakers/{baker_id}/bond-pool", rows)

    assert "The bond pool is changed." in page.text
    added = BondPoolMember(address(9), Mutez(2_500_000), BasisPoints(0))
    expected = sorted([MANAGER, LENDERS[1], added], key=lambda each: each.address)
    assert await pool_of(bakery, baker_id) == expected
    (event, _) = await bakery.events("bond_pool.replaced", baker_id)
    assert event.actor == "user:anna"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"address-0": "tz1x"}, "not a valid Tezos address"),
        ({"amount-0": "1,5"}, "not an amount of tez"),
        ({"amount-0": "0"}, "must be more than 0 mutez"),
        ({"adm_charge-0": "101"}, "not a percentage"),
        ({"manager": "4"}, "exactly one manager"),
        ({"address-3": address(1), "amount-3": "1"}, "twice in the bond pool"),
        ({"seen": "stale"}, "Somebody else has changed the members"),
        ({"rows": "1000000"}, "not a whole number"),
    ],
)
async def test_members_that_cannot_be_are_refused(
    bakery: Bakery, change: dict[str, str], complaint: str
) -> None:
    baker_id = await with_pool(bakery)
    rows = await rows_of(bakery, baker_id) | change

    answer = await bakery.administrator.post(f"/bakers/{baker_id}/bond-pool", data=rows)

    assert answer.status_code == 422
    page = Page(answer.text)
    assert complaint in page.text or complaint == "not a whole number"
    assert page.tags["form"] > 1
    assert len(await pool_of(bakery, baker_id)) == 3


async def test_what_is_exported_can_be_imported(bakery: Bakery) -> None:
    baker_id, other = await with_pool(bakery), await bakery.register()

    file = await bakery.viewer.get(f"/bakers/{baker_id}/bond-pool.csv")
    await followed(bakery.administrator, f"/bakers/{other}/bond-pool/import", {"pasted": file.text})

    assert await pool_of(bakery, other) == await pool_of(bakery, baker_id)


async def test_an_import_that_is_wrong_names_the_line_and_changes_nothing(bakery: Bakery) -> None:
    baker_id = await with_pool(bakery)
    text = f"address,amount,adm_charge,is_manager\n{address(5)},1,0,yes\n{address(6)},x,0,no"

    path = f"/bakers/{baker_id}/bond-pool/import"
    page = await sent(bakery.administrator, path, {"pasted": text}, 422)

    assert "line 3" in page.text
    assert len(await pool_of(bakery, baker_id)) == 3
