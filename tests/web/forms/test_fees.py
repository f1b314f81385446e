"""Fees of single delegators: found, set, removed, imported, exported; and what changed."""

import json

import pytest

from bakehouse.ledger import bakers, payout_rules
from bakehouse.rewards.money import BasisPoints
from tests.web.forms.conftest import Bakery, followed, sent, shown
from tests.web.scenes import address

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOMEBODY, ELSE = address(1), address(2)


async def fees_of(bakery: Bakery, baker_id: str) -> dict[str, BasisPoints]:
    async with bakery.house.workshop.payer.ledger.read() as tx:
        return await payout_rules.fees(tx, baker_id)


async def with_fees(bakery: Bakery, count: int = 2) -> str:
    """A baker whose delegators have fees of 1 %, 2 % and so on."""
    baker_id = await bakery.register()
    lines = "\n".join(f"{address(number)},{number}" for number in range(1, count + 1))
    await followed(bakery.administrator, f"/bakers/{baker_id}/fees/import", {"pasted": lines})
    return baker_id


async def test_a_fee_is_set_and_removed_and_both_are_told(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    path = f"/bakers/{baker_id}/fees"

    page = await followed(bakery.administrator, path, {"address": SOMEBODY, "fee": "2.5"})
    assert "The fee is set." in page.text
    assert f"{SOMEBODY} 2.5 %" in page.text
    assert await fees_of(bakery, baker_id) == {SOMEBODY: 250}

    asked = await shown(bakery.administrator, f"{path}/remove?address={SOMEBODY}")
    assert "default fee of 10 %" in asked.text
    page = await followed(bakery.administrator, f"{path}/remove", {"address": SOMEBODY})
    assert "The fee is removed" in page.text
    assert await fees_of(bakery, baker_id) == {}
    assert "user:anna: 1 removed" in page.text
    assert f"{SOMEBODY} default → 2.5 %" in page.text
    assert f"{SOMEBODY} 2.5 % → default" in page.text


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        ({"address": "tz1nobody", "fee": "5"}, {"address"}),
        ({"address": SOMEBODY, "fee": "100.5"}, {"fee"}),
        ({}, {"address", "fee"}),
    ],
)
async def test_a_wrong_fee_is_refused_beside_its_field(
    bakery: Bakery, form: dict[str, str], wrong: set[str]
) -> None:
    baker_id = await bakery.register()

    page = await sent(bakery.administrator, f"/bakers/{baker_id}/fees", form, 422)

    assert {f"{name}-error" for name in wrong} <= set(page.values("id", "p"))
    assert page.entries["address"] == form.get("address", "")
    assert await fees_of(bakery, baker_id) == {}


async def test_removing_what_is_not_there_is_told(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    form = {"address": SOMEBODY}
    page = await sent(bakery.administrator, f"/bakers/{baker_id}/fees/remove", form, 404)
    assert "has no fee of its own" in page.text


async def test_an_import_leaves_the_others_unless_all_are_replaced(bakery: Bakery) -> None:
    baker_id = await with_fees(bakery)
    path = f"/bakers/{baker_id}/fees/import"

    await followed(bakery.administrator, path, {"pasted": json.dumps({ELSE: "7"})})
    assert await fees_of(bakery, baker_id) == {SOMEBODY: 100, ELSE: 700}

    form = {"pasted": f"{ELSE},8", "replace": "yes"}
    page = await followed(bakery.administrator, path, form)
    assert await fees_of(bakery, baker_id) == {ELSE: 800}
    assert "all replaced: 1 have a fee of their own" in page.text


async def test_a_file_is_imported_however_large_and_one_wrong_line_refuses_it(
    bakery: Bakery,
) -> None:
    baker_id = await bakery.register()
    path = f"/bakers/{baker_id}/fees/import"
    lines = [f"{address(number)},{number % 100}.25" for number in range(3_000)]
    file = ("fees.csv", "\n".join(["\ufeffaddress,percent", *lines]))
    assert len(file[1]) > 64 * 1024

    done = await bakery.administrator.post(path, data={"pasted": ""}, files={"file": file})
    assert done.status_code == 303
    assert len(await fees_of(bakery, baker_id)) == 3_000

    file = ("fees.csv", "\n".join([*lines, f"{SOMEBODY},120"]))
    refused = await bakery.administrator.post(path, data={"pasted": ""}, files={"file": file})
    assert refused.status_code == 422
    assert "line 3001" in refused.text


@pytest.mark.parametrize("form", [{}, {"pasted": " "}, {"pasted": "[1]"}, {"pasted": "tz1x,5"}])
async def test_what_cannot_be_imported_is_told(bakery: Bakery, form: dict[str, str]) -> None:
    baker_id = await with_fees(bakery)

    page = await sent(bakery.administrator, f"/bakers/{baker_id}/fees/import", form, 422)

    assert "pasted-error" in page.values("id", "p")
    assert len(await fees_of(bakery, baker_id)) == 2


@pytest.mark.parametrize(
    "body", [b"--x\r\n\r\nnothing", b"", b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--"]
)
async def test_a_form_with_files_that_is_none_is_refused(bakery: Bakery, body: bytes) -> None:
    baker_id = await bakery.register()
    headers = {"content-type": "multipart/form-data; boundary=x"}
    path = f"/bakers/{baker_id}/fees/import"
    answer = await bakery.administrator.post(path, content=body, headers=headers)
    assert answer.status_code == 422


async def test_fees_are_found_by_part_of_an_address_a_page_at_a_time(bakery: Bakery) -> None:
    baker_id = await with_fees(bakery, 99)
    async with bakery.write() as tx:
        fees = {address(number): BasisPoints(number) for number in range(150)}
        await bakers.replace_fees(tx, baker_id, fees, actor="test", at=bakery.now)
    path = f"/bakers/{baker_id}/fees"

    first = await shown(bakery.viewer, path)
    second = await shown(bakery.viewer, f"{path}?offset=100")
    one = await shown(bakery.viewer, f"{path}?search={address(77)[20:]}")
    none = await shown(bakery.viewer, f"{path}?search=nobody")

    assert "1 to 100 of 150" in first.text
    assert f"{path}?offset=100#own" in first.values("href", "a")
    assert "101 to 150 of 150" in second.text
    assert address(77) in one.text
    assert "Nobody with a fee of their own has nobody in the address." in none.text
    assert (await bakery.viewer.get(f"{path}?offset=-1")).status_code == 422


async def test_what_is_exported_can_be_imported(bakery: Bakery) -> None:
    baker_id, other = await with_fees(bakery, 5), await bakery.register()

    for name in ("fees.csv", "fees.json"):
        file = await bakery.viewer.get(f"/bakers/{baker_id}/{name}")
        assert name in file.headers["content-disposition"]
        form = {"pasted": file.text, "replace": "yes"}
        await followed(bakery.administrator, f"/bakers/{other}/fees/import", form)
        assert await fees_of(bakery, other) == await fees_of(bakery, baker_id)
    assert (await bakery.viewer.get(f"/bakers/{address(5_000)}/fees.csv")).status_code == 404
