"""A plan as people see it: its rules, who is not paid, what is sent elsewhere, what arrived."""

import csv
import json
from collections.abc import Mapping
from typing import Any

import pytest

from bakehouse.ledger import (
    bakers,
    distributions,
    exclusions,
    leases,
    new_operations,
    operations,
    payout_rules,
    payouts,
)
from bakehouse.ledger.distributions import PlanFigures
from bakehouse.ledger.new_operations import NewOperation, NewTransfer
from bakehouse.ledger.payouts import NewPayout
from bakehouse.ledger.states import DistributionState, OperationState, PayoutState
from bakehouse.rewards.eligibility import ExclusionReason
from bakehouse.rewards.money import NO_SHARE, BasisPoints, Mutez
from bakehouse.rewards.payout_kind import PayoutKind
from bakehouse.rewards.payout_rules import (
    CostBearer,
    DelegatorRule,
    ExcludedShare,
    IncomeShare,
    PayoutRules,
    Rounding,
)
from bakehouse.rewards.plan_values import CarryReason, Exclusion
from tests.web.conftest import BAKER, House
from tests.web.scenes import Scene, address, operation_hash

CYCLE = f"/bakers/{BAKER}/cycles/1336"
API = f"/api/bakers/{BAKER}/cycles/1336"
ANN, BOB, CYD, DAN, EVE, REDIRECT = (address(number) for number in range(1, 7))

NETS = {ANN: 1_000_000, BOB: 2_000, CYD: 500_000}
WITHHELD = 400
#: Of the pool: own part, fees, excluded shares kept, payouts, dust.
FIGURES = PlanFigures(
    Mutez(1_503_000 + 3), Mutez(100), Mutez(800), Mutez(1_502_000), Mutez(3), 0, Mutez(100)
)
EXCLUDED = (
    Exclusion(DAN, Mutez(9_000_000), Mutez(100), ExclusionReason.IGNORED, ExcludedShare.BAKER),
    Exclusion(EVE, Mutez(7), Mutez(0), ExclusionReason.EMPTIED, ExcludedShare.EVERYONE),
)
RULES = PayoutRules(
    default_fee=BasisPoints(950),
    rounding=Rounding.FEE_FLOOR,
    minimum_balance=Mutez(5_000_000),
    delegators={ANN: DelegatorRule(transfer_fee_payer=CostBearer.DELEGATOR)},
    income=(IncomeShare(CYD, of_fees=BasisPoints(100)),),
)


def _payout(owed_to: str, kind: PayoutKind, **more: Any) -> NewPayout:
    net = Mutez(NETS[owed_to])
    values: Mapping[str, Any] = {"state": PayoutState.OWED, **more}
    return NewPayout(
        kind=kind,
        owed_to=owed_to,
        delegated_balance=Mutez(10 * net),
        gross=net,
        fee_basis_points=NO_SHARE,
        fee=Mutez(0),
        net=net,
        **values,
    )


async def plan(scene: Scene) -> None:
    """A plan in which something is of every kind, and Ann bears the fee of her transfer."""
    seen = await scene.see()
    await scene.enter(seen, DistributionState.REWARDS_PENDING)
    evidence = {
        "rules": RULES.document(),
        "expected_costs": {"fee": 410, "burn": 64_250},
    }
    await distributions.store_plan(
        scene.tx,
        seen,
        FIGURES,
        snapshot=json.dumps(evidence),
        snapshot_sha256="ab" * 32,
        at=scene.at,
    )
    await scene.enter(seen, DistributionState.PLANNED)
    rows = [
        _payout(ANN, PayoutKind.DELEGATOR, address=REDIRECT, bears_fee=True),
        _payout(BOB, PayoutKind.DELEGATOR, state=PayoutState.CARRIED, reason=CarryReason.MINIMUM),
        _payout(CYD, PayoutKind.FEE_SHARE),
    ]
    await payouts.add(scene.tx, seen, rows)
    await exclusions.add(scene.tx, seen, EXCLUDED)


async def pay(scene: Scene) -> None:
    """Pay that plan to its end; what Ann bears of the fee does not reach her."""
    await plan(scene)
    planned = await distributions.get(scene.tx, scene.key)
    await scene.enter(planned, DistributionState.PAYING)
    owed = await payouts.in_state(scene.tx, planned, PayoutState.OWED)
    lease = await leases.acquire(
        scene.tx, scene.key.network, BAKER, holder="scene", at=scene.at, seconds=9
    )
    assert lease is not None
    transfers = tuple(
        NewTransfer(
            position=position,
            destination=each.address,
            amount=Mutez(each.net - (WITHHELD if each.bears_fee else 0)),
            fee=Mutez(WITHHELD),
            gas_limit=200,
            storage_limit=0,
            payout_ids=(each.id,),
            withheld={each.id: Mutez(WITHHELD)} if each.bears_fee else {},
        )
        for position, each in enumerate(owed)
    )
    new = NewOperation(
        source=BAKER,
        hash=operation_hash(9),
        signed_bytes=b"9",
        protocol="Pt",
        branch="BL",
        branch_level=1,
        last_includable_level=602,
        counter_first=9,
        content_count=len(transfers),
        total_fee=Mutez(WITHHELD * len(transfers)),
        gas_limit=400,
        born_level=1,
        born_block="BL",
        transfers=transfers,
    )
    await new_operations.store_signed(scene.tx, planned, new, lease, at=scene.at)
    (signed,) = await operations.of_distribution(scene.tx, planned.id)
    await operations.enter_state(scene.tx, signed, OperationState.INJECTED, at=scene.at)
    await operations.enter_state(
        scene.tx,
        signed,
        OperationState.INCLUDED,
        at=scene.at,
        included_level=2,
        included_block="BL",
        applied=True,
    )
    await operations.enter_state(scene.tx, signed, OperationState.FINAL, at=scene.at)
    await payouts.settle_operation(scene.tx, signed.id)
    await scene.enter(await distributions.get(scene.tx, scene.key), DistributionState.PAID)


async def test_a_cycle_shows_kinds_redirects_exclusions_and_what_arrived(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        await pay(scene)

    page = await house.page(CYCLE)

    assert "✓ The parts add up to the pool, to the mutez." in page.text
    assert "Kept of excluded delegators 0.000100" in page.text
    assert "For delegators 1.002000 For named addresses: fee share 0.500000" in page.text
    assert "1 ignored: 0.000100 tez to the baker" in page.text
    assert "1 emptied: their balances count for nothing" in page.text
    assert f"{ANN} sent to {REDIRECT}" in page.text
    assert f"{CYD} fee share" in page.text
    assert "0.000400 went into its cost 0.999600 arrived" in page.text
    assert "Borne by recipients 0.000400 tez" in page.text
    assert "carried below minimum" in page.text
    # What is paid is what arrived.
    assert "paid 2 1.499600" in page.text
    home = await house.page("/")
    assert "1.49 tez, all 2 payouts" in home.text


async def test_the_plan_page_tells_the_rules_of_then_and_who_is_not_paid(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        await plan(scene)

    page = await house.page(f"{CYCLE}/plan")

    assert "Fee 9.5 %" in page.text
    assert "Order of rounding fee-floor" in page.text
    assert "Minimum balance 5.000000 tez" in page.text
    assert "1 delegator has a rule; 1 address has a share of the income." in page.text
    assert "expected to cost 0.000410 tez, and 0.064250 more" in page.text
    assert f"{DAN} ignored 9.000000 0.000100 the baker" in page.text
    assert f"{EVE} emptied 0.000007 0.000000 everyone else" in page.text
    assert "Share block rewards yes" in page.text  # in the whole list
    file = await house.client.get(f"{CYCLE}/exclusions.csv")
    assert file.text.splitlines() == [
        "baker,cycle,owed_to,delegated_balance,gross,reason,share_goes_to",
        *sorted(
            (
                f"{BAKER},1336,{DAN},9000000,100,ignored,baker",
                f"{BAKER},1336,{EVE},7,0,emptied,everyone",
            )
        ),
    ]
    assert (await house.client.get(f"{CYCLE}/exclusions.json")).json()[0]["cycle"] == "1336"
    assert (await house.client.get(f"/bakers/{BAKER}/cycles/7/plan")).status_code == 404


async def test_a_plan_whose_evidence_names_no_rules_says_so(house: House) -> None:
    await house.register()
    await house.plan_a_cycle()

    page = await house.page(f"{CYCLE}/plan")

    assert "it was planned before they were kept" in page.text
    assert "Nobody is excluded." in page.text
    assert (await house.client.get(f"{API}/rules")).json() == {
        "rules": None,
        "expected_fee": None,
        "expected_burn": None,
    }


async def test_the_api_tells_a_plan_as_the_pages_do(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        await pay(scene)

    cycle = (await house.client.get(API)).json()
    assert cycle["distribution"]["excluded_kept"] == "100"
    assert (cycle["paid"], cycle["paid_mutez"]) == (2, str(1_500_000 - WITHHELD))

    listed = (await house.client.get(f"{API}/payouts")).json()["payouts"]
    ann = next(each for each in listed if each["owed_to"] == ANN)
    assert (ann["address"], ann["net"], ann["withheld"], ann["received"]) == (
        REDIRECT,
        "1000000",
        "400",
        "999600",
    )
    assert {each["kind"] for each in listed} == {"delegator", "fee-share"}
    bob = next(each for each in listed if each["owed_to"] == BOB)
    assert (bob["state"], bob["reason"]) == ("carried", "below-minimum")

    found = await house.client.get(
        f"/api/bakers/{BAKER}/payouts", params={"kind": "delegators", "state": "paid"}
    )
    sums = found.json()["sums"]
    assert (sums["count"], sums["net"], sums["withheld"], sums["received"]) == (
        2,
        "1500000",
        "400",
        "1499600",
    )

    rules = (await house.client.get(f"{API}/rules")).json()
    assert rules["rules"]["rounding"] == "fee-floor"
    assert rules["rules"]["minimum_balance"] == "5000000"
    assert rules["rules"]["delegators"] == {ANN: {"transfer_fee_payer": "delegator"}}
    assert (rules["expected_fee"], rules["expected_burn"]) == ("410", "64250")

    page = (await house.client.get(f"{API}/exclusions", params={"limit": 1})).json()
    assert [each["owed_to"] for each in page["exclusions"]] == [DAN]
    assert page["next_offset"] == 1
    assert page["sums"] == [
        {"reason": "emptied", "share_goes_to": "everyone", "count": 1, "gross": "0"},
        {"reason": "ignored", "share_goes_to": "baker", "count": 1, "gross": "100"},
    ]
    file = await house.client.get(
        f"/api/bakers/{BAKER}/export/exclusions", params={"format": "json"}
    )
    assert {each["owed_to"] for each in file.json()} == {DAN, EVE}


async def test_the_books_have_what_was_withheld_and_what_arrived(house: House) -> None:
    await house.register()
    async with house.scene() as scene:
        await pay(scene)

    rows = (await house.client.get(f"{CYCLE}/payouts.json")).json()
    assert {row["owed_to"]: (row["withheld"], row["received"]) for row in rows} == {
        ANN: ("400", "999600"),
        BOB: ("0", "2000"),
        CYD: ("0", "500000"),
    }
    (cycle,) = (
        await house.client.get(f"/api/bakers/{BAKER}/export/cycles", params={"format": "json"})
    ).json()
    assert (cycle["excluded_kept"], cycle["withheld"]) == ("100", "400")
    # What somebody was paid, and what was sent, is what arrived.
    books = f"/api/bakers/{BAKER}/export"
    statement = await house.client.get(
        f"{books}/statement", params={"address": ANN, "format": "json"}
    )
    assert [row["amount"] for row in statement.json()] == ["999600"]
    tezpay = await house.client.get(f"{books}/tezpay", params={"first_cycle": 1336})
    amounts = {row["delegator"]: row["amount"] for row in csv.DictReader(tezpay.text.splitlines())}
    assert amounts == {ANN: "999600", CYD: "500000"}


async def test_a_delegator_sees_what_arrived_what_is_carried_and_why_it_was_not_paid(
    house: House,
) -> None:
    await house.register()
    async with house.scene() as scene:
        await pay(scene)
        baker = await bakers.get(scene.tx, BAKER)
        rules = {ANN: DelegatorRule(recipient=REDIRECT)}
        await payout_rules.replace_delegators(scene.tx, baker, rules, actor="a", at=scene.at)
        change = {"public_page": True}
        await bakers.change(scene.tx, BAKER, change, actor="a", at=scene.at)

    ann = await house.page(f"/bakers/{BAKER}/delegators/{ANN}")
    assert "Owed in all 1.000000 tez Paid 0.999600 tez" in ann.text
    assert "Went into transfer costs 0.000400 tez" in ann.text
    assert "nothing is open" in ann.text
    assert f"What is different for it: paid to {REDIRECT}" in ann.text
    cyd = await house.page(f"/bakers/{BAKER}/delegators/{CYD}")
    assert "1336 fee share" in cyd.text
    dan = await house.page(f"/bakers/{BAKER}/delegators/{DAN}")
    assert "Not paid in" in dan.text
    assert "1336 ignored 9.000000 0.000100 the baker" in dan.text

    public = await house.page(f"/public/{BAKER}?address={BOB}")
    assert "Carried 0.002000 tez it waits for a later cycle" in public.text
    assert "carried below minimum" in public.text
    # Of the cycle what has arrived is told, not what was owed.
    assert "1336 2 1.499600" in public.text
    of_ann = await house.page(f"/public/{BAKER}?address={ANN}")
    assert "Paid 0.999600 tez" in of_ann.text
    assert REDIRECT not in of_ann.text
    of_dan = await house.page(f"/public/{BAKER}?address={DAN}")
    assert "ignored" not in of_dan.text


@pytest.mark.parametrize("path", [f"{CYCLE}/plan", CYCLE, f"/bakers/{BAKER}/go/1336"])
async def test_pages_of_a_plan_are_whole(house: House, path: str) -> None:
    await house.register()
    async with house.scene() as scene:
        await plan(scene)

    page = await house.page(path)

    assert page.tags["h1"] == page.tags["main"] == 1
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert set(" ".join(page.values("aria-labelledby")).split()) <= set(ids)
