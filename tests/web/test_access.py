"""Who gets in. Tried as somebody who should not."""

import httpx2
import pytest

from tests.web.conftest import BAKER, BROWSER, TOKEN, House, new_client

CLOSED = ("/", "/admin/queues", f"/bakers/{BAKER}/cycles/1", "/api/bakers", "/api/alerts", "/nope")
OPEN = ("/health", "/docs", "/openapi.json", "/sign-in")
WRONG = ("wrong", TOKEN[:-1], TOKEN + "x", "tökén")
TRIGGER = "/api/jobs/trigger/cycle-check"

still = pytest.mark.asyncio(loop_scope="module")


async def sign_in(house: House, **form: str) -> httpx2.Response:
    async with new_client(house.url, BROWSER) as browser:
        return await browser.post("/sign-in", data=form)


@still
@pytest.mark.parametrize("path", CLOSED)
async def test_without_the_token_nothing_is_told(still_house: House, path: str) -> None:
    shown = [{}, {b"Authorization": b"Bearer"}, {b"Authorization": TOKEN.encode()}]
    shown += [{b"Authorization": b"Bearer " + token.encode()} for token in WRONG]
    for headers in shown:
        answer = await still_house.stranger.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "unauthorized"


@still
async def test_what_tells_nothing_of_bakers_is_open(still_house: House) -> None:
    for path in OPEN:
        assert (await still_house.stranger.get(path)).status_code == 200


@still
async def test_a_persons_browser_is_led_to_the_form_and_a_programs_is_not(
    still_house: House,
) -> None:
    led = await still_house.stranger.get("/admin/queues", headers=BROWSER)
    told = await still_house.stranger.get("/api/bakers", headers=BROWSER)

    assert (led.status_code, led.headers["location"]) == (303, "/sign-in?next=/admin/queues")
    assert told.status_code == 401


@still
async def test_a_person_signs_in_with_the_token_and_is_led_back(still_house: House) -> None:
    async with new_client(still_house.url, BROWSER) as browser:
        entered = await browser.post("/sign-in", data={"token": TOKEN, "next": "/admin/queues"})
        queues = await browser.get("/admin/queues")

    assert (entered.status_code, entered.headers["location"]) == (303, "/admin/queues")
    cookie = entered.headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.split("; "))
    assert TOKEN not in cookie
    assert queues.status_code == 200


@still
@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/\t/evil.example",
        "/\r\nSet-Cookie: x=y",
        "",
    ],
)
async def test_signing_in_never_leads_elsewhere(still_house: House, wanted: str) -> None:
    entered = await sign_in(still_house, token=TOKEN, next=wanted)
    assert (entered.status_code, entered.headers["location"]) == (303, "/")


@still
@pytest.mark.parametrize("form", [{"token": "wrong"}, {"token": ""}, {}, {"tokens": TOKEN}])
async def test_a_wrong_token_is_refused_without_a_cookie(
    still_house: House, form: dict[str, str]
) -> None:
    refused = await sign_in(still_house, **form)
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers


@still
@pytest.mark.parametrize("forged", ["", "1.x", f"{2**40}.{'0' * 64}", "99999999999", "x.y.z", "."])
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
    answer = await house.stranger.post(TRIGGER, json={"baker_id": BAKER}, headers=headers)
    assert answer.status_code == status


async def test_open_pages_are_shown_but_the_api_stays_closed(open_house: House) -> None:
    for path in ("/", "/admin/queues", "/docs"):
        assert (await open_house.stranger.get(path)).status_code == 200
    assert (await open_house.stranger.get("/api/bakers")).status_code == 401
    trigger = await open_house.stranger.post(TRIGGER, json={"baker_id": BAKER})
    assert trigger.status_code == 401
    assert (await open_house.stranger.post("/sign-out")).status_code == 401
