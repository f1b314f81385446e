"""One furnished house and one real browser for all tests of pages; nobody changes what is there."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.pages.scenery import furnish
from tests.web.conftest import TOKEN, House, migrated_file, serve_house

__all__ = ["migrated_file"]

Look = Literal["light", "dark"]

PHONE: Final = 390
TABLET: Final = 1024
WIDE: Final = 1920


@dataclass(frozen=True)
class Reader:
    """Somebody who reads pages in a browser, and notes what should not be."""

    house: House
    browser: Browser
    #: For pictures; None takes none.
    folder: Path | None
    #: What the browser complained of, and what was asked of others.
    trouble: list[str] = field(default_factory=list)
    _contexts: dict[tuple[Look, bool, bool], BrowserContext] = field(default_factory=dict)

    @asynccontextmanager
    async def reading(
        self,
        path: str,
        *,
        look: Look = "light",
        width: int = TABLET,
        knows: bool = True,
        scripts: bool = True,
    ) -> AsyncIterator[Page]:
        """Open a page in a tab of its own, as somebody who `knows` the token or does not."""
        context = await self._context(look, knows, scripts)
        page = await context.new_page()
        try:
            await page.set_viewport_size({"width": width, "height": 900})
            await page.goto(path)
            yield page
        finally:
            await page.close()

    async def _context(self, look: Look, knows: bool, scripts: bool) -> BrowserContext:  # noqa: FBT001 - passed on
        if (look, knows, scripts) not in self._contexts:
            context = await self.browser.new_context(
                base_url=self.house.url,
                color_scheme=look,
                extra_http_headers={"Authorization": f"Bearer {TOKEN}"} if knows else {},
                java_script_enabled=scripts,
            )
            context.on("console", lambda message: self._note_console(message.type, message.text))
            context.on("weberror", lambda error: self.trouble.append(str(error.error)))
            context.on("request", lambda request: self._note_request(request.url))
            self._contexts[look, knows, scripts] = context
        return self._contexts[look, knows, scripts]

    async def take_picture(self, page: Page, name: str) -> None:
        """Keep how a page looks, for people to judge, where they asked for it."""
        if self.folder is None:
            return
        await page.screenshot(path=self.folder / f"{name}.png", full_page=True)

    def _note_console(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.trouble.append(text)

    def _note_request(self, url: str) -> None:
        if not url.startswith((self.house.url, "data:")):
            self.trouble.append(f"asked elsewhere: {url}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader(
    tmp_path_factory: pytest.TempPathFactory,
    migrated_file: Path,
) -> AsyncIterator[Reader]:
    chromium = shutil.which("chromium")
    assert chromium, "this test needs Chromium: run requirements/system-packages as root"
    asked = os.environ.get("BAKEHOUSE_SCREENSHOTS")
    pictures = Path(asked) if asked else None
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
    async with (
        serve_house(tmp_path_factory.mktemp("house"), migrated_file) as house,
        async_playwright() as playwright,
    ):
        await furnish(house, datetime.now(UTC))
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield Reader(house, browser, pictures)
        finally:
            await browser.close()
