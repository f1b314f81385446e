"""What a person reads of a baker: was everyone paid, how much, by which operation, what failed."""

import re

from bakehouse.jobs.job_requests import cycle_monitor_id
from bakehouse.jobs.job_types import JSON
from bakehouse.ledger import payouts
from bakehouse.ledger.payouts import NewPayout
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode, PayoutState
from bakehouse.rewards.money import BasisPoints, Mutez
from tests.web.conftest import BAKER, HOSTILE, NOW, House
from tests.web.html_page import Page
from tests.web.scenes import BURN, address, operation_hash

NETS = {address(number): 1_000_000 * number for number in range(1, 5)}
CYCLE = f"/bakers/{BAKER}/cycles/1336"
EXPLORED = f"https://explorer.example/{operation_hash(9)}"


# Home


async def test_home_tells_that_every_finished_cycle_is_paid(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        await scene.pay(NETS, counter=9)

    page = await house.page("/")

    assert "Every finished cycle is paid." in page.text
    assert "Last paid cycle 1336 10.00 tez, all 4 payouts" in page.text
    assert "1336 paid" in page.text


async def test_home_tells_how_far_a_payment_is(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        await scene.sign(NETS, counter=9)

    page = await house.page("/")

    assert "1 payment is on the way." in page.text
    assert "0 of 4 payouts, 10.00 tez in all" in page.text
    assert page.values("max", "progress") == ["4"]


async def test_home_tells_that_cycles_failed_before_all_else(house: House) -> None:
    await house.register()
    for cycle in (1336, 1337):
        async with house.scene(cycle) as scene:
            await scene.fail("the split does not add up")
    async with house.scene(1338) as scene:
        await scene.see()

    page = await house.page("/")

    assert "2 payments failed: they wait for a person." in page.text
    assert "the split does not add up" in page.values("title", "a")


async def test_home_shows_many_bakers_by_pages_and_those_in_trouble_first(house: House) -> None:
    many = [address(number) for number in range(1, 103)]
    for each in many:
        await house.register(baker_id=each)
    await house.register()
    async with house.scene(1336) as scene:
        await scene.fail("the split does not add up")

    first, second = await house.page("/"), await house.page("/?offset=100")

    assert "103 in all, 1 needs a person" in first.text
    assert bakers_of(first) == [BAKER, *many[:99]]
    assert "1 to 100 of 103" in first.text
    assert "/?offset=100" in first.values("href", "a")
    assert bakers_of(second) == many[99:]
    assert bakers_of(await house.page("/?offset=200")) == []


def bakers_of(page: Page) -> list[str]:
    """Which bakers a page has a row of, in their order."""
    opened = page.values("id", "a")
    return [each.removeprefix("open-") for each in opened if each.startswith("open-")]


async def test_home_tells_of_a_baker_in_simulation_what_was_simulated(house: House) -> None:
    await house.register(Mode.SIMULATION)
    async with house.scene(mode=Mode.SIMULATION) as scene:
        await scene.simulate(NETS)

    page = await house.page("/")

    assert "Every finished cycle is simulated." in page.text
    assert "Last simulated cycle 1336" in page.text


async def test_home_tells_that_nothing_happens_while_a_baker_is_off(house: House) -> None:
    await house.register(Mode.OFF)

    page = await house.page("/")

    assert "Off: cycles are not looked at." in page.text
    assert "not scheduled" in page.text


async def test_home_tells_what_the_queue_knows(house: House) -> None:
    await house.register()
    await house.scheduler.initialize_schedules(BAKER)
    balance: JSON = {"balance": "1234567890", "level": 7, "at": NOW.isoformat()}
    await house.workshop.cache.set(f"balance:{BAKER}", balance, 60)
    last: JSON = {"at": NOW.isoformat(), "ok": True, "value": {"current_cycle": 1340}}
    await house.workshop.cache.set(f"last-run:{cycle_monitor_id(BAKER)}", last, 60)

    page = await house.page("/")

    assert "Current cycle 1340" in page.text
    # Half an interval of ten minutes at the least, one and a half at the most.
    found = re.search(r"Next check in (\d+) min", page.text)
    assert found
    assert 5 <= int(found[1]) + 1 <= 15
    assert "Wallet 1,234.56 tez" in page.text
    assert "1234567890" in page.values("value", "data")
    assert "2026-11-24T12:00:00Z" in page.values("datetime", "time")


async def test_home_shows_what_the_ledger_has_while_the_queue_is_silent(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        await scene.pay(NETS, counter=9)
    await house.valkey.stop()

    page = await house.page("/")

    assert "The queue does not answer." in page.text
    assert "Every finished cycle is paid." in page.text


async def test_the_strip_tells_the_bond_pool_from_the_delegators(house: House) -> None:
    await house.register()
    for counter, kind in enumerate(DistributionKind):
        async with house.scene(kind=kind) as scene:
            await scene.pay(NETS, counter=counter)

    page = await house.page("/")

    assert "1336 bond pool paid 1336 paid" in page.text


# A cycle


async def test_a_paid_cycle_shows_its_proof_its_payouts_and_where_to_look(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        await scene.pay(NETS, counter=9)

    page = await house.page(CYCLE)

    assert page.title == "Cycle 1336, paid · Bakehouse"
    assert "✓ The parts add up to the pool, to the mutez." in page.text
    assert "✓ The payouts, added up row by row" in page.text
    for shown in ("10.000000", "0.000020", "0.000007", "0.000002", "10.000029", "0.064250"):
        assert shown in page.text
    assert str(BURN) in page.values("value", "data")
    assert page.values("href", "a").count(EXPLORED) == 1 + len(NETS)
    assert all(each in page.text for each in NETS)
    assert not page.values("http-equiv", "meta")


async def test_payouts_that_do_not_come_to_the_plan_are_not_called_right(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        planned = await scene.plan(NETS)
        one_more = NewPayout(
            kind="delegator",
            owed_to=address(99),
            delegated_balance=Mutez(1),
            gross=Mutez(1),
            fee_basis_points=BasisPoints(0),
            fee=Mutez(0),
            net=Mutez(1),
            state=PayoutState.OWED,
        )
        await payouts.add(scene.tx, planned, [one_more])

    page = await house.page(CYCLE)

    assert "✗ The payouts do not come to what is planned for them." in page.text


async def test_a_cycle_under_way_is_loaded_again_unless_paused(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        await scene.sign(NETS, counter=9)

    live, paused = await house.page(CYCLE), await house.page(f"{CYCLE}?live=off&mode=on")

    assert live.values("http-equiv", "meta") == ["refresh"]
    assert not paused.values("http-equiv", "meta")
    assert f"{CYCLE}?mode=on" in paused.values("href", "a")
    assert "assigned 4" in live.text


async def test_a_cycle_that_was_only_seen_says_that_nothing_is_planned(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        await scene.see()

    page = await house.page(CYCLE)

    assert "There is no plan yet" in page.text


async def test_a_failed_cycle_shows_its_message_as_text(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        await scene.fail(HOSTILE)

    page = await house.page(CYCLE)

    assert f"Failed: {HOSTILE}" in page.text
    assert HOSTILE not in page.html


async def test_a_held_payout_shows_its_reason_as_text(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        planned = await scene.plan(NETS)
        owed = await payouts.in_state(scene.tx, planned, PayoutState.OWED)
        await payouts.hold(scene.tx, [owed[0].id], HOSTILE)

    page = await house.page(CYCLE)

    assert f"held {HOSTILE}" in page.text
    assert HOSTILE not in page.html


async def test_a_carried_payout_paid_later_points_to_another_cycle(house: House) -> None:
    await house.register()
    async with house.scene(1336) as scene:
        first = await scene.see()
        await scene.enter(first, DistributionState.REWARDS_PENDING)
        carried = NewPayout(
            kind="delegator",
            owed_to=address(1),
            delegated_balance=Mutez(1),
            gross=Mutez(3),
            fee_basis_points=BasisPoints(0),
            fee=Mutez(0),
            net=Mutez(3),
            state=PayoutState.CARRIED,
        )
        await payouts.add(scene.tx, first, [carried])
    async with house.scene(1337) as scene:
        later = await scene.see()
        waiting = await payouts.carried(scene.tx, BAKER, Mode.ON)
        await payouts.release_carried(scene.tx, later, waiting[address(1)], PayoutState.OWED)
    async with house.scene(1337) as scene:
        await scene.pay(NETS, counter=9)

    told = await house.client.get(f"/api{CYCLE}/payouts")

    (payout,) = told.json()["payouts"]
    assert (payout["state"], payout["operation"]) == ("paid", None)


async def test_a_simulated_cycle_says_that_nothing_was_signed(house: House) -> None:
    await house.register(Mode.SIMULATION)
    async with house.scene(mode=Mode.SIMULATION) as scene:
        await scene.simulate(NETS)

    page = await house.page(f"{CYCLE}?mode=simulation")

    assert "simulation: nothing is signed" in page.text
    assert "Nothing was signed for this cycle." in page.text


async def test_the_payments_of_one_cycle_and_its_neighbours_are_a_click_away(house: House) -> None:
    await house.register()
    for counter, cycle in enumerate((1335, 1336, 1338)):
        async with house.scene(cycle) as scene:
            await scene.pay(NETS, counter=counter)
    async with house.scene(1336, DistributionKind.BOND_POOL) as scene:
        await scene.pay(NETS, counter=9)

    page = await house.page(CYCLE)

    links = page.values("href", "a")
    query = "?kind=delegators&mode=on"
    assert f"/bakers/{BAKER}/cycles/1335{query}" in links
    assert f"/bakers/{BAKER}/cycles/1338{query}" in links
    assert f"{CYCLE}?kind=bond_pool&mode=on" in links
    bond_pool = await house.page(f"{CYCLE}?kind=bond_pool&mode=on")
    assert "For members" in bond_pool.text


async def test_more_than_a_hundred_payouts_are_shown_page_by_page(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        await scene.plan({address(number): number for number in range(1, 104)})

    first = await house.page(CYCLE)
    last = await house.page(f"{CYCLE}?offset=100")
    beyond = await house.page(f"{CYCLE}?offset=1000")

    assert "1 to 100" in first.text
    assert f"{CYCLE}?kind=delegators&mode=on&offset=100#payouts" in first.values("href", "a")
    assert "101 to 103" in last.text
    assert [address(number) in last.text for number in (1, 2, 3, 4)] == [True, True, True, False]
    assert "There are not that many." in beyond.text
