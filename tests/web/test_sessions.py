"""Sessions and the configured token: how they are compared, when they end, what is logged."""

import hmac
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bakehouse.asgi_server import serving
from bakehouse.errors import SettingError
from bakehouse.ledger import sessions, users
from bakehouse.ledger.roles import Grant, Role
from bakehouse.web.app import create_app
from bakehouse.web.authentication import COOKIE
from bakehouse.web.services import WebServices
from tests.web.conftest import BROWSER, TOKEN, House, new_client
from tests.web.people import OWN, PASSWORD, add_user, browser_of, sign_in

still = pytest.mark.asyncio(loop_scope="module")

API = "/api/bakers"


def services_of(house: House, token: str = TOKEN, later: timedelta = timedelta()) -> WebServices:
    """What the house has, with another token or a clock that is ahead."""
    clock = house.workshop.payer.clock
    payer = replace(house.workshop.payer, clock=lambda: clock() + later)
    workshop = replace(house.workshop, payer=payer)
    return WebServices(
        workshop=workshop,
        scheduler=house.scheduler,
        api_token=token,
        version="9.9.9",
        secret_key=house.secret_key,
    )


async def status_with(url: str, headers: dict[bytes, bytes] | dict[str, str]) -> int:
    async with new_client(url, headers) as client:
        return (await client.get(API)).status_code


@still
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


@still
async def test_a_token_may_have_any_letters(still_house: House) -> None:
    token = "mot de passe à l'eau ✓"
    async with serving(create_app(services_of(still_house, token))) as url:
        right = {b"authorization": b"Bearer " + token.encode()}
        wrong = {b"authorization": b"Bearer " + token.replace("à", "a").encode()}
        assert await status_with(url, right) == 200
        assert await status_with(url, wrong) == 401


@still
@pytest.mark.parametrize("token", ["", "  ", "\n"])
async def test_a_token_that_anybody_has_is_refused_at_the_start(
    still_house: House, token: str
) -> None:
    with pytest.raises(SettingError, match="token is empty"):
        services_of(still_house, token)


@still
async def test_an_explorer_that_would_run_a_script_is_refused_at_the_start(
    still_house: House,
) -> None:
    with pytest.raises(SettingError, match="explorer"):
        replace(services_of(still_house), explorer_url="javascript:alert(1)//")


@still
async def test_services_do_not_show_the_token(still_house: House) -> None:
    assert TOKEN not in repr(services_of(still_house))


@still
async def test_the_configured_token_is_compared_in_the_same_time_however_much_is_right(
    still_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    compare_digest = hmac.compare_digest

    def noting(left: bytes, right: bytes) -> bool:
        compared.append(left)
        return compare_digest(left, right)

    monkeypatch.setattr(hmac, "compare_digest", noting)
    await status_with(still_house.url, {"authorization": "Bearer nearly"})

    assert compared == [b"nearly"]


async def test_a_cookie_is_no_token_and_a_wrong_token_is_not_made_good_by_it(house: House) -> None:
    await add_user(house, "anna", Grant(Role.VIEWER))
    async with browser_of(house, "anna") as browser:
        cookie = browser.cookies[COOKIE]

    right = {"cookie": f"{COOKIE}={cookie}"}
    assert await status_with(house.url, right) == 200
    assert await status_with(house.url, {**right, "authorization": "Bearer wrong"}) == 401
    assert await status_with(house.url, {"authorization": f"Bearer {cookie}"}) == 401


async def test_a_session_ends_after_its_time(house: House) -> None:
    await add_user(house, "anna", Grant(Role.VIEWER))
    async with browser_of(house, "anna") as browser:
        cookie = browser.cookies[COOKIE]

    minute = timedelta(minutes=1)
    for later, status in ((sessions.LIFE - minute, 200), (sessions.LIFE + minute, 401)):
        async with serving(create_app(services_of(house, later=later))) as url:
            assert await status_with(url, {"cookie": f"{COOKIE}={cookie}"}) == status


async def test_signing_out_ends_the_session_for_whoever_kept_its_cookie(house: House) -> None:
    await add_user(house, "anna", Grant(Role.VIEWER))
    async with browser_of(house, "anna") as browser:
        kept = browser.cookies[COOKIE]
        left = await browser.post("/sign-out")
        led = await browser.get("/")

    assert (left.status_code, left.headers["location"]) == (303, "/sign-in")
    assert led.headers["location"] == "/sign-in?next=/"
    assert await status_with(house.url, {"cookie": f"{COOKIE}={kept}"}) == 401


async def test_a_new_password_and_a_lost_account_end_every_session(house: House) -> None:
    await add_user(house, "root", Grant(Role.ADMINISTRATOR))
    anna = await add_user(house, "anna", Grant(Role.VIEWER))
    ledger, now = house.workshop.payer.ledger, house.workshop.payer.clock()
    for end in ("password", "disabled"):
        async with browser_of(house, "anna") as browser:
            assert (await browser.get("/")).status_code == 200
            async with ledger.write() as tx:
                if end == "disabled":
                    await users.disable(tx, anna.id, actor="test", at=now)
                else:
                    kept = await users.password_hash(tx, anna.id)
                    assert kept
                    await users.set_password(tx, anna.id, kept, actor="test", at=now)
            assert (await browser.get("/")).status_code == 303
    async with new_client(house.url, BROWSER) as browser:
        assert (await sign_in(browser, "anna")).status_code == 403


@still
async def test_a_program_needs_no_origin(still_house: House) -> None:
    answer = await still_house.client.post("/sign-out", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 303


async def test_who_is_refused_is_logged_without_what_was_shown(house: House) -> None:
    guess = "a-guess-at-the-token"
    with capture_logs() as events:
        await status_with(house.url, {"authorization": f"Bearer {guess}"})
        async with new_client(house.url) as browser:
            await sign_in(browser, "anna", guess)
            await browser.get(f"/{'x' * 5_000}")
            await browser.post("/sign-in", data={"password": PASSWORD})

    denials = [event for event in events if event["event"] == "access-denied"]
    assert [event["path"][:9] for event in denials] == [
        *(API[:9], "/sign-in", "/xxxxxxxx", "/sign-in")
    ]
    assert {event["client"] for event in denials} == {"127.0.0.1"}
    assert guess not in str(events)
    assert PASSWORD not in str(events)
    assert len(str(events)) < 2_000


async def test_the_first_administrator_follows_a_link_that_works_once(house: House) -> None:
    payer = house.workshop.payer
    async with payer.ledger.write() as tx:
        code = await users.new_link(tx, None, at=payer.clock())
    form = {"code": code, "name": "root", "password": PASSWORD, "again": PASSWORD}
    async with new_client(house.url, {**BROWSER, **OWN}) as browser:
        shown = await browser.get("/welcome", params={"code": code})
        short = await browser.post("/welcome", data={**form, "password": "x", "again": "x"})
        unlike = await browser.post("/welcome", data={**form, "again": "other words here"})
        entered = await browser.post("/welcome", data=form)
        home = await browser.get("/")
        again = await browser.post("/welcome", data={**form, "name": "mallory"})

    assert shown.status_code == 200
    assert (short.status_code, unlike.status_code) == (422, 422)
    assert "the two passwords differ" in unlike.text
    assert entered.status_code == 303
    assert "root" in home.text
    assert again.status_code == 404


async def test_an_old_first_link_makes_no_second_administrator(house: House) -> None:
    payer = house.workshop.payer
    async with payer.ledger.write() as tx:
        code = await users.new_link(tx, None, at=payer.clock())
    await add_user(house, "root", Grant(Role.ADMINISTRATOR))

    assert (await house.stranger.get("/welcome", params={"code": code})).status_code == 404
