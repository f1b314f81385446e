"""The board in a real browser, as a person uses it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, expect

from bakehouse.jobs.job_types import JobState, QueueName
from bakehouse.ledger import api_tokens
from bakehouse.ledger.roles import Grant, Role
from tests.board.conftest import MONITORING, PAYING, REASON, Board, eventually
from tests.chromium import Look, launched, violations
from tests.fault_scale import some_of
from tests.web.conftest import BAKER, NOW

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    # A browser beside others on a small machine takes its time.
    pytest.mark.timeout(180),
]

DESK: Final[ViewportSize] = {"width": 1280, "height": 900}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
FIRST_QUEUES: Final = [name.value for name in QueueName]


@dataclass
class Visit:
    """A page of the board, and what the browser complained of meanwhile."""

    board: Board
    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    async def go(self, path: str = "") -> None:
        await self.page.goto(f"{self.board.house.url}/admin/queues{path}")

    async def confirm(self) -> None:
        await self.page.get_by_role("button", name="Confirm").click()

    async def press(self, icon: str) -> None:
        """Press the button of the job shown that has an icon."""
        await self.page.locator(f"[class^='jobActions-'] button:has(.lucide-{icon})").click()

    async def choose(self, item: str) -> None:
        """Choose from the menu of the queue shown."""
        await self.page.locator(
            "main button[class*='trigger-']:has(.lucide-ellipsis-vertical)"
        ).click()
        await self.page.get_by_role("menuitem", name=item, exact=True).click()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    expect.set_options(timeout=20_000)
    async with launched() as started:
        yield started


@asynccontextmanager
async def visiting(
    browser: Browser, board: Board, size: ViewportSize = DESK, headers: dict[str, str] | None = None
) -> AsyncIterator[Visit]:
    """Use the board; afterwards nothing was complained of, and nobody else was asked."""
    context = await browser.new_context(
        viewport=size, extra_http_headers=headers or {}, locale="en-US"
    )
    visit = Visit(board, await context.new_page())
    visit.page.set_default_timeout(15_000)
    visit.page.on(
        "console",
        lambda said: visit.complaints.append(said.text) if said.type == "error" else None,
    )
    visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    visit.page.on("request", lambda request: visit.asked.add(request.url))
    yield visit
    await context.close()
    assert visit.complaints == []
    assert {url for url in visit.asked if not url.startswith(board.house.url)} == set()


async def test_the_queues_are_seen_and_searched(browser: Browser, board: Board) -> None:
    await board.fail(2)
    async with visiting(browser, board) as visit:
        await visit.go()
        cards = visit.page.locator("main a[class^='link-']")

        await expect(cards).to_have_text(sorted(FIRST_QUEUES))
        await expect(visit.page).to_have_title("Queues · Bakehouse")
        await expect(visit.page.get_by_text("Demo: no real money")).to_be_visible()
        await visit.page.get_by_placeholder("Filter queues").fill("bond")
        await expect(cards).to_have_text(["bond-pool"])


async def test_a_failed_job_is_found_understood_and_retried(browser: Browser, board: Board) -> None:
    [job] = await board.fail()
    before = (await board.get(f"/queues/{PAYING}/{job.id}"))["job"]["finishedOn"]
    async with visiting(browser, board) as visit:
        await visit.go(f"/queue/{PAYING}")
        await visit.page.get_by_role("link", name="FAILED").click()
        await visit.page.get_by_role("link", name=job.id).click()

        await expect(visit.page).to_have_url(re.compile(rf"/queue/{PAYING}/{job.id}"))
        await expect(visit.page.get_by_text("Traceback (most recent call last)")).to_be_visible()
        await expect(visit.page.get_by_text(f"RuntimeError: {REASON}").first).to_be_visible()
        await visit.page.get_by_role("tab", name="Logs").click()
        await expect(visit.page.get_by_text("has its answer")).to_be_visible()
        await expect(visit.page.get_by_text("24%")).to_be_visible()
        await visit.press("refresh-cw")
        await visit.confirm()

        async def ran_again() -> bool:
            shown = await board.get(f"/queues/{PAYING}/{job.id}")
            return bool(shown["status"] == "failed" and (shown["job"]["finishedOn"] or 0) > before)

        await eventually(ran_again)


async def test_a_queue_is_paused_and_resumed_by_its_menu(browser: Browser, board: Board) -> None:
    engine = board.house.workshop.engine
    async with visiting(browser, board) as visit:
        await visit.go(f"/queue/{MONITORING}")
        await visit.choose("Pause")
        await visit.confirm()
        await eventually(lambda: engine.is_paused(MONITORING))

        await visit.choose("Resume")
        await visit.confirm()

        async def is_resumed() -> bool:
            return not await engine.is_paused(MONITORING)

        await eventually(is_resumed)


async def test_schedules_are_seen_and_run_and_cannot_be_changed_here(
    browser: Browser, board: Board
) -> None:
    await board.house.scheduler.initialize_schedules(BAKER)
    async with visiting(browser, board) as visit:
        await visit.go("/job-schedulers")
        row = visit.page.get_by_role("row").filter(has_text=f"cycle-monitor-{BAKER}")

        await expect(row.get_by_text("every 10m")).to_be_visible()
        await expect(row.get_by_label("Edit schedule")).to_be_hidden()
        await expect(row.get_by_label("Remove scheduler")).to_be_hidden()
        await row.get_by_label("Run now").click()
        await visit.confirm()

        async def is_added() -> bool:
            names = [job["name"] for job in (await board.queue(MONITORING))["jobs"]]
            # The next run, the one that initializing adds, and the one just asked for.
            return names == ["check-cycle"] * 3

        await eventually(is_added)


async def test_a_job_is_added_like_another_by_the_form(browser: Browser, board: Board) -> None:
    await board.add(MONITORING, delay_seconds=1000)
    async with visiting(browser, board) as visit:
        await visit.go(f"/queue/{MONITORING}?status=delayed")
        await visit.press("files")
        await expect(visit.page.locator(".cm-content").first).to_contain_text(BAKER)
        button = visit.page.get_by_role("button", name="Duplicate", exact=True)

        async def is_added() -> bool:
            # Until the form has looked through what is to be sent, its button does nothing.
            await button.evaluate_all("buttons => buttons.forEach(button => button.click())")
            return len((await board.queue(MONITORING))["jobs"]) > 1

        await eventually(is_added)
        for job in (await board.queue(MONITORING))["jobs"]:
            assert (job["name"], job["data"]) == ("check-cycle", {"baker_id": BAKER})


async def test_the_form_for_a_job_begins_with_what_the_queue_is_told(
    browser: Browser, board: Board
) -> None:
    async with visiting(browser, board) as visit:
        await visit.go(f"/queue/{PAYING}")
        await visit.choose("Add job")

        for name in ("network", "baker_id", "cycle", "kind", "mode"):
            await expect(visit.page.locator(".cm-content").first).to_contain_text(name)


async def test_what_bakehouse_does_not_do_is_not_offered(browser: Browser, board: Board) -> None:
    await board.fail()
    async with visiting(browser, board) as visit:
        await visit.go(f"/queue/{PAYING}?status=failed")
        actions = visit.page.locator("[class^='jobActions-'] button")

        await expect(actions.locator(".lucide-refresh-cw")).to_be_visible()
        await expect(actions.locator(".lucide-pencil")).to_be_hidden()
        await expect(visit.page.locator("a[href^='http']:visible")).to_have_count(0)
        await visit.page.locator("main button:has(.lucide-ellipsis-vertical)").click()
        await expect(visit.page.get_by_role("menuitem", name="Empty")).to_be_visible()
        await expect(visit.page.get_by_role("menuitem", name="Obliterate")).to_be_hidden()


async def test_a_viewer_sees_jobs_and_no_buttons(browser: Browser, board: Board) -> None:
    [job] = await board.fail()
    async with board.house.workshop.payer.ledger.write() as tx:
        token = await api_tokens.add(tx, "looks", Grant(Role.VIEWER), actor="test", at=NOW)
    headers = {"Authorization": f"Bearer {token}"}
    async with visiting(browser, board, headers=headers) as visit:
        await visit.go(f"/queue/{PAYING}?status=failed")

        await expect(visit.page.get_by_text(job.id)).to_be_visible()
        await expect(visit.page.get_by_text("Traceback (most recent call last)")).to_be_visible()
        await expect(visit.page.locator("[class^='jobActions-'] button")).to_have_count(0)
        await expect(visit.page.get_by_text("Retry all")).to_have_count(0)
        await expect(
            visit.page.locator("main button:has(.lucide-ellipsis-vertical)")
        ).to_have_count(0)


async def test_every_view_fits_a_phone(browser: Browser, board: Board) -> None:
    [job] = await board.fail()
    await board.house.scheduler.initialize_schedules(BAKER)
    await board.reaches(PAYING, job, JobState.FAILED)
    async with visiting(browser, board, PHONE) as visit:
        for path, shown in (
            ("", PAYING.value),
            (f"/queue/{PAYING}?status=failed", job.id),
            (f"/queue/{PAYING}/{job.id}?status=failed", "Traceback"),
            ("/job-schedulers", "cycle-monitor"),
        ):
            await visit.go(path)
            await expect(visit.page.get_by_text(shown).last).to_be_visible()
            width = await visit.page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE["width"]


@pytest.mark.parametrize("scheme", some_of(["light", "dark"]))
async def test_no_view_is_hard_to_read_or_hear(
    browser: Browser, board: Board, scheme: Look
) -> None:
    [job] = await board.fail()
    await board.house.scheduler.initialize_schedules(BAKER)
    # axe brings a script of its own, which the policy would refuse.
    context = await browser.new_context(viewport=DESK, bypass_csp=True, color_scheme=scheme)
    page = await context.new_page()
    grave = []
    for path, shown in (
        ("", "bond-pool"),
        (f"/queue/{PAYING}/{job.id}?status=failed", REASON),
        ("/job-schedulers", "every 10m"),
    ):
        await page.goto(f"{board.house.url}/admin/queues{path}")
        await expect(page.locator("main").get_by_text(shown).first).to_be_visible()
        grave += [(path, each) for each in await violations(page)]
    await context.close()
    assert grave == []
