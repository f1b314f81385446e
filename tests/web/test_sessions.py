"""The token and the cookie made from it: how they are compared, when they end, what is logged."""

import hmac
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bakehouse.asgi_server import serving
from bakehouse.errors import SettingError
from bakehouse.web.app import create_app
from bakehouse.web.authentication import COOKIE
from bakehouse.web.services import WebServices
from tests.web.conftest import BROWSER, TOKEN, House, new_client

pytestmark = pytest.mark.asyncio(loop_scope="module")

API = "/api/bakers"


def services_of(house: House, token: str = TOKEN, later: timedelta = timedelta()) -> WebServices:
    """What the house has, with another token or a clock that is ahead."""
    clock = house.workshop.payer.clock
    payer = replace(house.workshop.payer, clock=lambda: clock() + later)
    workshop = replace(house.workshop, payer=payer)
    return WebServices(
        workshop=workshop, scheduler=house.scheduler, api_token=token, version="9.9.9"
    )


async def cookie_of(house: House) -> str:
    async with new_client(house.url) as browser:
        entered = await browser.post("/sign-in", data={"token": TOKEN})
        assert entered.status_code == 303
        return entered.cookies[COOKIE]


async def status_with(url: str, headers: dict[bytes, bytes] | dict[str, str]) -> int:
    async with new_client(url, headers) as client:
        return (await client.get(API)).status_code


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (f"BEARER   {TOKEN}", 200),
        (f"Basic {TOKEN}", 401),
        (f"Bearer {TOKEN} {TOKEN}", 401),
        (f"Bearer {TOKEN.upper()}", 401),
        (f"Bearer {TOKEN[:-1]}", 401),
        ("Bearer", 401),
        ("", 401),
    ],
)
async def test_the_token_opens_and_nothing_near_it(
    still_house: House, authorization: str, status: int
) -> None:
    assert await status_with(still_house.url, {"authorization": authorization}) == status


async def test_a_token_may_have_any_letters(still_house: House) -> None:
    token = "mot de passe à l'eau ✓"
    async with serving(create_app(services_of(still_house, token))) as url:
        right = {b"authorization": b"Bearer " + token.encode()}
        wrong = {b"authorization": b"Bearer " + token.replace("à", "a").encode()}
        assert await status_with(url, right) == 200
        assert await status_with(url, wrong) == 401


@pytest.mark.parametrize("token", ["", "  ", "\n"])
async def test_a_token_that_anybody_has_is_refused_at_the_start(
    still_house: House, token: str
) -> None:
    with pytest.raises(SettingError, match="token is empty"):
        services_of(still_house, token)


async def test_an_explorer_that_would_run_a_script_is_refused_at_the_start(
    still_house: House,
) -> None:
    with pytest.raises(SettingError, match="explorer"):
        replace(services_of(still_house), explorer_url="javascript:alert(1)//")


async def test_services_do_not_show_the_token(still_house: House) -> None:
    assert TOKEN not in repr(services_of(still_house))


async def test_every_comparison_takes_the_same_time_however_much_is_right(
    still_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    compare_digest = hmac.compare_digest

    def noting(left: bytes, right: bytes) -> bool:
        compared.append(left)
        return compare_digest(left, right)

    monkeypatch.setattr(hmac, "compare_digest", noting)
    await status_with(still_house.url, {"authorization": "Bearer nearly"})
    await status_with(still_house.url, {"cookie": f"{COOKIE}=1.digest"})
    async with new_client(still_house.url) as browser:
        await browser.post("/sign-in", data={"token": "guess"})

    assert compared == [b"nearly", b"digest", b"guess"]


async def test_a_cookie_opens_what_the_token_opens_and_is_not_made_of_its_letters(
    still_house: House,
) -> None:
    cookie = await cookie_of(still_house)

    assert await status_with(still_house.url, {"cookie": f"{COOKIE}={cookie}"}) == 200
    assert TOKEN not in cookie
    assert await status_with(still_house.url, {"authorization": f"Bearer {cookie}"}) == 401


async def test_a_wrong_token_is_not_made_good_by_a_right_cookie(still_house: House) -> None:
    headers = {
        "cookie": f"{COOKIE}={await cookie_of(still_house)}",
        "authorization": "Bearer wrong",
    }
    assert await status_with(still_house.url, headers) == 401


async def test_a_cookie_ends_after_its_time_and_cannot_be_prolonged(still_house: House) -> None:
    cookie = await cookie_of(still_house)
    ends_at, _, digest = cookie.partition(".")
    prolonged = f"{int(ends_at) + 30 * 24 * 3600}.{digest}"

    for later, status in ((30 * 24 * 3600 - 60, 200), (30 * 24 * 3600 + 1, 401)):
        services = services_of(still_house, later=timedelta(seconds=later))
        async with serving(create_app(services)) as url:
            assert await status_with(url, {"cookie": f"{COOKIE}={cookie}"}) == status
            assert await status_with(url, {"cookie": f"{COOKIE}={prolonged}"}) == 401


async def test_a_new_token_ends_every_session(still_house: House) -> None:
    cookie = await cookie_of(still_house)
    async with serving(create_app(services_of(still_house, "another"))) as url:
        assert await status_with(url, {"cookie": f"{COOKIE}={cookie}"}) == 401


async def test_a_link_with_the_token_signs_in_and_leads_to_an_address_without_it(
    still_house: House,
) -> None:
    async with new_client(still_house.url, BROWSER) as browser:
        entered = await browser.get("/sign-in", params={"token": TOKEN})
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        home = await browser.get("/")
    assert home.status_code == 200
    assert "Sign out" in home.text
    assert TOKEN not in home.text


async def test_a_person_signs_out(still_house: House) -> None:
    async with new_client(still_house.url, BROWSER) as browser:
        await browser.post("/sign-in", data={"token": TOKEN})
        left = await browser.post("/sign-out", headers={"sec-fetch-site": "same-origin"})
        assert (left.status_code, left.headers["location"]) == (303, "/sign-in")
        assert (await browser.get("/")).headers["location"] == "/sign-in?next=/"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "{url}"}, 303),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost"}, 403),
        ({"origin": "{url}.evil.example"}, 403),
        ({"sec-fetch-site": "none"}, 303),
        ({"sec-fetch-site": "cross-site", "origin": "{url}"}, 403),
        ({"referer": "{url}/"}, 403),
    ],
)
async def test_only_our_own_form_signs_a_person_out(
    still_house: House, headers: dict[str, str], status: int
) -> None:
    async with new_client(still_house.url) as browser:
        await browser.post("/sign-in", data={"token": TOKEN})
        sent = {name: value.format(url=still_house.url) for name, value in headers.items()}
        assert (await browser.post("/sign-out", headers=sent)).status_code == status


async def test_a_program_needs_no_origin(still_house: House) -> None:
    answer = await still_house.client.post("/sign-out", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 303


async def test_who_is_refused_is_logged_without_what_was_shown(still_house: House) -> None:
    guess = "a-guess-at-the-token"
    with capture_logs() as events:
        await status_with(still_house.url, {"authorization": f"Bearer {guess}"})
        async with new_client(still_house.url) as browser:
            await browser.get("/sign-in", params={"token": guess})
            await browser.get(f"/{'x' * 5_000}")

    assert [event["event"] for event in events] == ["access-denied"] * 3
    assert [event["path"][:9] for event in events] == [API[:9], "/sign-in", "/xxxxxxxx"]
    assert {event["client"] for event in events} == {"127.0.0.1"}
    assert guess not in str(events)
    assert len(str(events)) < 2_000
