"""What the board says while the server of the queues is away."""

from pathlib import Path

from tests.board.conftest import API
from tests.web.conftest import BROWSER, serve_house


async def test_a_silent_server_is_told_and_the_page_still_comes(
    tmp_path: Path, migrated_file: Path
) -> None:
    async with serve_house(tmp_path, migrated_file) as house:
        await house.valkey.stop()

        queues = await house.client.get(f"{API}/queues")
        page = await house.client.get("/admin/queues", headers=BROWSER)

    assert queues.status_code == 503
    assert queues.json()["error"] == {"key": "ERRORS.REDIS_UNAVAILABLE"}
    assert "Redis at" in queues.json()["message"]
    assert page.status_code == 200
