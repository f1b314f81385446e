"""Who gets in, and as whom. Tried as somebody who should not."""

import asyncio

import httpx2
import pytest
from structlog.testing import capture_logs

from bakehouse.ledger import api_tokens
from bakehouse.ledger.roles import Grant, Role
from tests.web.conftest import BAKER, BROWSER, NOW, STRANGER, TOKEN, House, new_client
from tests.web.people import OWN, PASSWORD, add_token, add_user, browser_of, sign_in

CLOSED = ("/", "/admin/queues", f"/bakers/{BAKER}/cycles/1", "/api/bakers", "/api/alerts", "/nope")
OPEN = ("/health", "/docs", "/openapi.json", "/sign-in")
WRONG = ("wrong", TOKEN[:-1], TOKEN + "x", "tökén")
TRIGGER = "/api/jobs/trigger/cycle-check"

still = pytest.mark.asyncio(loop_scope="module")


@still
@pytest.mark.parametrize("path", CLOSED)
async def test_without_a_token_nothing_is_told(still_house: House, path: str) -> None:
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


async def test_a_person_signs_in_with_name_and_password_and_is_led_back(house: House) -> None:
    await add_user(house, "Anna", Grant(Role.VIEWER))
    async with new_client(house.url, BROWSER) as browser:
        entered = await sign_in(browser, "anna", wanted="/admin/queues")
        queues = await browser.get("/admin/queues")

    assert (entered.status_code, entered.headers["location"]) == (303, "/admin/queues")
    cookie = entered.headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.split("; "))
    assert queues.status_code == 200


async def test_signing_in_never_leads_elsewhere(house: House) -> None:
    await add_user(house, "anna", Grant(Role.VIEWER))
    for wanted in (
        *("//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)"),
        *("evil.example", "/\t/evil.example", "/\r\nSet-Cookie: x=y", ""),
    ):
        async with new_client(house.url, BROWSER) as browser:
            entered = await sign_in(browser, "anna", wanted=wanted)
        assert (entered.status_code, entered.headers["location"]) == (303, "/")


async def test_a_wrong_name_or_password_is_refused_without_a_cookie_and_in_the_same_words(
    house: House,
) -> None:
    await add_user(house, "anna", Grant(Role.VIEWER))
    pairs = [("anna", "wrong"), ("nobody", PASSWORD), ("anna", ""), ("", ""), ("anna", "x" * 9999)]
    async with new_client(house.url, BROWSER) as browser:
        for name, password in pairs[:4]:
            refused = await sign_in(browser, name, password)
            assert refused.status_code == 403
            assert "set-cookie" not in refused.headers
            assert "Name or password is wrong." in refused.text


async def test_many_wrong_passwords_make_even_the_right_one_wait(house: House) -> None:
    await add_user(house, "anna", Grant(Role.VIEWER))
    await add_user(house, "bert", Grant(Role.VIEWER))
    async with new_client(house.url, BROWSER) as browser:
        statuses = [(await sign_in(browser, "anna", "wrong")).status_code for _ in range(6)]
        right = await sign_in(browser, "anna")
        other = await sign_in(browser, "bert")

    assert statuses == [403] * 5 + [429]
    assert right.status_code == 429
    assert other.status_code == 303


@still
@pytest.mark.parametrize("forged", ["", "1.x", f"{2**40}.{'0' * 64}", "99999999999", "x.y.z", "."])
async def test_a_forged_cookie_opens_nothing(still_house: House, forged: str) -> None:
    answer = await still_house.stranger.get(
        "/api/bakers", headers={"cookie": f"bakehouse_session={forged}"}
    )
    assert answer.status_code == 401


async def test_another_site_cannot_use_a_persons_cookie(house: House) -> None:
    await house.register()
    await add_user(house, "anna", Grant(Role.OPERATOR))
    async with new_client(house.url) as browser:
        await sign_in(browser, "anna")
        for headers, status in (
            ({"sec-fetch-site": "cross-site"}, 403),
            ({"sec-fetch-site": "same-site"}, 403),
            ({"origin": "https://evil.example"}, 403),
            ({"origin": "null"}, 403),
            ({"origin": f"{house.url}.evil.example"}, 403),
            ({"referer": f"{house.url}/"}, 403),
            ({"sec-fetch-site": "cross-site", "origin": house.url}, 403),
            ({}, 403),
            ({"origin": house.url}, 202),
            ({"sec-fetch-site": "same-origin"}, 202),
        ):
            answer = await browser.post(TRIGGER, json={"baker_id": BAKER}, headers=headers)
            assert answer.status_code == status, headers


async def test_another_site_cannot_sign_a_browser_in(house: House) -> None:
    await add_user(house, "mallory", Grant(Role.VIEWER))
    form = {"name": "mallory", "password": PASSWORD}
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {}):
        answer = await house.stranger.post("/sign-in", data=form, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


async def test_a_scoped_token_may_what_its_role_may_for_its_bakers_alone(house: House) -> None:
    await house.register()
    await house.register(baker_id=STRANGER)
    token = await add_token(house, "ci", Grant(Role.OPERATOR, frozenset({BAKER})))
    async with new_client(house.url, {"Authorization": f"Bearer {token}"}) as program:
        seen = (await program.get("/api/bakers")).json()["bakers"]
        own = await program.post(TRIGGER, json={"baker_id": BAKER})
        others = await program.post(TRIGGER, json={"baker_id": STRANGER})
        nobodys = await program.post(TRIGGER, json={"baker_id": BAKER.replace("tz1f", "tz1g")})
        board = await program.get("/admin/queues")

    assert [each["baker_id"] for each in seen] == [BAKER]
    assert own.status_code == 202
    assert (others.status_code, others.json()["code"]) == (404, "not-found")
    assert nobodys.status_code == 422
    assert board.status_code == 403


async def test_who_may_look_may_not_touch(house: House) -> None:
    await house.register()
    token = await add_token(house, "grafana", Grant(Role.VIEWER))
    async with new_client(house.url, {"Authorization": f"Bearer {token}"}) as program:
        with capture_logs() as logged:
            answer = await program.post(TRIGGER, json={"baker_id": BAKER})

    events = [each for each in logged if each["event"] == "access-denied"]
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "operator" in answer.json()["detail"]
    assert [(each["event"], each["who"]) for each in events] == [("access-denied", "token:grafana")]


async def test_a_revoked_or_expired_token_opens_nothing(house: House) -> None:
    grant = Grant(Role.ADMINISTRATOR)
    revoked = await add_token(house, "revoked", grant)
    async with house.workshop.payer.ledger.write() as tx:
        expired = await api_tokens.add(
            tx, "expired", grant, actor="test", at=NOW, expires_at=NOW.replace(year=2020)
        )
        (first, *_) = [t for t in await api_tokens.everyone(tx) if t.name == "revoked"]
        await api_tokens.revoke(tx, first.id, actor="test", at=NOW)

    for token in (revoked, expired):
        async with new_client(house.url, {"Authorization": f"Bearer {token}"}) as program:
            assert (await program.get("/api/bakers")).status_code == 401


async def test_the_ledger_holds_no_token_and_no_cookie(house: House) -> None:
    token = await add_token(house, "ci", Grant(Role.VIEWER))
    await add_user(house, "anna", Grant(Role.VIEWER))
    async with browser_of(house, "anna") as browser:
        cookie = browser.cookies["bakehouse_session"]
        await browser.get("/")

    async with house.workshop.payer.ledger.read() as tx:
        rows = [
            str(row)
            for table in ("api_tokens", "sessions", "users", "audit_events", "one_time_links")
            for row in await tx.exec_driver_sql(f"SELECT * FROM {table}")  # noqa: S608 - names above
        ]
    assert len(rows) > 4
    for secret in (token, cookie, PASSWORD):
        assert not [row for row in rows if secret in row]


async def test_a_role_that_is_taken_away_is_gone_with_the_next_request(house: House) -> None:
    await house.register()
    await add_user(house, "root", Grant(Role.ADMINISTRATOR))
    anna = await add_user(house, "anna", Grant(Role.OPERATOR))
    async with browser_of(house, "anna") as browser:
        before = await browser.post(TRIGGER, json={"baker_id": BAKER})
        async with browser_of(house, "root") as root:
            form = {"role": "viewer", "bakers": "all"}
            changed = await root.post(f"/users/{anna.id}", data=form)
        after = await browser.post(TRIGGER, json={"baker_id": BAKER})

    assert (before.status_code, changed.status_code, after.status_code) == (202, 303, 403)


async def test_open_pages_are_shown_but_the_api_stays_closed(open_house: House) -> None:
    for path in ("/", "/admin/queues", "/docs"):
        assert (await open_house.stranger.get(path)).status_code == 200
    assert (await open_house.stranger.get("/api/bakers")).status_code == 401
    trigger = await open_house.stranger.post(TRIGGER, json={"baker_id": BAKER}, headers=OWN)
    assert trigger.status_code == 401


async def test_another_site_cannot_press_a_button_of_open_pages(open_house: House) -> None:
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {}):
        answer: httpx2.Response = await open_house.stranger.post("/sign-out", headers=headers)
        assert answer.status_code == 403


async def test_guesses_made_all_at_once_are_counted_as_well(house: House) -> None:
    await add_user(house, "anna", Grant(Role.VIEWER))
    async with new_client(house.url, BROWSER) as browser:
        guesses = [sign_in(browser, "anna", f"guess {number}") for number in range(12)]
        statuses = sorted([each.status_code for each in await asyncio.gather(*guesses)])

    assert statuses == [403] * 5 + [429] * 7
