"""What people see: every page with its title, its landmarks, and nothing that runs."""

import asyncio
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bakehouse.jobs import job_requests
from tests.web.conftest import BAKER, DELEGATORS, HOSTILE, House

CYCLE = f"/bakers/{BAKER}/cycles/1336"


class Page(HTMLParser):
    """Collects what is checked of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(name for name, _ in attrs)


async def test_an_empty_house_says_how_to_begin(house: House) -> None:
    html = (await house.client.get("/")).text
    assert "bakehouse baker add" in html


async def test_home_shows_each_baker_its_cycles_and_what_needs_attention(house: House) -> None:
    await house.register()
    await house.plan_a_cycle()
    await house.scheduler.initialize_schedules(BAKER)
    html = (await house.client.get("/")).text
    assert BAKER in html
    assert "planned" in html
    assert "Needs attention" in html
    assert f"{CYCLE}?kind=delegators" in html


async def test_a_cycle_shows_its_proof_and_its_payouts(house: House) -> None:
    await house.register()
    await house.plan_a_cycle()
    html = (await house.client.get(CYCLE)).text
    for figure in ("0.000100", "0.000011", "0.000007", "0.000002", "0.000120"):
        assert figure in html
    for delegator in DELEGATORS:
        assert delegator in html
    assert "1,000,000,000.000000" in html


async def test_queues_show_jobs_and_schedules(house: House) -> None:
    await house.register()
    await house.scheduler.initialize_schedules(BAKER)
    html = (await house.client.get("/admin/queues")).text
    assert f"cycle-monitor-{BAKER}" in html
    assert "check-cycle" in html
    assert "no worker" in html


@pytest.mark.parametrize("path", ["/", CYCLE, "/admin/queues", "/docs", "/sign-in", "/nothing"])
async def test_every_page_is_whole_and_runs_nothing(house: House, path: str) -> None:
    await house.register()
    await house.plan_a_cycle()
    await house.workshop.engine.add(job_requests.check_cycle(HOSTILE))
    answer = await house.client.get(path, headers={"accept": "text/html"})
    assert answer.headers["content-type"].startswith("text/html")
    assert HOSTILE not in answer.text
    page = Page(answer.text)
    assert page.tags.count("title") == page.tags.count("main") == page.tags.count("h1") == 1
    assert "script" not in page.tags
    assert "style" not in page.tags
    assert not {name for name in page.attributes if name.startswith("on") or name == "style"}


async def test_a_live_page_can_be_paused(house: House) -> None:
    assert 'http-equiv="refresh"' in (await house.client.get("/")).text
    assert 'http-equiv="refresh"' not in (await house.client.get("/?live=off")).text


@pytest.mark.parametrize(
    "path", [f"{CYCLE}7", "/bakers/tz1x/cycles/1", "/bakers/../../etc/passwd", "/static/../app.py"]
)
async def test_what_is_not_there_is_told_to_people_as_a_page(house: House, path: str) -> None:
    await house.register()
    answer = await house.client.get(path, headers={"accept": "text/html"})
    assert answer.status_code in {404, 422}
    assert "<h1>" in answer.text


async def test_every_route_of_the_api_is_documented(house: House) -> None:
    document = (await house.client.get("/openapi.json")).json()
    assert {
        "/api/jobs/trigger/cycle-check",
        "/api/jobs/trigger/balance-poll",
        "/api/jobs/status",
        "/api/jobs/initialize",
        "/api/jobs/remove",
        "/health",
    } <= document["paths"].keys()
    reference = (await house.client.get("/docs")).text
    for path, methods in document["paths"].items():
        assert path in reference
        for route in methods.values():
            assert route["summary"]
            assert route["description"]


async def test_payouts_and_bakers_are_read_as_json_with_exact_amounts(house: House) -> None:
    await house.register()
    await house.plan_a_cycle()
    listed = (await house.client.get("/api/bakers")).json()["bakers"]
    assert [each["baker_id"] for each in listed] == [BAKER]
    one = (await house.client.get(f"/api/bakers/{BAKER}")).json()
    assert one["mode"] == "on"
    (cycle,) = (await house.client.get(f"/api/bakers/{BAKER}/cycles")).json()["cycles"]
    assert (cycle["cycle"], cycle["state"], cycle["pool"]) == (1336, "planned", "120")
    page = await house.client.get(f"/api/bakers/{BAKER}/cycles/1336/payouts?limit=1")
    assert page.json()["payouts"][0]["delegated_balance"] == str(10**15)
    assert page.json()["next_offset"] == 1
    (alert,) = (await house.client.get("/api/alerts")).json()["alerts"]
    assert alert["code"] == "payout-held"


@pytest.mark.browser
async def test_a_real_browser_shows_the_pages_without_a_complaint(
    open_house: House, tmp_path: Path
) -> None:
    chromium = shutil.which("chromium")
    assert chromium, "this test needs Chromium: run requirements/system-packages as root"
    await open_house.register()
    await open_house.plan_a_cycle()
    for path, shown in (
        ("/", "Needs attention"),
        (CYCLE, "add up to the pool"),
        ("/admin/queues", "bond-pool"),
    ):
        seen = await _browse(chromium, open_house.url + path + "?live=off", tmp_path)
        assert shown in seen.stdout
        assert not re.search(r"CONSOLE|Refused|violat", seen.stderr)


async def _browse(chromium: str, url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [
        *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
        *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
        *("--disable-sync", "--enable-logging=stderr", f"--user-data-dir={folder / 'profile'}"),
        *("--dump-dom", url),
    ]
    return await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=50, check=True
    )
