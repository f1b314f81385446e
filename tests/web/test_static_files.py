"""Files of the pages: the same for whoever reads them compressed and whoever does not."""

import re

import pytest

from tests.web.conftest import BROWSER, House


@pytest.mark.asyncio(loop_scope="module")
async def test_files_travel_compressed_to_those_who_can_read_that(still_house: House) -> None:
    page = await still_house.client.get("/", headers=BROWSER)
    paths = set(re.findall(r'(?:src|href)="(/static/[^"]+\.(?:css|js))"', page.text))
    assert paths

    for path in paths:
        plain = await still_house.stranger.get(path, headers={"accept-encoding": "identity"})
        packed = await still_house.stranger.get(path, headers={"accept-encoding": "gzip, br"})

        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
        assert packed.content == plain.content
        assert int(packed.headers["content-length"]) < len(plain.content)
