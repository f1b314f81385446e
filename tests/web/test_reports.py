"""Reports over HTTP: a recipient's own to all if the baker wants it, the rest to its people."""

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from pypdf import PdfReader
from sqlalchemy import update

from bakehouse.ledger.baker_tables import bakers
from bakehouse.ledger.roles import Grant, Role
from bakehouse.payments.tezpay_report import COLUMNS
from tests.web.conftest import BAKER, BROWSER, HOSTILE, STRANGER, House, new_client, serve_house
from tests.web.html_page import Page
from tests.web.people import add_token
from tests.web.scenes import address

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANN, BOB = address(1), address(2)
NETS = {ANN: 2_000_000, BOB: 1_000_000}
PUBLIC = f"/public/{BAKER}/statement"
API = f"/api/bakers/{BAKER}"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def paid_house(
    tmp_path_factory: pytest.TempPathFactory, migrated_file: Path
) -> AsyncIterator[House]:
    """A baker that has paid two people for two cycles, and planned a third one."""
    async with serve_house(tmp_path_factory.mktemp("house"), migrated_file) as house:
        await house.register()
        await house.register(baker_id=STRANGER)
        for counter, cycle in enumerate((1335, 1336), start=1):
            async with house.scene(cycle) as scene:
                await scene.pay(NETS, counter=counter)
        async with house.scene(1337) as scene:
            await scene.plan(NETS)
        yield house


async def make_public(house: House, *, public: bool) -> None:
    async with house.workshop.payer.ledger.write() as tx:
        await tx.execute(update(bakers).values(public_page=public))


async def test_anybody_may_have_a_statement_where_the_baker_is_public(paid_house: House) -> None:
    await make_public(paid_house, public=True)
    stranger = paid_house.stranger

    of_ann = await stranger.get(f"{PUBLIC}.json", params={"address": ANN})
    to_print = await stranger.get(f"{PUBLIC}.pdf", params={"address": ANN, "year": 2026})
    of_nobody = await stranger.get(f"{PUBLIC}.csv", params={"address": address(77)})

    assert [row["amount"] for row in of_ann.json()] == ["2000000", "2000000"]
    assert BOB not in of_ann.text
    assert "reason" not in of_ann.json()[0]
    assert to_print.headers["content-type"] == "application/pdf"
    assert f'filename="statement-{ANN}-2026.pdf"' in to_print.headers["content-disposition"]
    text = PdfReader(io.BytesIO(to_print.content)).pages[0].extract_text()
    assert "4.000000 tez paid" in text
    assert (BOB in text, HOSTILE in text) == (False, True)
    assert of_nobody.text.count("\r\n") == 1
    page = Page((await stranger.get(f"/public/{BAKER}?address={ANN}", headers=BROWSER)).text)
    assert f"{PUBLIC}.pdf?address={ANN}" in page.values("href", "a")


@pytest.mark.parametrize("baker_id", [BAKER, STRANGER, address(88)])
async def test_where_nothing_is_public_there_is_no_statement(
    paid_house: House, baker_id: str
) -> None:
    await make_public(paid_house, public=False)

    path = f"/public/{baker_id}/statement.csv"
    answer = await paid_house.stranger.get(path, params={"address": ANN})

    assert answer.status_code == 404
    assert "2000000" not in answer.text


@pytest.mark.parametrize(
    ("query", "status"),
    [({}, 422), ({"address": "tz1nobody"}, 422), ({"address": ANN, "year": "1"}, 422)],
)
async def test_a_statement_is_of_an_address(
    paid_house: House, query: dict[str, str], status: int
) -> None:
    await make_public(paid_house, public=True)

    assert (await paid_house.stranger.get(f"{PUBLIC}.csv", params=query)).status_code == status


async def test_who_may_see_the_baker_has_all_of_its_reports(paid_house: House) -> None:
    await make_public(paid_house, public=False)
    token = await add_token(paid_house, "viewer", Grant(Role.VIEWER, frozenset({BAKER})))
    other = await add_token(paid_house, "other", Grant(Role.VIEWER, frozenset({STRANGER})))
    paths = [
        f"/bakers/{BAKER}/delegators/{ANN}/statement.csv",
        f"/bakers/{BAKER}/statistics",
        f"{API}/statistics",
        f"{API}/export/statement?address={ANN}&format=pdf",
        f"{API}/export/tezpay",
        f"{API}/export/payouts?format=pdf",
        f"{API}/export/cycles?format=pdf&year=2026",
        f"/bakers/{BAKER}/cycles/1336/payouts.pdf?kind=delegators&mode=on",
    ]

    async def statuses(bearer: str) -> set[int]:
        async with new_client(paid_house.url, {"Authorization": f"Bearer {bearer}"}) as client:
            return {(await client.get(path)).status_code for path in paths}

    assert await statuses(token) == {200}
    assert await statuses(other) == {404}
    assert {(await paid_house.stranger.get(path)).status_code for path in paths} <= {401, 303}


async def test_the_books_by_the_api_are_those_of_the_command_line(paid_house: House) -> None:
    tezpay = await paid_house.client.get(f"{API}/export/tezpay", params={"first_cycle": 1336})
    cycles = await paid_house.client.get(f"{API}/export/cycles", params={"format": "pdf"})

    head, *rows = tezpay.text.splitlines()
    assert head == ",".join(COLUMNS)
    assert len(rows) == len(NETS)
    assert "delegators: 3 rows" in PdfReader(io.BytesIO(cycles.content)).pages[0].extract_text()


async def test_statistics_are_the_same_for_people_and_for_programs(paid_house: House) -> None:
    found = json.loads((await paid_house.client.get(f"{API}/statistics?cycles=2")).text)
    page = await paid_house.page(f"/bakers/{BAKER}/statistics?cycles=2")

    assert [each["cycle"] for each in found["cycles"]] == [1337, 1336]
    assert found["total"]["for_delegators"] == str(2 * sum(NETS.values()))
    assert found["cycles"][1]["transfers"] == len(NETS)
    assert found["total"]["for_delegators"] in page.values("value", "data")
    assert found["cost_per_transfer"] in page.values("value", "data")
    assert "the last 2 cycles" in page.text
    assert page.tags["svg"] == 1
    books = f"{API}/export/cycles?format=pdf&year=2026&mode=on"
    assert books in page.values("href", "a")


async def test_a_baker_without_cycles_has_a_page_all_the_same(paid_house: House) -> None:
    page = await paid_house.page(f"/bakers/{STRANGER}/statistics")

    assert "Nothing to draw before the first plan." in page.text
    assert "Nothing is in the books yet." in page.text
