"""Bakers, cycles, payouts and alerts as programs read them: exact, in order, page by page."""

import json
from typing import Any

from bakehouse.ledger import alerts, payouts
from bakehouse.ledger.states import DistributionKind, Mode, PayoutState
from tests.web.conftest import BAKER, NETWORK, NOW, House
from tests.web.scenes import BURN, LEVEL, SOURCE_FEE, address, operation_hash

NETS = {address(number): 1_000 * number for number in range(1, 8)}
CYCLES = f"/api/bakers/{BAKER}/cycles"


async def read(house: House, path: str, **params: Any) -> dict[str, Any]:
    answer = await house.client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_a_baker_is_shown_with_its_settings(house: House) -> None:
    await house.register(Mode.SIMULATION)

    one = await read(house, f"/api/bakers/{BAKER}")

    assert await read(house, "/api/bakers") == {"bakers": [one]}
    assert one["baker_id"] == one["payout_address"] == BAKER
    assert (one["network"], one["mode"]) == (NETWORK, "simulation")
    assert one["default_fee_basis_points"] == 1_000
    assert one["minimum_payout"] == "0"
    assert one["update_freq"] == 10


async def test_a_house_without_bakers_has_empty_lists(house: House) -> None:
    assert await read(house, "/api/bakers") == {"bakers": []}
    assert await read(house, "/api/alerts") == {"alerts": [], "next_offset": None}


async def test_cycles_come_newest_first_and_as_many_as_wanted(house: House) -> None:
    await house.register()
    for cycle in (1336, 1337, 1338):
        async with house.scene(cycle) as scene:
            await scene.fail("the indexer lags")

    listed = (await read(house, CYCLES))["cycles"]

    assert [each["cycle"] for each in listed] == [1338, 1337, 1336]
    assert {(each["state"], each["message"]) for each in listed} == {("failed", "the indexer lags")}
    assert {each["snapshot_sha256"] for each in listed} == {None}
    assert [each["cycle"] for each in (await read(house, CYCLES, limit=1))["cycles"]] == [1338]


async def test_the_sums_of_a_cycle_add_up_as_they_are_told(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        await scene.plan(NETS)

    (cycle,) = (await read(house, CYCLES))["cycles"]

    parts = ("own_part", "total_fees", "total_net", "dust")
    assert int(cycle["pool"]) == sum(int(cycle[part]) for part in parts)
    assert int(cycle["total_net"]) == sum(NETS.values())
    assert cycle["created_at"] == "2026-11-24T12:00:00Z"


async def test_a_paid_payout_names_the_operation_that_paid_it(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        await scene.pay(NETS, counter=9)

    told = await read(house, f"{CYCLES}/1336/payouts")

    assert {each["address"]: int(each["net"]) for each in told["payouts"]} == NETS
    assert {each["operation"] for each in told["payouts"]} == {operation_hash(9)}
    assert {each["state"] for each in told["payouts"]} == {"paid"}
    assert told["operations"] == [
        {
            "hash": operation_hash(9),
            "state": "final",
            "level": LEVEL + 9,
            "transfers": len(NETS),
            "amount": str(sum(NETS.values())),
            "fee": str(SOURCE_FEE * len(NETS)),
            "burn": str(BURN),
        }
    ]


async def test_payouts_come_largest_first_and_page_by_page_to_the_last(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        await scene.plan(NETS)

    seen: list[int] = []
    offset: int | None = 0
    while offset is not None:
        page = await read(house, f"{CYCLES}/1336/payouts", limit=3, offset=offset)
        seen += [int(each["net"]) for each in page["payouts"]]
        offset = page["next_offset"]

    assert seen == sorted(NETS.values(), reverse=True)
    beyond = await read(house, f"{CYCLES}/1336/payouts", offset=len(NETS))
    assert (beyond["payouts"], beyond["next_offset"]) == ([], None)


async def test_kind_and_mode_choose_between_the_payments_of_one_cycle(house: House) -> None:
    await house.register()
    wanted = {
        (DistributionKind.DELEGATORS, Mode.ON): 11,
        (DistributionKind.DELEGATORS, Mode.SIMULATION): 12,
        (DistributionKind.BOND_POOL, Mode.ON): 13,
        (DistributionKind.BOND_POOL, Mode.SIMULATION): 14,
    }
    for (kind, mode), net in wanted.items():
        async with house.scene(1336, kind, mode) as scene:
            await scene.plan({address(1): net})

    for (kind, mode), net in wanted.items():
        told = await read(house, f"{CYCLES}/1336/payouts", kind=kind, mode=mode)
        (payout,) = told["payouts"]
        assert payout["net"] == str(net)
        assert payout["operation"] is None


async def test_a_held_payout_says_why(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        planned = await scene.plan({address(1): 5})
        (owed,) = await payouts.in_state(scene.tx, planned, PayoutState.OWED)
        await payouts.hold(scene.tx, [owed.id], "a transfer to it would fail")

    (payout,) = (await read(house, f"{CYCLES}/1336/payouts"))["payouts"]

    assert (payout["state"], payout["reason"]) == ("held", "a transfer to it would fail")


async def test_amounts_survive_readers_that_know_only_floats(house: House) -> None:
    await house.register()
    amount = 2**53 + 1
    async with house.scene() as scene:
        await scene.plan({address(1): amount})

    answer = await house.client.get(f"{CYCLES}/1336/payouts")

    (payout,) = json.loads(answer.text, parse_int=float)["payouts"]
    assert payout["net"] == str(amount)


async def test_open_alerts_are_told_until_their_cause_is_gone(house: House) -> None:
    ledger = house.workshop.payer.ledger
    for _ in range(2):
        async with ledger.write() as tx:
            await alerts.raise_alert(
                tx, code="payout-held", subject="s", message="m", at=NOW, baker_id=BAKER
            )

    (alert,) = (await read(house, "/api/alerts"))["alerts"]
    assert alert == {
        "id": 1,
        "code": "payout-held",
        "severity": "warning",
        "title": "Payouts are held back",
        "subject": "s",
        "message": "m",
        "advice": "Look at the reasons (`bakehouse held`), then release or drop each.",
        "baker_id": BAKER,
        "raised_at": "2026-11-24T12:00:00Z",
        "repeated_at": "2026-11-24T12:00:00Z",
        "times": 2,
        "acknowledged_at": None,
        "acknowledged_by": None,
        "closed_at": None,
    }

    async with ledger.write() as tx:
        await alerts.close(tx, code="payout-held", subject="s", at=NOW)
    assert (await read(house, "/api/alerts"))["alerts"] == []
