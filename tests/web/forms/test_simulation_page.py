"""What would be paid now, and why; what-if by address; kept on the server under its hash."""

import pytest

from bakehouse.ledger import bakers, payout_rules
from bakehouse.payments.what_if import preview
from bakehouse.rewards.money import BasisPoints, format_tez
from bakehouse.rewards.payout_rules import DelegatorRule, IncomeShare, Listing
from tests.web.forms.conftest import Bakery, shown
from tests.web.scenes import address

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def path(bakery: Bakery) -> str:
    return f"/bakers/{bakery.stone_oven}/simulation"


async def test_what_would_be_paid_is_shown_recipient_by_recipient_with_its_reason(
    bakery: Bakery, path: str
) -> None:
    expected = await preview(bakery.house.workshop.payer, bakery.stone_oven)

    page = await shown(bakery.viewer, path)

    plan = expected.plan
    assert f"What cycle {plan.cycle} would pay" in page.text
    assert "The parts add up to the pool" in page.text
    assert f"Due now, in tez {format_tez(plan.total_due_now)}" in page.text
    assert all(each.recipient in page.text for each in plan.payouts)
    assert "below the minimum: carried to the next cycle" in page.text
    assert "held: over the cap of a recipient" in page.text
    assert f"Against cycle {plan.cycle - 1}" in page.text
    assert f"{len(plan.payouts)} new, 1 left, 0 changed" in page.text


async def test_another_fee_and_minimum_are_tried_without_changing_anything(
    bakery: Bakery, path: str
) -> None:
    page = await shown(bakery.viewer, f"{path}?fee=0&minimum=0")

    assert "what if: 0 %, from 0.000000 tez" in page.text
    assert "default fee of 0 %" in page.text
    assert "carried to the next cycle" not in page.text
    assert (await bakery.baker(bakery.stone_oven)).default_fee == BasisPoints(1_000)


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("fee=101", "not a percentage"),
        ("minimum=1,5", "not an amount of tez"),
        ("cycle=soon", "not a whole number"),
        ("cycle=2000000", "has not begun"),
    ],
)
async def test_what_cannot_be_tried_is_told_with_what_was_asked(
    bakery: Bakery, path: str, query: str, complaint: str
) -> None:
    page = await shown(bakery.viewer, f"{path}?{query}", 422)

    name, _, value = query.partition("=")
    assert complaint in page.text
    assert page.entries[name] == value


async def test_a_running_cycle_is_called_so(bakery: Bakery, path: str) -> None:
    running = bakery.chain.settings.starting_cycle + 1
    page = await shown(bakery.viewer, f"{path}?cycle={running}")
    assert "The cycle is not over" in page.text


async def test_a_plan_is_shown_again_by_its_hash_exactly_as_it_was(
    bakery: Bakery, path: str
) -> None:
    answer = await bakery.operator.post(path, data={"fee": "3"})
    kept = answer.headers["location"]
    assert (answer.status_code, kept.startswith(f"{path}/")) == (303, True)

    again = await shown(bakery.viewer, kept)
    assert "what if: 3 %" in again.text
    someone = (await preview(bakery.house.workshop.payer, bakery.stone_oven)).plan.payouts[0]
    found = await shown(bakery.viewer, f"{kept}?search={someone.recipient[10:]}")
    assert someone.recipient in found.text
    assert "1 " in found.text
    assert (await bakery.viewer.get(f"{path}/{'ab' * 32}")).status_code == 404
    assert (await bakery.other.get(kept)).status_code == 404


async def test_every_rule_shows_in_what_would_be_paid(bakery: Bakery, path: str) -> None:
    plan = (await preview(bakery.house.workshop.payer, bakery.stone_oven)).plan
    largest, second, *_ = sorted(plan.payouts, key=lambda each: -each.net)
    income = [IncomeShare(second.recipient, of_fees=BasisPoints(5_000))]
    rules = {
        largest.recipient: DelegatorRule(listing=Listing.IGNORED),
        second.recipient: DelegatorRule(recipient=address(5_500)),
    }
    await set_rules(bakery, rules, income)

    try:
        page = await shown(bakery.viewer, path)
    finally:
        await set_rules(bakery, {}, [])

    assert "The parts add up to the pool" in page.text
    assert f"Kept of excluded delegators {format_tez(largest.gross)}" in page.text
    assert f"Not paid, ignored: {format_tez(largest.gross)} tez to the baker 1" in page.text
    assert "For named addresses: fee share" in page.text
    assert f"{second.recipient} fee share of the baker's income" in page.text
    assert f"sent to {address(5_500)}" in page.text
    assert "with its other payout" in page.text
    assert "2 delegators have rules; 1 address has a share of the income." in page.text


async def set_rules(
    bakery: Bakery, rules: dict[str, DelegatorRule], income: list[IncomeShare]
) -> None:
    async with bakery.write() as tx:
        baker = await bakers.get(tx, bakery.stone_oven)
        at = bakery.now
        await payout_rules.replace_delegators(tx, baker, rules, actor="test", at=at)
        await payout_rules.replace_income(tx, baker, income, actor="test", at=at)


async def test_looking_keeps_nothing_and_finds_a_recipient_all_the_same(
    bakery: Bakery, path: str
) -> None:
    plan = (await preview(bakery.house.workshop.payer, bakery.stone_oven)).plan
    someone, other = plan.payouts[0].recipient, plan.payouts[1].recipient
    kept = f"/api{path}s"
    before = (await bakery.viewer.get(kept)).json()

    page = await shown(bakery.viewer, f"{path}?fee=7&search={someone[10:]}")

    assert "what if: 7 %" in page.text
    assert someone in page.text
    assert other not in page.text
    assert "Keep this simulation" not in page.text
    assert (await bakery.viewer.get(kept)).json() == before
    refused = await bakery.viewer.post(path, data={"fee": "7"})
    assert refused.status_code == 403


async def test_what_cannot_be_worked_out_is_not_kept(bakery: Bakery, path: str) -> None:
    answer = await bakery.operator.post(path, data={"fee": "101"})
    assert answer.status_code == 422
    assert "not a percentage" in answer.text


async def test_a_baker_that_the_indexer_does_not_know_is_told(bakery: Bakery) -> None:
    baker_id = await bakery.register()
    page = await shown(bakery.viewer, f"/bakers/{baker_id}/simulation", 409)
    assert "alert" in page.values("role", "p")
