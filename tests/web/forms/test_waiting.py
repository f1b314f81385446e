"""What waits for a person: shown with its reason, decided one by one or many at once."""

import re
from typing import Any

import pytest

from bakehouse.ledger import operations, payouts
from bakehouse.ledger.states import (
    DistributionState,
    Mode,
    PayoutState,
)
from tests.web.forms.conftest import ANOTHER, Bakery, followed, sent, shown
from tests.web.forms.waiting_things import CAP, NETS, WaitingThings
from tests.web.html_page import Page
from tests.web.scenes import address, operation_hash

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def scenes(bakery: Bakery, **settings: Any) -> WaitingThings:
    return WaitingThings(bakery, await bakery.register(**{"mode": Mode.ON, **settings}))


async def held_count(bakery: Bakery) -> str:
    page = await shown(bakery.operator, "/waiting")
    found = re.search(r"Held payouts (\d+),", page.text)
    assert found
    return found[1]


def ticked(page: Page) -> list[str]:
    return [each["value"] for each in page.fields if "checked" in each and each["name"] == "item"]


async def test_everything_that_waits_is_shown_with_its_reason_and_its_button(
    bakery: Bakery,
) -> None:
    some = await scenes(bakery)
    items = [await some.fail(1_400), *await some.hold(1_401), await some.quarantine(1_402, 71)]
    await some.alert()

    for_operator = await shown(bakery.operator, "/waiting")
    for_viewer = await shown(bakery.viewer, "/waiting")

    for words in ("the split does not add up", CAP, "could not be proven", "no node told what"):
        assert words in for_operator.text
        assert words in for_viewer.text
    assert set(items) <= set(for_operator.values("value", "input"))
    assert not set(items) & set(for_viewer.values("value", "input"))
    assert "declare-dead" in for_operator.values("value", "button")
    assert "declare-dead" not in for_viewer.values("value", "button")
    go = f"/bakers/{some.baker_id}/go/1401?kind=delegators"
    assert go in for_operator.values("href", "a")


async def test_nothing_of_other_bakers_is_shown(bakery: Bakery) -> None:
    some = await scenes(bakery)
    await some.fail(1_403, "only for those of this baker")

    page = await shown(bakery.other, "/waiting")

    assert "Nothing waits for you." in page.text
    assert "only for those of this baker" not in page.text


async def test_failed_cycles_are_retried_many_at_once(bakery: Bakery) -> None:
    some = await scenes(bakery)
    items = [await some.fail(1_404), await some.fail(1_405)]
    form = {"item": items, "decision": "retry", "why": "the indexer was repaired"}

    page = await followed(bakery.operator, "/waiting/failed", form)

    assert "Taken up again." in page.text
    for cycle in (1_404, 1_405):
        assert (await some.distribution(cycle)).state is DistributionState.REWARDS_PENDING
    event, _ = await bakery.events("distribution.retried", some.baker_id)
    assert (event.actor, event.detail["why"]) == ("user:otto", "the indexer was repaired")


async def test_held_payouts_are_released_at_once(bakery: Bakery) -> None:
    some = await scenes(bakery)
    first, *_ = await some.hold(1_406)
    form = {"item": [first], "decision": "release", "why": "it is the fund, all right"}

    page = await followed(bakery.operator, "/waiting/held", form)

    assert "Released" in page.text
    assert await some.states(1_406) == [PayoutState.OWED, PayoutState.HELD, PayoutState.HELD]


async def test_payouts_are_dropped_only_after_asking_once_more(bakery: Bakery) -> None:
    some = await scenes(bakery)
    items = (await some.hold(1_407))[:2]
    form = {"item": items, "decision": "drop", "why": "paid by hand"}

    asked = await sent(bakery.operator, "/waiting/held", form, 200)
    assert "never paid" in asked.text
    assert [value for value in asked.values("value", "input") if value in items] == items
    assert asked.entries["why"] == "paid by hand"
    assert await some.states(1_407) == [PayoutState.HELD] * 3

    page = await followed(bakery.operator, "/waiting/held", {**form, "confirmed": "yes"})
    assert "Dropped" in page.text
    assert await some.states(1_407) == [PayoutState.DROPPED] * 2 + [PayoutState.HELD]


async def test_all_are_decided_at_once_unless_there_are_more_than_were_seen(
    bakery: Bakery,
) -> None:
    some = await scenes(bakery)
    await some.hold(1_408)
    seen = await held_count(bakery)
    await some.hold(1_409)
    form = {"everything": "yes", "decision": "release", "why": "all are right", "count": seen}

    page = await sent(bakery.operator, "/waiting/held", form, 422)
    assert "look at them again" in page.text
    assert await some.states(1_408) == [PayoutState.HELD] * 3

    form["count"] = str(int(seen) + 3)
    await followed(bakery.operator, "/waiting/held", form)
    for cycle in (1_408, 1_409):
        assert await some.states(cycle) == [PayoutState.OWED] * 3


async def test_without_a_reason_it_is_asked_for(bakery: Bakery) -> None:
    some = await scenes(bakery)
    item = await some.fail(1_410)
    form = {"item": [item], "decision": "retry", "why": ""}

    page = await sent(bakery.operator, "/waiting/failed", form, 422)

    assert "why-error" in page.values("id", "p")
    assert page.entries["item"] == item
    assert (await some.distribution(1_410)).state is DistributionState.FAILED


async def test_with_nothing_ticked_nothing_is_decided(bakery: Bakery) -> None:
    some = await scenes(bakery)
    await some.fail(1_411)
    form = {"decision": "retry", "why": "the indexer was repaired"}

    page = await sent(bakery.operator, "/waiting/failed", form, 422)

    assert "Tick what your decision is about." in page.text
    assert "the indexer was repaired" in page.values("value", "input")


async def test_what_could_not_be_done_is_told_and_the_rest_is_done(bakery: Bakery) -> None:
    some = await scenes(bakery)
    failed, *held = await some.fail(1_412), *await some.hold(1_413)
    form = {"item": [held[0], failed], "decision": "release", "why": "they are right"}

    page = await sent(bakery.operator, "/waiting/held", form, 409)

    assert "This could not be done: No payout of" in page.text
    assert await some.states(1_413) == [PayoutState.OWED, PayoutState.HELD, PayoutState.HELD]


async def test_an_operation_is_declared_dead_after_asking_once_more(bakery: Bakery) -> None:
    some = await scenes(bakery)
    item = await some.quarantine(1_414, counter=72)
    form = {"item": [item], "decision": "declare-dead", "why": "three explorers know nothing"}

    asked = await sent(bakery.operator, "/waiting/operations", form, 200)
    assert "paid twice" in asked.text

    await followed(bakery.operator, "/waiting/operations", {**form, "confirmed": "yes"})
    assert await some.states(1_414) == [PayoutState.HELD] * 3


async def test_a_cancellation_is_asked_for(bakery: Bakery) -> None:
    some = await scenes(bakery)
    item = await some.quarantine(1_415, counter=73)
    form = {"item": [item], "decision": "cancel", "why": "the fee is too low"}

    await followed(bakery.operator, "/waiting/operations", form)

    async with bakery.write() as tx:
        operation = await operations.find(tx, operation_hash(73))
    assert operation is not None
    assert operation.cancel_requested_at is not None


async def test_nobody_decides_about_another_bakers_things(bakery: Bakery) -> None:
    some = await scenes(bakery)
    held, failed = (await some.hold(1_416))[0], await some.fail(1_417)
    dead = await some.quarantine(1_418, counter=74)
    for section, decision, item in (
        ("held", "release", held),
        ("held", "drop", held),
        ("failed", "retry", failed),
        ("operations", "declare-dead", dead),
        # Naming an own baker beside another's operation does not help.
        ("operations", "declare-dead", f"{ANOTHER}|1|delegators|on||{operation_hash(74)}"),
    ):
        form = {"item": [item], "decision": decision, "why": "mine now", "confirmed": "yes"}
        page = await sent(bakery.other, f"/waiting/{section}", form, 409)
        assert "could not be done" in page.text
    assert await some.states(1_416) == [PayoutState.HELD] * 3
    assert await some.states(1_418) == [PayoutState.ASSIGNED] * 3


async def test_alerts_that_were_seen_stay_and_wait_for_nobody(bakery: Bakery) -> None:
    some = await scenes(bakery)
    alert_id = str(await some.alert())

    for browser, form in ((bakery.operator, {}), (bakery.other, {"item": alert_id})):
        page = await sent(browser, "/waiting/alerts", form, 422)
        assert "alert" in page.values("role", "p")
    page = await followed(bakery.operator, "/waiting/alerts", {"item": alert_id})

    assert "seen by user:otto" in page.text
    assert f"alert-{alert_id}" not in page.values("id", "input")
    assert len(await bakery.events("alert.acknowledged", some.baker_id)) == 1


@pytest.mark.parametrize("item", ["", "x", "a|b|c|d|e|f", "x|1|x|on||"])
async def test_what_no_box_of_ours_says_is_refused(bakery: Bakery, item: str) -> None:
    form = {"item": [item], "decision": "release", "why": "odd"}
    assert (await bakery.operator.post("/waiting/held", data=form)).status_code == 422
    form["decision"] = "pay-twice"
    assert (await bakery.operator.post("/waiting/held", data=form)).status_code == 422


async def test_a_go_names_the_plan_that_was_seen_by_its_hash(bakery: Bakery) -> None:
    some = await scenes(bakery)
    async with bakery.scene(some.baker_id, 1_419) as scene:
        await scene.plan(NETS)
    path = f"/bakers/{some.baker_id}/go/1419"

    page = await shown(bakery.operator, path)
    assert all(whom in page.text for whom in NETS)
    plan = page.entries["plan"]

    page = await sent(bakery.operator, path, {"plan": plan, "why": ""}, 422)
    assert "why-error" in page.values("id", "p")
    page = await sent(bakery.operator, path, {"plan": "ab" * 32, "why": "fine"}, 409)
    assert "is not the one you saw" in page.text
    assert (await some.distribution(1_419)).approved_at is None

    page = await followed(bakery.operator, path, {"plan": plan, "why": "the sums are right"})
    assert "The cycle may go" in page.text
    assert (await some.distribution(1_419)).approved_at is not None
    page = await sent(bakery.operator, path, {"plan": plan, "why": "twice"}, 409)
    assert "needs no go" in page.text


async def test_held_payouts_come_a_page_at_a_time(bakery: Bakery) -> None:
    some = await scenes(bakery)
    # The newest of all cycles: else what other tests hold would be shown on later pages.
    async with bakery.scene(some.baker_id, 9_420) as scene:
        planned = await scene.plan({address(number): number for number in range(1, 131)})
        owed = await payouts.in_state(scene.tx, planned, PayoutState.OWED)
        await payouts.hold(scene.tx, [each.id for each in owed], CAP)

    first = await shown(bakery.operator, "/waiting")
    second = await shown(bakery.operator, "/waiting?offset=100")

    assert "/waiting?offset=100#held" in first.values("href", "a")
    boxes = [each for page in (first, second) for each in page.values("value", "input")]
    held = [each for each in boxes if each.startswith(f"{some.baker_id}|9420|")]
    assert len(held) + len(ticked(first)) >= 100
