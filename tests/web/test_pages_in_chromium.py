"""The pages in a real browser, which says what it refuses to load or run."""

import asyncio
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from bakehouse.asgi_server import serving
from bakehouse.web.hardening import SECURITY_HEADERS
from tests.chromium import chromium
from tests.web.conftest import BAKER, DELEGATORS, HOSTILE, House

pytestmark = pytest.mark.browser

CYCLE: Final = f"/bakers/{BAKER}/cycles/1336"
_COMPLAINT: Final = re.compile(r"CONSOLE|Refused|violat")


async def browse(url: str, folder: Path) -> tuple[str, list[str]]:
    """Load a page; gives what became of it, and what the browser complained of."""
    command = [
        *(chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
        *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
        *("--disable-sync", "--enable-logging=stderr", f"--user-data-dir={folder / 'profile'}"),
        *("--dump-dom", url),
    ]
    seen = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=50, check=True
    )
    return seen.stdout, [line for line in seen.stderr.splitlines() if _COMPLAINT.search(line)]


async def test_the_pages_are_shown_without_a_complaint(open_house: House, tmp_path: Path) -> None:
    await open_house.register()
    await open_house.plan_a_cycle()
    await open_house.scheduler.initialize_schedules(BAKER)

    for path, shown in (
        ("/", "Needs attention"),
        (CYCLE, DELEGATORS[0]),
        ("/docs", "/api/jobs/status"),
    ):
        dom, complaints = await browse(f"{open_house.url}{path}?live=off", tmp_path)
        assert shown in dom
        assert HOSTILE not in dom
        assert complaints == []


async def test_a_page_that_breaks_the_policy_would_be_noticed(tmp_path: Path) -> None:
    app = FastAPI()

    @app.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse("<style>p {}</style><script>1</script>", headers=SECURITY_HEADERS)

    async with serving(app) as url:
        _, complaints = await browse(url, tmp_path)

    assert complaints
