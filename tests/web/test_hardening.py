"""What holds for every route: headers, the host's name, the size of a body, no inside shown."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from tests.web.conftest import BAKER, BROWSER, TOKEN, House

LIMIT = 64 * 1024
PATHS = [
    "/",
    "/nothing",
    "/docs",
    "/health",
    "/sign-in",
    "/openapi.json",
    # The page of the queue board has a policy of its own: tests/board says which.
    "/admin/queues/api/queues",
    f"/bakers/{BAKER}/cycles/1336",
    "/api/nothing",
    "/api/alerts",
    "/api/bakers",
    f"/api/bakers/{BAKER}",
    f"/api/bakers/{BAKER}/cycles",
    f"/api/bakers/{BAKER}/cycles/1336/payouts",
    f"/api/jobs/status?baker_id={BAKER}",
    "/api/jobs/initialize",
]

still = pytest.mark.asyncio(loop_scope="module")


def check_headers(answer: httpx2.Response) -> None:
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "font-src": "'self'",
        "connect-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in answer.headers


@still
@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_to_anybody_carries_the_headers(still_house: House, path: str) -> None:
    for client in (still_house.client, still_house.stranger):
        for headers in ({}, BROWSER):
            answer = await client.get(path, headers=headers)
            check_headers(answer)
            assert answer.headers["cache-control"] == "no-store"


@still
async def test_style_and_mark_are_kept_under_names_that_change_with_them(
    still_house: House,
) -> None:
    page = await still_house.page("/")
    names = [*page.values("href", "link"), *page.values("src", "img")]

    for name in names:
        answer = await still_house.stranger.get(name)
        check_headers(answer)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert all(re.fullmatch(r"/static/[a-z]+\.[0-9a-f]{8}\.(css|svg)", name) for name in names)


@still
@pytest.mark.parametrize(
    "path",
    [
        "/static/../access.py",
        "/static/..%2faccess.py",
        "/static/%2e%2e/access.py",
        "/static/....//access.py",
        "/static//etc/passwd",
        "/static/",
        "/static/bakehouse.css%00.svg",
        "/static/..%5caccess.py",
    ],
)
async def test_no_path_leads_out_of_the_static_files(still_house: House, path: str) -> None:
    # As a socket sends it: clients tidy paths up.
    url = httpx2.URL(still_house.url).copy_with(raw_path=path.encode())
    answer = await still_house.stranger.get(url)
    assert answer.status_code in {401, 404}
    assert "Guard" not in answer.text


@still
@pytest.mark.parametrize("path", ["//api/bakers", "/static/../api/bakers", "/API/bakers", "/api"])
async def test_no_spelling_of_a_path_gets_round_the_guard(still_house: House, path: str) -> None:
    url = httpx2.URL(still_house.url).copy_with(raw_path=path.encode())
    answer = await still_house.stranger.get(url)
    assert answer.status_code in {401, 404}
    assert BAKER not in answer.text


@still
@pytest.mark.parametrize("host", ["", "a b", "evil.example/path", "user@host", "x" * 300, "a:b"])
async def test_a_host_that_is_no_name_is_refused(still_house: House, host: str) -> None:
    answer = await still_house.client.get("/health", headers={"host": host})
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad-host"
    check_headers(answer)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:3000", 200),
        ("demo.localhost", 200),
        ("127.0.0.1:3000", 200),
        ("192.168.7.4", 200),
        ("[::1]:3000", 200),
        ("rebound.example", 400),
        ("localhost.rebound.example:3000", 400),
        ("127.0.0.1.rebound.example", 400),
    ],
)
async def test_open_pages_are_shown_under_names_that_nobody_else_can_have(
    open_house: House, host: str, status: int
) -> None:
    answer = await open_house.stranger.get("/", headers={"host": host})
    assert answer.status_code == status


@still
async def test_a_body_is_read_up_to_the_limit_and_no_further(still_house: House) -> None:
    at_limit = await still_house.client.post("/api/jobs/remove", content=b" " * LIMIT)
    beyond = await still_house.client.post("/api/jobs/remove", content=b" " * (LIMIT + 1))

    assert at_limit.status_code == 422
    assert beyond.status_code == 413
    assert beyond.json()["code"] == "too-large"
    check_headers(beyond)


@still
async def test_a_body_of_unsaid_length_is_read_up_to_the_limit(still_house: House) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(LIMIT // 1024 + 1):
            yield b" " * 1024

    answer = await still_house.client.post("/api/jobs/remove", content=endless())
    assert answer.status_code == 413


@still
async def test_who_may_not_does_not_get_a_body_read(still_house: House) -> None:
    answer = await still_house.stranger.post("/api/jobs/remove", content=b" " * (LIMIT + 1))
    assert answer.status_code == 401


@pytest.mark.parametrize(("path", "kind"), [("/api/alerts", "problem+json"), ("/", "html")])
async def test_a_fault_of_ours_is_told_to_the_log_alone(house: House, path: str, kind: str) -> None:
    async with house.workshop.payer.ledger.write() as tx:
        await tx.execute(text("DROP TABLE alerts"))

    with capture_logs() as events:
        answer = await house.client.get(path, headers=BROWSER)

    assert answer.status_code == 500
    assert kind in answer.headers["content-type"]
    check_headers(answer)
    assert not re.search(r"sqlite|no such table|Traceback|File ", answer.text, re.IGNORECASE)
    (event,) = [event for event in events if event["event"] == "request-failed"]
    assert "no such table: alerts" in event["traceback"]
    assert TOKEN not in str(event)
