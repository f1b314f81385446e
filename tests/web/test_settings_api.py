"""Bakers registered, changed, switched and taken out of service by the API."""

import pytest

from bakehouse.jobs.job_requests import cycle_monitor_id
from bakehouse.ledger import audit, bakers
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.roles import Grant, Role
from bakehouse.ledger.states import Mode
from tests.web.conftest import BAKER, HOSTILE, STRANGER, House, new_client
from tests.web.people import PASSWORD, add_token, add_user, browser_of

PATH = f"/api/bakers/{BAKER}"
MODE = f"{PATH}/mode"
ADMINISTRATOR = Grant(Role.ADMINISTRATOR)


async def stored(house: House, baker_id: str = BAKER) -> Baker:
    async with house.workshop.payer.ledger.read() as tx:
        return await bakers.get(tx, baker_id)


async def last_event(house: House) -> AuditEvent:
    async with house.workshop.payer.ledger.read() as tx:
        (event,) = await audit.latest(tx, limit=1)
    return event


async def test_a_changed_frequency_reaches_the_schedule_at_once(house: House) -> None:
    await house.register()
    await house.scheduler.initialize_schedules(BAKER)

    answer = await house.client.patch(PATH, json={"update_freq": 25})

    assert (answer.status_code, answer.json()["update_freq"]) == (200, 25)
    status = {each.id: each for each in await house.scheduler.schedule_status(BAKER)}
    assert status[cycle_monitor_id(BAKER)].every_seconds == 25 * 60
    event = await last_event(house)
    assert (event.action, event.actor) == ("baker.changed", "token:configured")


async def test_schedules_that_are_switched_off_by_the_settings_go_at_once(house: House) -> None:
    await house.register()
    await house.scheduler.initialize_schedules(BAKER)

    await house.client.patch(PATH, json={"scheduled": False})
    assert await house.scheduler.schedule_status(BAKER) == []

    await house.client.patch(PATH, json={"scheduled": True})
    assert len(await house.scheduler.schedule_status(BAKER)) == 2


async def test_only_what_is_sent_changes(house: House) -> None:
    await house.register()
    before = (await house.client.get(PATH)).json()

    sent = {
        "alias": None,
        "payout_address": STRANGER,
        "default_fee_basis_points": 995,
        "minimum_payout": "1500000",
        "cycle_cap": str(2**63 - 1),
        "public_page": True,
    }
    answer = await house.client.patch(PATH, json=sent)
    again = await house.client.patch(PATH, json={"cycle_cap": None})

    assert answer.json() == {**before, **sent}
    assert again.json() == {**before, **sent, "cycle_cap": None}
    assert (await house.client.get(PATH)).json() == again.json()


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"update_freq": 0}, "body.update_freq"),
        ({"update_freq": 10_081}, "body.update_freq"),
        ({"num_blocks_wait": 1}, "body.num_blocks_wait"),
        ({"default_fee_basis_points": 10_001}, "body.default_fee_basis_points"),
        ({"minimum_payout": 5}, "body.minimum_payout"),
        ({"minimum_payout": "1.5"}, "body.minimum_payout"),
        ({"minimum_payout": str(2**63)}, "body.minimum_payout"),
        ({"payout_address": "tz1nonsense"}, "body.payout_address"),
        ({"mode": "on"}, "body.mode"),
        ({"baker_id": STRANGER}, "body.baker_id"),
    ],
)
async def test_a_setting_that_cannot_be_is_named_and_nothing_changes(
    house: House, sent: dict[str, object], field: str
) -> None:
    await house.register()
    before = await stored(house)

    answer = await house.client.patch(PATH, json={"alias": "other", **sent})

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == [field]
    assert await stored(house) == before


async def test_a_cap_of_nothing_is_refused_with_its_name(house: House) -> None:
    await house.register()

    answer = await house.client.patch(PATH, json={"payout_cap": "0"})

    assert (answer.status_code, answer.json()["code"]) == (422, "setting")
    assert "payout_cap" in answer.json()["detail"]


async def test_settings_change_while_the_queue_is_away(house: House) -> None:
    await house.register()
    await house.valkey.stop()

    answer = await house.client.patch(PATH, json={"update_freq": 25})

    assert answer.status_code == 200
    assert (await stored(house)).update_freq == 25


async def test_a_baker_is_registered_in_simulation_once(house: House) -> None:
    sent = {"baker_id": STRANGER, "first_cycle": 1300, "default_fee_basis_points": 500}

    made = await house.client.post("/api/bakers", json=sent)
    again = await house.client.post("/api/bakers", json=sent)

    assert made.status_code == 201
    assert made.json()["mode"] == "simulation"
    assert made.json()["payout_address"] == STRANGER
    assert (await stored(house, STRANGER)).default_fee == 500
    assert len(await house.scheduler.schedule_status(STRANGER)) == 2
    assert again.status_code == 409


async def test_without_a_first_cycle_a_node_is_asked_and_none_answers(house: House) -> None:
    answer = await house.client.post("/api/bakers", json={"baker_id": STRANGER})

    assert answer.status_code == 503
    assert (await house.client.get("/api/bakers")).json() == {"bakers": []}


async def test_who_administers_one_baker_registers_none(house: House) -> None:
    await house.register()
    token = await add_token(house, "own", Grant(Role.ADMINISTRATOR, frozenset({BAKER})))
    async with new_client(house.url, {"Authorization": f"Bearer {token}"}) as client:
        answer = await client.post("/api/bakers", json={"baker_id": STRANGER, "first_cycle": 1})
        changed = await client.patch(PATH, json={"update_freq": 25})

    assert answer.status_code == 403
    assert changed.status_code == 200


async def test_a_baker_taken_out_of_service_is_off_and_its_history_stays(house: House) -> None:
    await house.register()
    await house.plan_a_cycle()
    await house.scheduler.initialize_schedules(BAKER)

    for _ in range(2):
        removed = await house.client.delete(PATH)
        assert (removed.json()["mode"], removed.json()["scheduled"]) == ("off", False)

    assert await house.scheduler.schedule_status(BAKER) == []
    assert len((await house.client.get(f"{PATH}/cycles")).json()["cycles"]) == 1


async def test_an_etag_saves_reading_what_did_not_change(house: House) -> None:
    await house.register()
    first = await house.client.get(PATH)
    tag = first.headers["etag"]

    same = await house.client.get(PATH, headers={"if-none-match": f'"other", W/{tag}'})
    await house.client.patch(PATH, json={"update_freq": 25})
    changed = await house.client.get(PATH, headers={"if-none-match": tag})

    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


# The mode


@pytest.mark.parametrize("confirm", [HOSTILE, BAKER, f" {BAKER}\n"])
async def test_a_person_switches_on_with_password_and_the_bakers_name(
    house: House, confirm: str
) -> None:
    await house.register(Mode.SIMULATION)
    await add_user(house, "ann", ADMINISTRATOR)

    async with browser_of(house, "ann") as browser:
        sent = {"mode": "on", "password": PASSWORD, "confirm": confirm}
        answer = await browser.post(MODE, json=sent)

    assert (answer.status_code, answer.json()["mode"]) == (200, "on")
    assert (await stored(house)).mode is Mode.ON
    assert len(await house.scheduler.schedule_status(BAKER)) == 2
    event = await last_event(house)
    assert (event.action, event.actor) == ("baker.changed", "user:ann")
    assert PASSWORD not in str(event)


@pytest.mark.parametrize(
    ("password", "confirm", "status"),
    [
        ("", BAKER, 403),
        ("wrong", BAKER, 403),
        (PASSWORD, "", 422),
        (PASSWORD, STRANGER, 422),
        (PASSWORD, HOSTILE.upper(), 422),
        (PASSWORD, BAKER[:-1], 422),
    ],
)
async def test_without_the_password_or_the_name_nothing_is_switched_on(
    house: House, password: str, confirm: str, status: int
) -> None:
    await house.register(Mode.SIMULATION)
    await add_user(house, "ann", ADMINISTRATOR)

    async with browser_of(house, "ann") as browser:
        sent = {"mode": "on", "password": password, "confirm": confirm}
        answer = await browser.post(MODE, json=sent)

    assert answer.status_code == status
    assert PASSWORD not in answer.text
    assert (await stored(house)).mode is Mode.SIMULATION


async def test_no_token_switches_on_but_every_administrators_token_switches_off(
    house: House,
) -> None:
    await house.register(Mode.SIMULATION)
    await add_user(house, "ann", ADMINISTRATOR)
    token = await add_token(house, "program", ADMINISTRATOR)
    async with new_client(house.url, {"Authorization": f"Bearer {token}"}) as program:
        for client in (house.client, program):
            sent = {"mode": "on", "password": PASSWORD, "confirm": BAKER}
            assert (await client.post(MODE, json=sent)).status_code == 403
            assert (await client.post(MODE, json={"mode": "off"})).status_code == 200
            assert (await stored(house)).mode is Mode.OFF
            assert (await client.post(MODE, json={"mode": "simulation"})).status_code == 200
            assert (await stored(house)).mode is Mode.SIMULATION


async def test_another_sites_page_switches_nothing(house: House) -> None:
    await house.register(Mode.SIMULATION)
    await add_user(house, "ann", ADMINISTRATOR)

    async with browser_of(house, "ann") as browser:
        sent = {"mode": "on", "password": PASSWORD, "confirm": BAKER}
        answer = await browser.post(MODE, json=sent, headers={"sec-fetch-site": "cross-site"})

    assert answer.status_code == 403
    assert (await stored(house)).mode is Mode.SIMULATION


async def test_asking_for_the_password_again_is_no_way_to_guess_it(house: House) -> None:
    await house.register(Mode.SIMULATION)
    await add_user(house, "ann", ADMINISTRATOR)

    async with browser_of(house, "ann") as browser:
        for number in range(6):
            sent = {"mode": "on", "password": f"guess {number}", "confirm": BAKER}
            last = await browser.post(MODE, json=sent)
        right = {"mode": "on", "password": PASSWORD, "confirm": BAKER}
        answer = await browser.post(MODE, json=right)

    assert "too many" in last.json()["detail"]
    assert answer.status_code == 403
    assert (await stored(house)).mode is Mode.SIMULATION
