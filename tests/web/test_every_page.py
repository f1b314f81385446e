"""What holds for every page: whole, named, readable by a screen reader, and nothing in it runs."""

import pytest

from bakehouse.jobs import job_requests
from tests.web.conftest import BAKER, BROWSER, DELEGATORS, HOSTILE, House
from tests.web.html_page import Page
from tests.web.people import OWN
from tests.web.scenes import address

CYCLE = f"/bakers/{BAKER}/cycles/1336"
PAGES = [
    *("/", "/docs", "/sign-in", "/nothing", CYCLE),
    *(f"/bakers/{BAKER}", f"/bakers/{BAKER}/fund", f"/bakers/{BAKER}/statistics"),
    f"/bakers/{BAKER}/delegators/{DELEGATORS[0]}",
    f"/public/{BAKER}?address={DELEGATORS[0]}",
]
#: No page; and one that asks the indexer, which is away in these tests.
NOT_FOLLOWED = {"/openapi.json", f"/bakers/{BAKER}/simulation"}
NETS = {address(number): 1_000_000 * number for number in range(1, 5)}


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_has_what_readers_and_screen_readers_go_by(house: House, path: str) -> None:
    await house.register()
    await house.plan_a_cycle()

    page = await house.page(path)

    assert page.html.startswith("<!doctype html>")
    assert page.values("lang", "html") == ["en"]
    assert page.title.endswith(" · Bakehouse")
    assert page.tags["h1"] == page.tags["main"] == 1
    assert page.tags["footer"] == 1
    assert "#content" in page.values("href", "a")
    assert len(page.values("alt", "img")) == page.tags["img"]
    assert len(page.values("aria-label", "progress")) == page.tags["progress"]
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    fragments = {each[1:] for each in page.values("href", "a") if each.startswith("#")}
    labels = " ".join(page.values("aria-labelledby")).split()
    named_by = {*labels, *page.values("for", "label")}
    assert fragments | named_by <= set(ids)


@pytest.mark.parametrize("path", PAGES)
async def test_nothing_that_others_wrote_runs_in_a_page(house: House, path: str) -> None:
    await house.register()
    await house.plan_a_cycle()
    await house.workshop.engine.add(job_requests.check_cycle(HOSTILE))

    page = await house.page(path)

    assert HOSTILE not in page.html
    assert not {"style", "iframe", "object", "embed", "base"} & set(page.tags)
    assert not page.inline_scripts
    sources = page.values("src", "script")
    assert len(sources) == page.tags["script"]
    assert all(each.startswith("/static/") for each in sources)
    names = {name for _, name, _ in page.attributes}
    assert not {name for name in names if name.startswith(("on", "hx-on")) or name == "style"}
    addresses = [*page.values("href"), *page.values("src"), *page.values("action")]
    addresses += page.values("hx-get")
    assert not [each for each in addresses if not each.startswith(("/", "#", "https://explorer"))]


async def test_hostile_words_in_an_address_stay_words(house: House) -> None:
    for path in (f"/sign-in?next={HOSTILE}", f"/{HOSTILE}", f"/?live={HOSTILE}", f"/?{HOSTILE}=x"):
        page = await house.page(path)
        assert HOSTILE not in page.html
        assert not page.inline_scripts


async def test_every_link_of_the_house_leads_to_a_page(house: House) -> None:
    await house.register()
    await house.scheduler.initialize_schedules(BAKER)
    for counter, cycle in enumerate((1335, 1336)):
        async with house.scene(cycle) as scene:
            await scene.pay(NETS, counter=counter)
    async with house.scene(1337) as scene:
        await scene.fail(HOSTILE)

    seen: set[str] = set()
    waiting = {"/"}
    while waiting:
        path = waiting.pop()
        seen.add(path)
        answer = await house.client.get(path, headers=BROWSER)
        assert answer.status_code == 200, path
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        links = {each.partition("#")[0] for each in Page(answer.text).values("href", "a")}
        own = {each for each in links if each.startswith("/")} - NOT_FOLLOWED
        waiting |= own - seen

    assert {"/", "/docs", "/admin/queues", "/?live=off"} < seen
    assert f"/bakers/{BAKER}/cycles/1337?kind=delegators&mode=on" in seen
    assert f"/bakers/{BAKER}/cycles/1336/payouts.csv?kind=delegators&mode=on" in seen
    assert f"/bakers/{BAKER}/delegators/{address(1)}" in seen
    assert f"/bakers/{BAKER}/fund" in seen


async def test_an_empty_house_says_how_to_begin(house: House) -> None:
    page = await house.page("/")

    assert "No baker is registered yet." in page.text
    assert "bakehouse baker add" in page.text


async def test_home_begins_with_what_needs_attention(house: House) -> None:
    await house.register()
    await house.plan_a_cycle()

    page = await house.page("/")

    assert page.text.index("Needs attention") < page.text.index(BAKER)
    assert f"Payout held {HOSTILE}" in page.text
    assert "1 thing needs your attention" in page.text
    assert f"/bakers/{BAKER}" in page.values("href", "a")


async def test_a_page_that_loads_itself_again_can_be_paused(house: House) -> None:
    live, paused = await house.page("/"), await house.page("/?live=off")

    assert live.values("http-equiv", "meta") == ["refresh"]
    assert "/?live=off" in live.values("href", "a")
    assert not paused.values("http-equiv", "meta")


async def test_only_who_is_signed_in_by_a_cookie_can_sign_out(house: House) -> None:
    assert "Sign out" not in (await house.page("/")).text
    assert "Sign out" not in (await house.stranger.get("/sign-in")).text


async def test_the_sign_in_form_leads_back_and_shows_a_mistake(house: House) -> None:
    page = await house.page("/sign-in?next=/admin/queues")
    form = {"name": "anna", "password": "wrong", "next": "/docs"}
    wrong = await house.stranger.post("/sign-in", data=form, headers={**BROWSER, **OWN})

    assert "/admin/queues" in page.values("value", "input")
    assert "/sign-in" in page.values("action", "form")
    assert set(page.values("method", "form")) == {"post"}
    assert page.values("autocomplete", "input") == ["username", "current-password"]
    assert "Name or password is wrong." in wrong.text
    assert 'value="/docs"' in wrong.text
