"""Where a baker's income goes: shares changed in rows, imported, exported; contradictions told."""

import pytest

from bakehouse.ledger import bakers, payout_rules
from bakehouse.rewards.money import BasisPoints
from bakehouse.rewards.payout_rules import ExcludedShare, IncomeShare
from tests.web.forms.conftest import Bakery, followed, sent, shown
from tests.web.html_page import Page
from tests.web.scenes import address

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANN, BOB = sorted((address(1), address(2)))
SHARES = (
    IncomeShare(ANN, of_bonds=BasisPoints(2_500), of_excluded=BasisPoints(10_000)),
    IncomeShare(BOB, of_fees=BasisPoints(1_250)),
)


async def income_of(bakery: Bakery, baker_id: str) -> tuple[IncomeShare, ...]:
    async with bakery.house.workshop.payer.ledger.read() as tx:
        return await payout_rules.income(tx, baker_id)


async def with_income(bakery: Bakery) -> str:
    baker_id = await bakery.register()
    async with bakery.write() as tx:
        baker = await bakers.get(tx, baker_id)
        await payout_rules.replace_income(tx, baker, SHARES, actor="test", at=bakery.now)
        named = {"excluded_share": ExcludedShare.NAMED}
        await bakers.change(tx, baker_id, named, actor="test", at=bakery.now)
    return baker_id


def entered(page: Page) -> dict[str, str]:
    """The rows as a browser would send them."""
    parts = ("address-", "of_bonds-", "of_fees-", "of_excluded-")
    return {
        name: value
        for name, value in page.entries.items()
        if name in {"rows", "seen"} or name.startswith(parts)
    }


async def test_shares_are_shown_with_what_is_left(bakery: Bakery) -> None:
    baker_id = await with_income(bakery)

    page = await shown(bakery.viewer, f"/bakers/{baker_id}/income")

    assert f"{ANN} 25 % 0 % 100 %" in page.text
    assert "Left 75 % 87.5 % 0 %" in page.text
    assert "Change shares" not in page.text
    assert "the last column has no effect" not in page.text


async def test_shares_are_changed_added_and_taken_out_in_rows(bakery: Bakery) -> None:
    baker_id = await with_income(bakery)
    path = f"/bakers/{baker_id}/income"
    rows = entered(await shown(bakery.administrator, path))
    change = {"address-1": "", "of_bonds-0": "30", "address-2": address(7), "of_fees-2": "0.25"}

    page = await followed(bakery.administrator, path, rows | change)

    assert "The shares of the income are changed." in page.text
    assert {each.address: each for each in await income_of(bakery, baker_id)} == {
        ANN: IncomeShare(ANN, of_bonds=BasisPoints(3_000), of_excluded=BasisPoints(10_000)),
        address(7): IncomeShare(address(7), of_fees=BasisPoints(25)),
    }
    newest, _ = await bakery.events("income_shares.replaced", baker_id)
    assert newest.actor == "user:anna"


@pytest.mark.parametrize(
    ("change", "wrong", "told"),
    [
        ({"address-1": "tz1x"}, "address-1", "not a valid Tezos address"),
        ({"of_fees-1": "101"}, "of_fees-1", "not a percentage"),
        ({"of_bonds-1": "80"}, "of_bonds-1", "100 % at most together"),
        ({"address-1": ANN}, "address-1", "twice"),
        ({"address-1": "{wallet}"}, "address-1", "the wallet that pays"),
        ({"of_excluded-0": "50"}, "", "do not add up to 100 %"),
        ({"of_fees-1": "0"}, "", "has no share of anything"),
        ({"seen": "stale"}, "", "Somebody else has changed the shares"),
    ],
)
async def test_shares_that_cannot_be_are_told_and_nothing_is_changed(
    bakery: Bakery, change: dict[str, str], wrong: str, told: str
) -> None:
    baker_id = await with_income(bakery)
    path = f"/bakers/{baker_id}/income"
    wallet = (await bakery.baker(baker_id)).payout_address
    rows = entered(await shown(bakery.administrator, path))
    other = {name: text.format(wallet=wallet) for name, text in change.items()}

    page = await sent(bakery.administrator, path, rows | other, 422)

    errors = [each for each in page.values("id", "p") if each.endswith("-error")]
    assert errors == ([f"{wrong}-error"] if wrong else [])
    assert told in page.text
    assert await income_of(bakery, baker_id) == SHARES


async def test_shares_are_imported_and_what_is_exported_can_be(bakery: Bakery) -> None:
    baker_id, other = await with_income(bakery), await bakery.register()
    file = await bakery.viewer.get(f"/bakers/{baker_id}/income.csv")

    form = {"pasted": file.text}
    await followed(bakery.administrator, f"/bakers/{other}/income/import", form)
    assert await income_of(bakery, other) == SHARES

    wrong = {"pasted": f"address,of_fees\n{ANN},101\n"}
    page = await sent(bakery.administrator, f"/bakers/{other}/income/import", wrong, 422)
    assert "pasted-error" in page.values("id", "p")
    assert "line 2" in page.text
    assert await income_of(bakery, other) == SHARES
