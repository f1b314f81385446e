"""Who gets in. Tried as somebody who should not."""

import pytest

from tests.web.conftest import BAKER, BROWSER, TOKEN, House

CLOSED = ("/", "/admin/queues", f"/bakers/{BAKER}/cycles/1", "/api/bakers", "/api/alerts", "/nope")
OPEN = ("/health", "/docs", "/openapi.json", "/sign-in")

WRONG = ("wrong", TOKEN[:-1], TOKEN + "x", "tökén")


@pytest.mark.parametrize("path", CLOSED)
async def test_without_the_token_nothing_is_told(still_house: House, path: str) -> None:
    shown = [{}, {b"Authorization": b"Bearer"}, {b"Authorization": TOKEN.encode()}]
    shown += [{b"Authorization": b"Bearer " + token.encode()} for token in WRONG]
    for headers in shown:
        answer = await still_house.stranger.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["code"] == "unauthorized"


async def test_what_tells_nothing_of_bakers_is_open(still_house: House) -> None:
    for path in OPEN:
        assert (await still_house.stranger.get(path)).status_code == 200


async def test_a_person_signs_in_with_the_token_and_is_led_back(house: House) -> None:
    led = await house.stranger.get("/admin/queues", headers=BROWSER)
    assert led.status_code == 303
    assert led.headers["location"] == "/sign-in?next=/admin/queues"
    entered = await house.stranger.post(
        "/sign-in", data={"token": TOKEN, "next": "/admin/queues"}, headers=BROWSER
    )
    assert entered.status_code == 303
    assert entered.headers["location"] == "/admin/queues"
    cookie = entered.headers["set-cookie"]
    assert TOKEN not in cookie
    assert "httponly" in cookie.lower()
    assert "samesite=strict" in cookie.lower()
    assert (await house.stranger.get("/admin/queues", headers=BROWSER)).status_code == 200


@pytest.mark.parametrize("wanted", ["//evil.example", "/\\evil.example", "https://evil.example"])
async def test_signing_in_never_leads_elsewhere(still_house: House, wanted: str) -> None:
    entered = await still_house.stranger.get("/sign-in", params={"token": TOKEN, "next": wanted})
    assert entered.headers["location"] == "/"


async def test_a_wrong_token_is_refused_without_a_cookie(still_house: House) -> None:
    refused = await still_house.stranger.post("/sign-in", data={"token": "wrong"}, headers=BROWSER)
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize("forged", ["", "1.x", f"{2**40}.{'0' * 64}", "99999999999", "x.y.z"])
async def test_a_forged_cookie_opens_nothing(still_house: House, forged: str) -> None:
    answer = await still_house.stranger.get(
        "/api/bakers", headers={"cookie": f"bakehouse_session={forged}"}
    )
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({}, 403),
        ({"sec-fetch-site": "same-origin"}, 202),
    ],
)
async def test_another_site_cannot_use_a_persons_cookie(
    house: House, headers: dict[str, str], status: int
) -> None:
    await house.register()
    await house.stranger.post("/sign-in", data={"token": TOKEN})
    answer = await house.stranger.post(
        "/api/jobs/trigger/cycle-check", json={"baker_id": BAKER}, headers=headers
    )
    assert answer.status_code == status


async def test_open_pages_are_shown_but_the_api_stays_closed(open_house: House) -> None:
    assert (await open_house.stranger.get("/")).status_code == 200
    assert (await open_house.stranger.get("/api/bakers")).status_code == 401
    trigger = await open_house.stranger.post(
        "/api/jobs/trigger/cycle-check", json={"baker_id": BAKER}
    )
    assert trigger.status_code == 401
