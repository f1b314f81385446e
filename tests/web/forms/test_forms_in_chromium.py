"""Every button pressed once in a real browser, on the running system; and how the pages read."""

import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import FilePayload, Page, expect

from bakehouse.ledger.states import Mode
from tests.chromium import Look, launched, leave_one_of_each, violations
from tests.fault_scale import some_of
from tests.web.forms.conftest import Bakery
from tests.web.forms.test_announcements import unsure
from tests.web.forms.test_deductions_page import agreed
from tests.web.forms.test_hooks import vetoed
from tests.web.forms.test_transfers_page import enter, fail, sign
from tests.web.forms.waiting_things import WaitingThings
from tests.web.people import PASSWORD
from tests.web.scenes import address

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    # Ten seconds on a machine of one's own; a crowded one may take its time.
    pytest.mark.timeout(300),
]

WIDTHS: Final = (390, 1_280)
LOOKS: Final[tuple[Look, ...]] = ("light", "dark")
#: In the frame of every page.
_FRAME: Final = re.compile(r"Look: .*|Sign out")


@dataclass
class Person:
    """Somebody at a browser, who remembers which buttons there were and which were pressed."""

    url: str
    page: Page
    seen: set[str] = field(default_factory=set)
    pressed: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        await self.page.goto(f"{self.url}{path}")
        await self._look_around()

    async def follow(self, name: str) -> None:
        await self.page.get_by_role("link", name=name, exact=True).first.click()
        await self._look_around()

    async def fill(self, label: str, text: str, among: str = "main") -> None:
        await self.page.locator(among).get_by_label(label, exact=True).first.fill(text)

    async def tick(self, value: str) -> None:
        await self.page.locator(f"input[value='{value}']").check()

    async def press(self, name: str, then: str, among: str = "main") -> None:
        """Press a button; the next page says `then`."""
        await self.page.locator(among).get_by_role("button", name=name, exact=True).first.click()
        self.pressed.add(name)
        await expect(self.page.locator("main")).to_contain_text(then)
        await self._look_around()

    async def _look_around(self) -> None:
        buttons = await self.page.get_by_role("button").all_inner_texts()
        self.seen |= {each for each in buttons if each and not _FRAME.search(each)}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def person(bakery: Bakery) -> AsyncIterator[Person]:
    name, _, secret = bakery.administrator.headers["cookie"].partition("=")
    async with launched() as browser:
        context = await browser.new_context()
        url = bakery.house.url
        await context.add_cookies([{"name": name, "value": secret, "url": url}])
        someone = Person(url, await context.new_page())
        context.on(
            "console",
            lambda said: someone.complaints.append(said.text) if said.type == "error" else None,
        )
        yield someone


async def register(person: Person, baker_id: str) -> None:
    await person.open("/bakers/new")
    await person.fill("Address of the baker", baker_id)
    await person.fill("Alias", "Chromium")
    await person.press("Register", "The baker is registered.")


async def change_settings(person: Person, baker_id: str) -> None:
    await person.open(f"/bakers/{baker_id}/settings")
    await person.fill("Fee", "9.95")
    await person.press("Change settings", "The settings are changed")
    await person.follow("Go live…")
    await person.fill("Type the baker's alias or address", "Chromium")
    await person.fill("Your password again", PASSWORD)
    await person.press("Go live", "The baker is live")
    await person.press("Simulate only, from now on", "The baker simulates")


async def change_fees(person: Person, baker_id: str) -> None:
    await person.open(f"/bakers/{baker_id}/fees")
    await person.fill("Delegator", address(1))
    await person.fill("Fee", "4.5")
    await person.press("Set the fee", "The fee is set.")
    lines = f"{address(2)},3\n{address(3)},2\n".encode()
    file: FilePayload = {"name": "fees.csv", "mimeType": "text/csv", "buffer": lines}
    await person.page.get_by_label("Or choose a file").set_input_files(file)
    await person.press("Import", "The fees are imported.")
    await person.fill("Find an address", address(3)[20:])
    await person.press("Find", address(3))
    await person.follow(f"Remove the fee of {address(3)}")
    await person.press("Remove the fee", "The fee is removed")


async def change_rules(person: Person, baker_id: str) -> None:
    await person.open(f"/bakers/{baker_id}/rules")
    await person.fill("Delegator", address(1))
    await person.fill("Pay to another address", address(6))
    await person.page.get_by_label("Lists").select_option("allowed")
    await person.press("Set the rule", f"paid to {address(6)}; on the allow-list")
    await person.fill("Paste them", f"address,listing\n{address(2)},ignored")
    await person.press("Import", "The rules are imported.")
    await person.follow(f"Remove the rule of {address(2)}")
    await person.press("Remove the rule", "The rule is removed")


async def change_income(person: Person, baker_id: str) -> None:
    await person.open(f"/bakers/{baker_id}/income")
    await person.fill("Address", address(1))
    await person.fill("Of fees", "12.5")
    await person.press("Change shares", "The shares of the income are changed.")


async def change_bond_pool(person: Person, baker_id: str) -> None:
    await person.open(f"/bakers/{baker_id}/bond-pool")
    await person.fill("Address", address(1))
    await person.fill("Bond", "1000")
    await person.page.get_by_label("Manager").first.check()
    await person.press("Change members", "The bond pool is changed.")
    lines = f"address,amount,adm_charge,is_manager\n{address(4)},5,0,yes\n{address(5)},2.5,3,no"
    await person.fill("Paste them", lines)
    await person.press("Import", "66.67 %")


async def order_transfers(person: Person, baker_id: str) -> None:
    await person.open(f"/bakers/{baker_id}/transfers")
    await person.press("Reveal the key", "the key is revealed")
    await person.follow("Take it back…")
    await person.fill("Why", "not now")
    await person.press("Take it back", "Given up")
    await person.follow("Give it again…")
    await person.fill("Why", "now")
    await person.fill("Your password again", PASSWORD)
    await person.press("Give it again", "Ordered")
    await person.follow("New transfer…")
    await person.fill("To", address(8))
    await person.fill("Amount", "2.5")
    await person.fill("Why", "the rent")
    await person.press("Next: look at it once more", "Compare the address letter by letter")
    await person.fill("Your password again", PASSWORD)
    await person.press("Send 2.500000 tez", "Ordered")


async def agree_on_deductions(person: Person, baker_id: str) -> None:
    await person.open(f"/bakers/{baker_id}/deductions")
    await person.follow("New deduction…")
    await person.fill("From", address(9))
    await person.fill("Amount", "1")
    await person.fill("Who agreed to it, and how", "they did, by mail")
    await person.fill("Why", "paid twice")
    await person.press("Enter the deduction", "1.000000 left")
    await person.follow("Waive what is left…")
    await person.fill("Why", "forgiven")
    await person.press("Waive what is left", "Waived")


async def simulate(person: Person, bakery: Bakery) -> None:
    await person.open(f"/bakers/{bakery.stone_oven}/simulation")
    await person.fill("What if the fee were", "5")
    await person.press("Work it out", "what if: 5 %")
    await person.fill("Find an address", "tz1")
    await person.press("Find", "Recipients")
    await person.press("Keep this simulation", "Kept on the server")


async def change_schedules(person: Person, baker_id: str) -> None:
    await person.open("/schedules")
    card = f"section[aria-labelledby='{baker_id}']"
    await person.press("Look for finished cycles now", "being looked at now", card)
    await person.press("Read the wallet now", "being read now", card)
    await person.fill("Look for finished cycles every", "15", card)
    await person.press("Change frequency", "The frequency is changed", card)
    await person.press("Make them anew", "The schedules run", card)
    await person.page.locator(card).get_by_role("link", name="Remove…").click()
    await person.press("Remove the schedules", "The schedules are removed")
    await person.press("Make the schedules", "The schedules run", card)


async def decide(person: Person, bakery: Bakery) -> None:
    things = WaitingThings(bakery, await bakery.register(mode=Mode.ON, alias="Waits"))
    failed, (first, second, _) = await things.fail(1_500), await things.hold(1_501)
    doomed, dead = await things.quarantine(1_502, 81), None
    for item, decision, section, then in (
        (failed, "Retry", "failed", "Taken up again."),
        (first, "Release: pay them", "held", "Released"),
        (second, "Drop: never pay…", "held", "Drop held payouts"),
        (dead, "Drop: never pay them", "", "Dropped"),
        (doomed, "Cancel: take its counters", "operations", "cancellation is asked for"),
        (doomed, "Declare dead…", "operations", "Declare an operation dead"),
        (dead, "Declare dead", "", "Declared dead"),
    ):
        form = f"form[action='/waiting/{section}']" if section else "main form"
        if item is not None:
            await person.open("/waiting")
            await person.tick(item)
            await person.fill("Why", "seen on the chain", form)
        await person.press(decision, then, form)
    alert = await things.alert()
    await person.open("/waiting")
    await person.page.locator(f"#alert-{alert}").check()
    await person.press("Acknowledge", "seen by user:anna")
    await person.open(f"/bakers/{things.baker_id}/go/1501")
    await person.fill("Why", "the sums are right")
    await person.press("Let it go", "The cycle may go")
    await person.open(f"/bakers/{things.baker_id}/settings")
    await person.follow("Stop paying…")
    await person.fill("Why", "the key leaked")
    await person.press("Stop paying", "Paying is stopped")
    await person.press("Start again in simulation", "The baker simulates")


async def read_audit(person: Person, baker_id: str) -> None:
    await person.open("/audit")
    await person.fill("Who", "anna")
    await person.page.get_by_label("Baker", exact=True).select_option(baker_id)
    await person.press("Show", "fees.changed")
    await person.follow("Does the chain of hashes verify?")
    await expect(person.page.locator("main")).to_contain_text("The chain of hashes verifies")


async def test_every_button_does_what_it_says(bakery: Bakery, person: Person) -> None:
    baker_id = address(4_100)
    person.seen.clear()

    await register(person, baker_id)
    await change_settings(person, baker_id)
    await change_fees(person, baker_id)
    await change_rules(person, baker_id)
    await change_income(person, baker_id)
    await change_bond_pool(person, baker_id)
    await order_transfers(person, baker_id)
    await agree_on_deductions(person, baker_id)
    await simulate(person, bakery)
    await change_schedules(person, baker_id)
    await decide(person, bakery)
    await read_audit(person, baker_id)

    assert person.seen - person.pressed == set()
    assert person.complaints == []


async def test_every_page_reads_well_on_phone_and_desk_by_day_and_by_night(
    bakery: Bakery, person: Person
) -> None:
    things = WaitingThings(bakery, await bakery.register(mode=Mode.ON, alias="Waits on"))
    await vetoed(bakery, things.baker_id)
    await unsure(bakery, things.baker_id, "a channel with a name of some length", cycle=1_513)
    await things.fail(1_510)
    await things.hold(1_511)
    await things.quarantine(1_512, counter=82)
    await things.alert()
    await agreed(bakery, things.baker_id)
    await sign(bakery, await enter(bakery, things.baker_id, key="rent"))
    refused = await enter(bakery, things.baker_id)
    await fail(bakery, refused)
    waiting, stone_oven = f"/bakers/{things.baker_id}", f"/bakers/{bakery.stone_oven}"
    pages = {
        "simulation": f"{stone_oven}/simulation?fee=5",
        "settings": f"{stone_oven}/settings",
        "live": f"{stone_oven}/live",
        "fees": f"{stone_oven}/fees",
        "rules": f"{stone_oven}/rules",
        "income": f"{stone_oven}/income",
        "bond-pool": f"{stone_oven}/bond-pool",
        "transfers": f"{waiting}/transfers",
        "transfer-new": f"{waiting}/transfers/new?to={address(1)}",
        "transfer-again": f"{waiting}/transfers/{refused.id}/again",
        "deductions": f"{waiting}/deductions",
        "deduction-new": f"{waiting}/deductions/new",
        "announcements": f"{waiting}/announcements",
        "hooks": f"{waiting}/hooks",
        "cycle-with-hooks": f"{waiting}/cycles/1336",
        "stop": f"{waiting}/stop",
        "go": f"{waiting}/go/1511",
        "new": "/bakers/new",
        "waiting": "/waiting",
        "schedules": "/schedules",
        "remove": f"/schedules/{bakery.stone_oven}/remove",
        "audit": "/audit?verify=yes",
    }
    for number, (name, path) in enumerate(pages.items()):
        # In the smallest size by turns.
        for scheme in some_of(LOOKS if number % 2 else LOOKS[::-1]):
            await person.page.emulate_media(color_scheme=scheme)
            await person.open(path)
            for width in WIDTHS:
                await person.page.set_viewport_size({"width": width, "height": 900})
                wanted = await person.page.evaluate("document.documentElement.scrollWidth")
                assert wanted <= width, f"{name} is {wanted} wide on a screen of {width}"
                await take_picture(person.page, f"{name}-{width}-{scheme}")
            await leave_one_of_each(person.page)
            assert await violations(person.page) == [], f"{name}, {scheme}"


async def take_picture(page: Page, name: str) -> None:
    """Keep how a page looks, for people to judge, where they asked for it."""
    folder = os.environ.get("BAKEHOUSE_SCREENSHOTS")
    if folder:
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
