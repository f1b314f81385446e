"""Using the pages as people do: by keyboard, without scripts, while things change, in the dark."""

import csv
import io
from datetime import UTC, datetime
from typing import Final

import pytest
from playwright.async_api import expect

from bakehouse.ledger import alerts
from tests.pages.conftest import PHONE, Reader
from tests.pages.scenery import BUSY, CALM, DELEGATOR, HELD, PAID, PAYING, nets_of

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

CYCLE: Final = f"/bakers/{BUSY}/cycles/{PAID}"


async def test_from_home_to_ones_own_payout_by_keyboard(reader: Reader) -> None:
    async with reader.reading("/?live=off") as page:
        await page.keyboard.press("Tab")
        await expect(page.locator(".skip")).to_be_focused()
        await page.locator(f"#open-{BUSY}").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/bakers/{BUSY}")
        await page.get_by_role("link", name=f"Cycle {PAID}", exact=True).focus()
        await page.keyboard.press("Enter")
        await page.get_by_label("Recipient", exact=True).focus()
        await page.keyboard.type(DELEGATOR)
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("1 payout of this filter")).to_be_visible()
        await page.get_by_role("link", name=DELEGATOR).focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Cycle by cycle")).to_be_visible()


async def test_a_page_shows_what_changed_without_being_loaded_again(reader: Reader) -> None:
    subject = "shown while somebody looks"
    ledger = reader.house.workshop.payer.ledger
    async with reader.reading("/") as page:
        await page.evaluate("window.isTheSame = true")
        async with page.expect_response("**/events"):
            await page.reload()
        await page.evaluate("window.isTheSame = true")
        async with ledger.write() as tx:
            await alerts.raise_alert(
                tx,
                code="source-trouble",
                subject=subject,
                message="the node was away",
                at=datetime.now(UTC),
                baker_id=CALM,
            )
        await expect(page.get_by_text("the node was away")).to_be_visible(timeout=20_000)
        await expect(page.locator("#house-state")).to_contain_text("3 things")
        async with ledger.write() as tx:
            await alerts.close(tx, code="source-trouble", subject=subject, at=datetime.now(UTC))
        await expect(page.get_by_text("the node was away")).to_be_hidden(timeout=20_000)
        assert await page.evaluate("window.isTheSame")


async def test_without_scripts_a_page_loads_itself_again_unless_paused(reader: Reader) -> None:
    async with reader.reading("/", scripts=False) as page:
        assert await page.locator("meta[http-equiv=refresh]").count() == 1
        await page.locator("#pause").click()
        await expect(page.get_by_text("paused")).to_be_visible()
        assert await page.locator("meta[http-equiv=refresh]").count() == 0


async def test_the_look_is_kept_once_chosen(reader: Reader) -> None:
    async with reader.reading(CYCLE, look="light", scripts=False) as page:
        ground = "getComputedStyle(document.body).backgroundColor"
        light = await page.evaluate(ground)
        await page.locator(".theme button").click()
        await expect(page).to_have_url(f"{reader.house.url}{CYCLE}")
        dark = await page.evaluate(ground)
        await page.goto("/")
        assert await page.evaluate(ground) == dark != light
        for _ in range(2):
            await page.locator(".theme button").click()
        assert await page.evaluate(ground) == light


async def test_a_phone_shows_recipient_net_and_state_of_a_payout(reader: Reader) -> None:
    async with reader.reading(f"/bakers/{BUSY}/cycles/{HELD}?state=held", width=PHONE) as page:
        cells = page.locator("table.sticky tbody td:visible")
        assert await cells.count() == 4


async def test_a_filter_is_an_address_and_its_export_has_the_same_rows(reader: Reader) -> None:
    client = reader.house.client
    whole = await client.get(f"{CYCLE}/payouts.csv")
    held = await client.get(f"/bakers/{BUSY}/cycles/{HELD}/payouts.json?state=held")
    bond_pool = await client.get(f"{CYCLE}/payouts.csv?kind=bond_pool&to={DELEGATOR}")
    missing = await client.get(f"/bakers/{BUSY}/cycles/1/payouts.csv")

    rows = list(csv.DictReader(io.StringIO(whole.text)))
    assert {row["owed_to"]: int(row["net"]) for row in rows} == nets_of(PAID, 108)
    assert [row["state"] for row in held.json()] == ["held"]
    assert len(bond_pool.text.splitlines()) == 2
    assert "attachment" in whole.headers["content-disposition"]
    assert missing.status_code == 404


async def test_a_public_page_shows_a_delegator_its_own_payouts_and_nothing_else(
    reader: Reader,
) -> None:
    async with reader.reading(f"/public/{BUSY}", knows=False) as page:
        await page.get_by_label("Your address").fill(DELEGATOR)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("row", name=f"{PAYING}")).to_contain_text("assigned")
        await expect(page.get_by_role("row", name=f"{HELD}").first).not_to_contain_text(
            "would fail"
        )
        assert await page.get_by_role("navigation").count() == 0
        assert "Slow Rye" not in await page.content()
        await page.get_by_label("Your address").fill("tz1-nobody")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("not a valid Tezos address")


@pytest.mark.parametrize("path", [f"/public/{CALM}", f"/public/{DELEGATOR}", "/public/anything"])
async def test_who_did_not_ask_for_a_public_page_has_none(reader: Reader, path: str) -> None:
    answer = await reader.house.stranger.get(path)

    assert answer.status_code == 404
    assert answer.json()["detail"] == "there is no public page at this address"
