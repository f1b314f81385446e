"""What a person decides by the API, from the plan that was seen to payouts that were held."""

from typing import Any

import pytest

from bakehouse.ledger import audit, bakers, operations, payouts
from bakehouse.ledger.states import OperationState, PayoutState
from tests.web.conftest import BAKER, DELEGATORS, NOW, STRANGER, House
from tests.web.scenes import address, operation_hash

PATH = f"/api/bakers/{BAKER}"
CYCLE = f"{PATH}/cycles/1336"
WHY = {"why": "looked at it"}


async def read(house: House, path: str, **query: Any) -> Any:
    answer = await house.client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def decided(house: House, path: str, status: int = 200, **body: Any) -> Any:
    answer = await house.client.post(path, json={**WHY, **body})
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_cycle_is_approved_by_the_hash_that_was_read(house: House) -> None:
    await house.register()
    await house.plan_a_cycle()
    (waiting,) = (await read(house, "/api/waiting"))["pressing"]
    assert (waiting["kind"], waiting["amount"]) == ("go-needed", "100")

    refused = await decided(house, f"{CYCLE}/approve", 409, plan_sha256="0" * 64)
    assert "look at it again" in refused["detail"]
    seen = (await read(house, CYCLE))["plan_sha256"]
    await decided(house, f"{CYCLE}/approve", plan_sha256=seen)
    await decided(house, f"{CYCLE}/approve", 409, plan_sha256=seen)

    assert (await read(house, CYCLE))["approved_at"] is not None
    assert (await read(house, "/api/waiting"))["pressing"] == []


async def test_payouts_are_held_looked_for_released_and_dropped(house: House) -> None:
    await house.register()
    await house.plan_a_cycle()
    first, second = DELEGATORS

    await decided(house, f"{CYCLE}/hold", owed_to=first)
    await decided(house, f"{CYCLE}/hold", 409, owed_to=first)
    await decided(house, f"{CYCLE}/hold", owed_to=second)
    waiting = await read(house, "/api/waiting", limit=1)
    assert (waiting["held_count"], waiting["held_total"], waiting["next_offset"]) == (2, "100", 1)

    held = await read(house, f"{PATH}/payouts", state="held", search=first[:10])
    assert [each["owed_to"] for each in held["payouts"]] == [first]
    assert held["sums"] == {
        "count": 1,
        "gross": "65",
        "fee": "5",
        "net": "60",
        "withheld": "0",
        "received": "60",
    }
    assert held["payouts"][0]["reason"] == "looked at it (token:configured)"

    released = await decided(house, f"{CYCLE}/release", owed_to=first)
    assert released == {"cycle": 1336, "kind": "delegators", "payouts": 1}
    await decided(house, f"{CYCLE}/drop")
    await decided(house, f"{CYCLE}/drop", 404)
    states = {
        each["owed_to"]: each["state"]
        for each in (await read(house, f"{CYCLE}/payouts"))["payouts"]
    }
    assert states == {first: "owed", second: "dropped"}


async def test_a_failed_cycle_is_retried_once(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        await scene.fail("no rewards yet")
    (waiting,) = (await read(house, "/api/waiting"))["pressing"]
    assert (waiting["kind"], waiting["reason"]) == ("failed", "no rewards yet")

    await decided(house, f"{CYCLE}/retry")
    await decided(house, f"{CYCLE}/retry", 409)

    assert (await read(house, CYCLE))["distribution"]["state"] == "rewards_pending"


async def test_an_operation_is_shown_with_its_answers_and_can_be_cancelled(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        signed = await scene.sign({address(1): 60, address(2): 40}, counter=7)
        await operations.record_attempt(scene.tx, signed, at=NOW, node="a node", answer="accepted")
    path = f"{PATH}/operations/{operation_hash(7)}"

    listed = (await read(house, f"{PATH}/operations", cycle=1336, state="signed"))["operations"]
    found = await read(house, path)
    assert listed == [found["operation"]]
    assert (listed[0]["transfers"], listed[0]["amount"]) == (2, "100")
    assert [each["answer"] for each in found["attempts"]] == ["accepted"]
    assert (await read(house, f"{PATH}/operations", cycle=1337))["operations"] == []

    cancelled = await decided(house, f"{path}/cancel", 202)
    assert cancelled["operation"]["cancel_requested_at"] is not None
    dead = await decided(house, f"{path}/declare-dead", 409)
    assert "not quarantined" in dead["detail"]


async def test_a_quarantined_operation_is_declared_dead_and_its_payouts_wait(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        signed = await scene.sign({address(1): 60, address(2): 40}, counter=7)
        for state in (OperationState.INJECTED, OperationState.QUARANTINED):
            await operations.enter_state(scene.tx, signed, state, at=NOW)
    pressing = (await read(house, "/api/waiting"))["pressing"]
    by_kind = {each["kind"]: each for each in pressing}
    assert by_kind["quarantined"]["operation"] == operation_hash(7)

    path = f"{PATH}/operations/{operation_hash(7)}"
    assert await decided(house, f"{path}/declare-dead") == {"held": 2}

    assert (await read(house, "/api/waiting"))["held_count"] == 2


async def test_an_operation_of_another_baker_is_not_found(house: House) -> None:
    await house.register()
    await house.register(baker_id=STRANGER)
    async with house.scene() as scene:
        await scene.sign({address(1): 60}, counter=7)
    path = f"/api/bakers/{STRANGER}/operations/{operation_hash(7)}"

    assert (await house.client.get(path)).status_code == 404
    await decided(house, f"{path}/cancel", 404)
    await decided(house, f"{path}/declare-dead", 404)


async def test_a_paused_baker_is_off_with_the_reason_on_record(house: House) -> None:
    await house.register()

    paused = await decided(house, f"{PATH}/pause")

    assert paused["mode"] == "off"
    async with house.workshop.payer.ledger.read() as tx:
        assert (await bakers.get(tx, BAKER)).mode == "off"
        (event,) = await audit.latest(tx, limit=1)
    assert (event.action, event.detail) == ("baker.paused", {"why": "looked at it"})


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("why", ["", " ", "x" * 501, None])
@pytest.mark.parametrize(
    "route", ["pause", "cycles/1336/retry", "cycles/1336/release", "cycles/1336/drop"]
)
async def test_no_decision_without_a_reason(still_house: House, route: str, why: Any) -> None:
    answer = await still_house.client.post(f"{PATH}/{route}", json={"why": why})

    assert answer.status_code == 422
    assert "why" in answer.json()["detail"]


async def test_payouts_of_all_cycles_are_paged_newest_first_with_sums_of_all(house: House) -> None:
    await house.register()
    for cycle in (1336, 1337):
        async with house.scene(cycle) as scene:
            await scene.plan({address(number): number for number in range(1, 6)})
    seen: list[tuple[int, str]] = []
    offset: int | None = 0

    while offset is not None:
        page = await read(house, f"{PATH}/payouts", offset=offset, limit=3)
        seen += [(each["cycle"], each["net"]) for each in page["payouts"]]
        offset = page["next_offset"]
        assert page["sums"]["count"] == 10

    assert seen == [(cycle, str(net)) for cycle in (1337, 1336) for net in (5, 4, 3, 2, 1)]
    several = await read(house, f"{PATH}/payouts", state=["owed", "held"], cycle=1336)
    assert several["sums"]["net"] == "15"


async def test_a_held_payout_is_not_lost_between_pages(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        planned = await scene.plan({address(number): number for number in range(1, 8)})
        owed = await payouts.in_state(scene.tx, planned, PayoutState.OWED)
        await payouts.hold(scene.tx, [row.id for row in owed], "over the cap")
    seen: list[str] = []
    offset: int | None = 0

    while offset is not None:
        page = await read(house, "/api/waiting", offset=offset, limit=2)
        seen += [each["amount"] for each in page["held"]]
        offset = page["next_offset"]

    assert seen == [str(net) for net in range(7, 0, -1)]
