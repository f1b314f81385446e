"""The audit trail and the books by the API, and where each baker stands."""

import csv
import io
import json
from typing import Any

import pytest

from bakehouse.jobs.job_types import JSON
from bakehouse.ledger.roles import Grant, Role
from bakehouse.ledger.states import Mode
from tests.web.conftest import BAKER, NOW, STRANGER, House, new_client
from tests.web.people import add_token
from tests.web.scenes import address

PATH = f"/api/bakers/{BAKER}"


async def read(house: House, path: str, **query: Any) -> Any:
    answer = await house.client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_trail_is_paged_and_filtered(house: House) -> None:
    await house.register()
    await house.plan_a_cycle()
    for frequency in (20, 30):
        await house.client.patch(PATH, json={"update_freq": frequency})
    seen: list[int] = []
    before: dict[str, int] = {}

    while True:
        page = await read(house, "/api/audit", limit=2, **before)
        seen += [each["id"] for each in page["events"]]
        if page["next_before"] is None:
            break
        before = {"before": page["next_before"]}

    whole = (await read(house, "/api/audit"))["events"]
    assert seen == [each["id"] for each in whole]
    changes = await read(house, "/api/audit", actor="configured", action="baker.")
    assert [each["detail"] for each in changes["events"]] == [
        {"update_freq": 30},
        {"update_freq": 20},
    ]
    planned = await read(house, "/api/audit", subject="/1336/", action="distribution.planned")
    assert len(planned["events"]) == 1
    late = await read(house, "/api/audit", since="2026-11-24T12:00:01Z")
    early = await read(house, "/api/audit", until="2026-11-24T13:00:01+01:00")
    assert len(early["events"]) + len(late["events"]) == len(whole)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_time_without_a_zone_is_refused(still_house: House) -> None:
    answer = await still_house.client.get("/api/audit", params={"since": "2026-11-24T12:00:00"})

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == ["query.since"]


async def test_who_sees_one_baker_is_told_of_that_one_only(house: House) -> None:
    await house.register()
    await house.register(baker_id=STRANGER)
    await house.plan_a_cycle()
    token = await add_token(house, "other", Grant(Role.VIEWER, frozenset({STRANGER})))

    async with new_client(house.url, {"Authorization": f"Bearer {token}"}) as other:
        trail = (await other.get("/api/audit")).json()["events"]
        waiting = (await other.get("/api/waiting")).json()
        standing = (await other.get("/api/overview")).json()["bakers"]

    assert [(each["action"], each["subject"]) for each in trail] == [("baker.added", STRANGER)]
    assert (waiting["pressing"], waiting["held"], waiting["held_count"]) == ([], [], 0)
    assert [each["baker_id"] for each in standing] == [STRANGER]


@pytest.mark.parametrize("form", ["csv", "json"])
async def test_the_books_are_exported_row_by_row(house: House, form: str) -> None:
    await house.register()
    nets = {address(number): number for number in range(1, 1_200)}
    for cycle in (1336, 1337):
        async with house.scene(cycle) as scene:
            await scene.plan(nets)

    answer = await house.client.get(f"{PATH}/export/payouts", params={"format": form})
    some = await house.client.get(
        f"{PATH}/export/payouts", params={"format": form, "first_cycle": 1337}
    )
    cycles = await house.client.get(f"{PATH}/export/cycles", params={"format": form})

    rows = rows_of(answer.text, form)
    assert answer.headers["content-type"].startswith(
        f"{'text' if form == 'csv' else 'application'}/{form}"
    )
    assert f'filename="payouts-{BAKER}.{form}"' in answer.headers["content-disposition"]
    assert len(rows) == 2 * len(nets)
    assert sum(int(row["net"]) for row in rows) == 2 * sum(nets.values())
    assert {row["cycle"] for row in rows_of(some.text, form)} == {"1337"}
    assert [row["cycle"] for row in rows_of(cycles.text, form)] == ["1336", "1337"]


def rows_of(text: str, form: str) -> list[dict[str, str]]:
    if form == "csv":
        return list(csv.DictReader(io.StringIO(text)))
    rows: list[dict[str, str]] = json.loads(text)
    return rows


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"first_cycle": 5, "last_cycle": 4}, 422),
        ({"year": 1}, 422),
        ({"format": "xlsx"}, 422),
        ({"mode": "simulation"}, 200),
    ],
)
async def test_a_span_that_cannot_be_is_refused_before_the_file_begins(
    still_house: House, query: dict[str, Any], status: int
) -> None:
    for what in ("payouts", "cycles"):
        answer = await still_house.client.get(f"{PATH}/export/{what}", params=query)
        assert answer.status_code == status
    unknown = f"/api/bakers/{STRANGER}/export/payouts"
    assert (await still_house.client.get(unknown)).status_code == 404


async def test_an_overview_tells_what_was_paid_what_goes_on_and_what_waits(house: House) -> None:
    await house.register()
    async with house.scene(1336) as scene:
        await scene.pay({address(1): 60, address(2): 40}, counter=1)
    async with house.scene(1337) as scene:
        await scene.plan({address(1): 70})
    async with house.scene(1338) as scene:
        await scene.fail("no rewards yet")

    (baker,) = (await read(house, "/api/overview"))["bakers"]

    assert baker == await read(house, f"{PATH}/overview")
    assert (baker["last_settled_cycle"], baker["open"], baker["failed"]) == (1336, [1337], [1338])
    (under_way,) = baker["under_way"]
    assert (under_way["cycle"], under_way["paid"], under_way["total"]) == (1337, 0, 1)
    assert baker["cycle_cost"] == "85"
    assert baker["outlook"] == dict.fromkeys(
        ("current_cycle", "next_check_at", "balance", "balance_at")
    )


async def test_an_overview_says_how_long_the_wallet_lasts_as_far_as_the_queue_knows(
    house: House,
) -> None:
    await house.register()
    async with house.scene() as scene:
        await scene.plan({address(1): 100})
    known: JSON = {"address": BAKER, "balance": "950", "level": 7, "at": NOW.isoformat()}
    await house.workshop.cache.set(f"balance:{BAKER}", known, 60)

    baker = await read(house, f"{PATH}/overview")
    assert (baker["outlook"]["balance"], baker["cycles_covered"]) == ("950", 9)

    await house.valkey.stop()
    baker = await read(house, f"{PATH}/overview")
    assert (baker["outlook"], baker["cycles_covered"], baker["open"]) == (None, None, [1336])


async def test_cycles_are_paged_in_one_mode_or_in_all(house: House) -> None:
    await house.register()
    for cycle in (1336, 1337):
        for mode in (Mode.ON, Mode.SIMULATION):
            async with house.scene(cycle, mode=mode) as scene:
                await scene.plan({address(1): 5})

    first = await read(house, f"{PATH}/cycles", limit=3)
    rest = await read(house, f"{PATH}/cycles", limit=3, offset=first["next_offset"])
    live = await read(house, f"{PATH}/cycles", mode="on")

    cycles = [each["cycle"] for each in (*first["cycles"], *rest["cycles"])]
    assert cycles == [1337, 1337, 1336, 1336]
    assert rest["next_offset"] is None
    assert [(each["cycle"], each["mode"]) for each in live["cycles"]] == [
        (1337, "on"),
        (1336, "on"),
    ]
