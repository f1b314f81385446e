"""Every page in a real browser: it loads, complains of nothing, asks nobody else, reads well."""

from typing import Final

import pytest

from tests.chromium import Look, leave_one_of_each, violations
from tests.fault_scale import some_of
from tests.pages.conftest import PHONE, TABLET, WIDE, Reader
from tests.pages.scenery import (
    BUSY,
    CALM,
    DELEGATOR,
    FAILED,
    HELD,
    NEW,
    PAID,
    PAYING,
    SEEN,
    TRIES,
)

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PAGES: Final = {
    "home": "/",
    "baker": f"/bakers/{BUSY}",
    "baker-that-tries": f"/bakers/{TRIES}",
    "fund": f"/bakers/{BUSY}/fund",
    "baker-without-cycles": f"/bakers/{NEW}",
    "cycle-paid": f"/bakers/{BUSY}/cycles/{PAID}?offset=100",
    "cycle-bond-pool": f"/bakers/{BUSY}/cycles/{PAID}?kind=bond_pool",
    "cycle-held": f"/bakers/{BUSY}/cycles/{HELD}?state=held",
    "cycle-failed": f"/bakers/{BUSY}/cycles/{FAILED}",
    "cycle-paying": f"/bakers/{BUSY}/cycles/{PAYING}?to={DELEGATOR[:6]}",
    "cycle-seen": f"/bakers/{BUSY}/cycles/{SEEN}",
    "cycle-simulated": f"/bakers/{TRIES}/cycles/{PAYING}?mode=simulation",
    "statistics": f"/bakers/{BUSY}/statistics?cycles=24",
    "statistics-of-nothing": f"/bakers/{NEW}/statistics",
    "cycle-plan": f"/bakers/{TRIES}/cycles/{PAYING}/plan?mode=simulation",
    "delegator": f"/bakers/{BUSY}/delegators/{DELEGATOR}",
    "delegator-of-nothing": f"/bakers/{CALM}/delegators/{NEW}",
    "public": f"/public/{BUSY}?address={DELEGATOR}",
    "sign-in": "/sign-in",
    "not-found": "/nothing",
}
#: For these nobody has to be known.
OPEN: Final = {"public", "sign-in"}


#: Every page by day and by night; in the smallest size by turns.
SEEN_BY: Final[list[tuple[str, Look]]] = [
    (name, look)
    for number, name in enumerate(PAGES)
    for look in (("light", "dark") if number % 2 else ("dark", "light"))
]


@pytest.mark.parametrize(("name", "look"), some_of(SEEN_BY))
async def test_a_page_is_readable_on_every_screen_and_complains_of_nothing(
    reader: Reader, name: str, look: Look
) -> None:
    reader.trouble.clear()
    async with reader.reading(PAGES[name], look=look, knows=name not in OPEN) as page:
        for width in (PHONE, TABLET, WIDE):
            await page.set_viewport_size({"width": width, "height": 900})
            await reader.take_picture(page, f"{name}-{width}-{look}")
            wanted = await page.evaluate("document.documentElement.scrollWidth")
            assert wanted <= width, f"{name} is {wanted} wide on a screen of {width}"
        await leave_one_of_each(page)
        assert await violations(page) == []
    expected = 1 if name == "not-found" else 0
    assert len(reader.trouble) == expected, reader.trouble
