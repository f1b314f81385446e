"""The browser that tests drive, and how its pages are judged by axe."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from tests.fault_scale import FAULT_SCALE

Look = Literal["light", "dark"]

#: The shell shows the same as the whole browser, which takes three times as long to open a page.
_PROGRAMS: Final = ("chromium-headless-shell", "chromium")

#: Leaves of rows that are alike (the same elements, the same attributes but for words) the first.
_LEAVE_ONE_OF_EACH: Final = """() => {
  const words = new Set(["href", "id", "title", "aria-label", "value", "name", "for", "datetime"]);
  const said = (each) => words.has(each.name) ? each.name : each.name + each.value;
  const shape = (element) => [
    element.tagName,
    !!element.textContent.trim(),
    ...[...element.attributes].map(said),
    ...[...element.children].map(shape),
  ].join("|") + "/";
  for (const parent of document.querySelectorAll("tbody, ul, ol, select")) {
    const seen = new Set();
    for (const child of [...parent.children]) {
      const its = shape(child);
      if (seen.has(its)) child.remove();
      seen.add(its);
    }
  }
}"""


def chromium() -> str:
    """Give the path of the program."""
    found = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    assert found, "this test needs Chromium: run requirements/system-packages as root"
    return found


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """Run a browser until the block ends."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            await browser.close()


async def leave_one_of_each(page: Page) -> None:
    """Take away rows that differ from another only in their words, before a page is judged.

    That is for the smallest size; in larger ones each is judged.
    """
    if FAULT_SCALE == 1:
        await page.evaluate(_LEAVE_ONE_OF_EACH)


async def violations(page: Page) -> list[tuple[str, str, str]]:
    """What a reader who sees, hears or types otherwise could not get past."""
    found = await Axe().run(page, options={"resultTypes": ["violations"]})
    return [
        (each["id"], node["html"], node["failureSummary"])
        for each in found.response["violations"]
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"]
    ]
