"""Deductions in a browser: agreed with whose consent, shown with what is left, and waived."""

import pytest

from bakehouse.ledger import deductions
from bakehouse.ledger.deductions import Deduction
from bakehouse.rewards.money import Mutez
from tests.web.forms.conftest import Bakery, followed, sent, shown
from tests.web.scenes import address

pytestmark = pytest.mark.asyncio(loop_scope="session")

FROM = address(78)
TYPED = {
    "owed_to": FROM,
    "amount": "0.5",
    "consent": "the delegator, by mail",
    "why": "paid <twice> in cycle 750",
    "key": "d-1",
}


async def deductions_of(bakery: Bakery, baker_id: str) -> list[Deduction]:
    async with bakery.house.workshop.payer.ledger.read() as tx:
        return await deductions.of_baker(tx, baker_id)


async def agreed(bakery: Bakery, baker_id: str | None = None) -> str:
    baker_id = baker_id or await bakery.register()
    await followed(bakery.administrator, f"/bakers/{baker_id}/deductions/new", TYPED)
    return baker_id


async def test_a_deduction_is_entered_once_with_whose_consent(bakery: Bakery) -> None:
    baker_id = await agreed(bakery)

    page = await followed(bakery.administrator, f"/bakers/{baker_id}/deductions/new", TYPED)

    assert "the next plans take it off" in page.text
    assert f"From {FROM} 0.500000 tez 0.500000 left Paid <twice> in cycle 750." in page.text
    assert "Agreed: The delegator, by mail. user:anna" in page.text
    (entered,) = await deductions_of(bakery, baker_id)
    assert (entered.owed_to, entered.amount) == (FROM, 500_000)
    assert entered.consent == "the delegator, by mail"


@pytest.mark.parametrize("name", ["owed_to", "amount", "consent", "why"])
async def test_nothing_is_deducted_while_something_is_not_said(bakery: Bakery, name: str) -> None:
    baker_id = await bakery.register()
    path = f"/bakers/{baker_id}/deductions/new"

    page = await sent(bakery.administrator, path, TYPED | {name: ""}, 422)

    assert [each for each in page.values("id", "p") if each.endswith("-error")] == [f"{name}-error"]
    assert await deductions_of(bakery, baker_id) == []


async def test_what_is_left_is_waived_if_it_is_what_was_seen(bakery: Bakery) -> None:
    baker_id = await agreed(bakery)
    (entered,) = await deductions_of(bakery, baker_id)
    path = f"/bakers/{baker_id}/deductions/{entered.id}/waive"
    question = await shown(bakery.administrator, path)
    form = {"seen": question.entries["seen"], "why": "they left"}
    async with bakery.scene(baker_id) as scene:
        taking = await scene.plan({address(1): 60})
        await deductions.take(scene.tx, entered.id, taking.id, Mutez(200_000))

    stale = await sent(bakery.administrator, path, form, 422)
    assert "a cycle has taken something of it" in stale.text.lower()
    assert "0.300000 tez left" in stale.text
    page = await followed(bakery.administrator, path, {**form, "seen": stale.entries["seen"]})

    assert "0.200000 tez taken · waived" in page.text
    assert path not in page.values("href", "a")
    (waived,) = await deductions_of(bakery, baker_id)
    assert waived.left == 0
    (event,) = await bakery.events("deduction.waived", baker_id)
    assert (event.actor, event.detail["why"]) == ("user:anna", "they left")
    again = await sent(bakery.administrator, path, {**form, "seen": "0"}, 422)
    assert "othing is left of deduction" in again.text


async def test_a_reader_sees_deductions_and_no_button(bakery: Bakery) -> None:
    baker_id = await agreed(bakery)

    page = await shown(bakery.operator, f"/bakers/{baker_id}/deductions")
    empty = await shown(bakery.operator, f"/bakers/{await bakery.register()}/deductions")

    assert "0.500000 left" in page.text
    assert not [each for each in page.values("href", "a") if "/waive" in each or "/new" in each]
    assert "Nothing is deducted from anybody." in empty.text
