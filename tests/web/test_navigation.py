"""The way around a baker's pages: what belongs together stands together, and says where one is."""

import pytest

from tests.web.conftest import BAKER, BROWSER, House
from tests.web.html_page import Page

BASE = f"/bakers/{BAKER}"


def current(page: Page) -> list[str]:
    """Where the page says one is, by the group and by the page within it."""
    pairs = zip(page.attributes, page.attributes[1:], strict=False)
    return [
        f"{href} {told}"
        for (tag, name, href), (_, after, told) in pairs
        if (tag, name, after) == ("a", "href", "aria-current") and href.startswith(BASE)
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (BASE, [f"{BASE} page"]),
        (f"{BASE}/statistics", [f"{BASE}/statistics page"]),
        (f"{BASE}/rules", [f"{BASE}/fees true", f"{BASE}/rules page"]),
        (f"{BASE}/transfers/new", [f"{BASE}/transfers true", f"{BASE}/transfers true"]),
        (f"{BASE}/fund", []),
    ],
)
async def test_a_page_says_where_it_is_among_those_of_its_baker(
    house: House, path: str, expected: list[str]
) -> None:
    await house.register()

    answer = await house.client.get(path, headers=BROWSER)

    assert current(Page(answer.text)) == expected
