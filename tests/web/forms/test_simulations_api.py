"""Simulations by the API, over HTTP: worked out from the indexer, kept, and read again."""

import pytest

from bakehouse.payments.what_if import OtherRules, preview
from bakehouse.rewards.money import BasisPoints, Mutez
from tests.web.forms.conftest import Bakery

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def path(bakery: Bakery) -> str:
    return f"/api/bakers/{bakery.stone_oven}/simulations"


async def test_a_cycle_is_simulated_by_other_rules_and_read_again_by_its_hash(
    bakery: Bakery, path: str
) -> None:
    rules = OtherRules(BasisPoints(250), Mutez(20_000))
    plan = (await preview(bakery.house.workshop.payer, bakery.stone_oven, None, rules)).plan

    sent = {"default_fee_basis_points": 250, "minimum_payout": "20000"}
    answer = await bakery.operator.post(path, json=sent)

    made = answer.json()
    assert answer.status_code == 201, made
    assert (made["cycle"], made["default_fee_basis_points"]) == (plan.cycle, 250)
    assert (made["minimum_payout"], made["pool"]) == ("20000", str(plan.pool))
    kept = f"{path}/{made['sha256']}"
    assert (await bakery.viewer.get(kept)).json() == made
    rows = (await bakery.viewer.get(f"{kept}/payouts", params={"limit": 1000})).json()["payouts"]
    assert {(each["owed_to"], each["net"]) for each in rows} == {
        (each.recipient, str(each.net)) for each in plan.payouts
    }
    listed = (await bakery.viewer.get(path)).json()["simulations"]
    assert made["sha256"] in {each["sha256"] for each in listed}


async def test_the_same_simulation_has_the_same_hash_and_is_kept_once(
    bakery: Bakery, path: str
) -> None:
    first, again = [(await bakery.operator.post(path, json={})).json() for _ in range(2)]

    assert first == again
    listed = (await bakery.viewer.get(path)).json()["simulations"]
    assert [each["sha256"] for each in listed].count(first["sha256"]) == 1


async def test_what_cannot_be_simulated_is_told_and_nothing_is_kept(
    bakery: Bakery, path: str
) -> None:
    before = (await bakery.viewer.get(path)).json()

    assert (await bakery.operator.post(path, json={"cycle": 2_000_000})).status_code == 422
    assert (await bakery.viewer.post(path, json={})).status_code == 403

    assert (await bakery.viewer.get(path)).json() == before
