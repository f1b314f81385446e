"""One furnished house and one real browser for all tests of pages; nobody changes what is there."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.chromium import Look, launched
from tests.pages.scenery import furnish
from tests.web.conftest import TOKEN, House, migrated_file, serve_house

__all__ = ["migrated_file"]

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
    #: A tab for each kind of reader: to open one takes longer than to read a page.
    _tabs: dict[tuple[bool, bool], Page] = field(default_factory=dict)

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
        """Open a page as somebody who `knows` the token or does not."""
        page = await self._tab(knows, scripts)
        await page.emulate_media(color_scheme=look)
        await page.set_viewport_size({"width": width, "height": 900})
        await page.goto(path)
        yield page

    async def _tab(self, knows: bool, scripts: bool) -> Page:  # noqa: FBT001 - passed on
        if (knows, scripts) not in self._tabs:
            context = await self.browser.new_context(
                base_url=self.house.url,
                extra_http_headers={"Authorization": f"Bearer {TOKEN}"} if knows else {},
                java_script_enabled=scripts,
            )
            context.on("console", lambda message: self._note_console(message.type, message.text))
            context.on("weberror", lambda error: self.trouble.append(str(error.error)))
            context.on("request", lambda request: self._note_request(request.url))
            self._tabs[knows, scripts] = await context.new_page()
        return self._tabs[knows, scripts]

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
    asked = os.environ.get("BAKEHOUSE_SCREENSHOTS")
    pictures = Path(asked) if asked else None
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
    async with (
        serve_house(tmp_path_factory.mktemp("house"), migrated_file) as house,
        launched() as browser,
    ):
        await furnish(house, datetime.now(UTC))
        yield Reader(house, browser, pictures)
