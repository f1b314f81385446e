"""Numbers that TRD's own tests pin: what its rules give here is within 2 mutez a head of them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import ROUND_HALF_DOWN, Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import PayoutState
from bakehouse.payments.batch import intents
from bakehouse.rewards.cycle_rewards import CycleRewards
from bakehouse.rewards.money import NO_MUTEZ, NO_SHARE, BasisPoints, Mutez
from bakehouse.rewards.payout_rules import (
    DelegatorRule,
    ExcludedShare,
    IncomeShare,
    Listing,
    PayoutRules,
)
from bakehouse.rewards.plan import plan_payouts
from bakehouse.rewards.plan_values import PayoutPlan
from tests.rewards.recorded_splits import recorded, rewards_of

pytestmark = pytest.mark.conformance

CycleOf = Callable[..., CycleRewards]
Vector = Mapping[str, Any]

#: Which vectors say nothing of shares, by the kind that the fixture gives them.
NOT_OURS: Final = {
    "fee": "what a transfer's fee is: TRD's own formula, here the least that nodes take",
    "gas": "how gas is limited: TRD adds 100 to what was used, here a margin by percent",
    "storage": "how storage is read from a receipt: see tests/tezos",
}
NEAR: Final = 2


def near(ours: int, theirs: float, heads: int = 1) -> bool:
    return abs(ours - theirs) <= NEAR * heads


def split_750(chain_fixtures: Path) -> CycleRewards:
    return rewards_of(recorded(chain_fixtures / "tzkt/rewards-split/trd-tz1NRGxX-750.json"))


def rules_of_trd(given: Vector) -> PayoutRules:
    """Put a configuration of TRD in our words."""
    owners, founders = given["owners_map"], given["founders_map"]
    destinations = {"TOB": ExcludedShare.BAKER, "TOE": ExcludedShare.EVERYONE}
    delegators = {
        whom: DelegatorRule(listing=Listing.IGNORED, excluded_share=destinations[where])
        if where in destinations
        else DelegatorRule(recipient=where)
        for whom, where in given["rules_map"].items()
        if whom != "mindelegation"
    }
    return PayoutRules(
        BasisPoints(int(given["service_fee"] * 100)),
        below_minimum_share=destinations[given["rules_map"]["mindelegation"]],
        share_denunciation_rewards=given["pay_denunciation_rewards"],
        delegators=delegators,
        income=tuple(
            IncomeShare(
                whom,
                of_bonds=BasisPoints(int(owners.get(whom, 0) * 10_000)),
                of_fees=BasisPoints(int(founders.get(whom, 0) * 10_000)),
            )
            for whom in sorted({*owners, *founders})
        ),
    )


def a_cycle(vector: Vector, chain_fixtures: Path) -> None:
    given, expected = vector["input"], vector["expected"]
    cycle = split_750(chain_fixtures)
    # So that the redirect is one of somebody who is there.
    [redirected] = [whom for whom, where in given["rules_map"].items() if where.startswith("tz")]
    largest, *others = sorted(cycle.delegators, key=lambda each: -each.delegated_balance)
    cycle = replace(cycle, delegators=(replace(largest, address=redirected), *others))

    plan = plan_payouts(cycle, rules_of_trd(given))

    owner = sum(row.net for row in plan.payouts if row.kind == "bond-share")
    everyone_else = sum(row.net for row in plan.payouts if row.kind != "bond-share")
    heads = len(cycle.delegators) + len(given["founders_map"])
    assert plan.pool == expected["pool"] == owner + everyone_else + plan.baker_share
    assert plan.baker_share < heads
    assert near(owner, expected["owner_amount"])
    assert near(everyone_else, expected["everyone_else"], heads)
    for row in plan.payouts:
        where = given["rules_map"].get(row.recipient, row.recipient)
        assert row.address == (where if where.startswith("tz") else row.recipient)
    each_as_trd_has_it(plan, cycle, given)


def each_as_trd_has_it(plan: PayoutPlan, cycle: CycleRewards, given: Vector) -> None:
    """Head by head: one part of the pool each, rounded once, to the nearest, halves down."""
    total = cycle.own_delegated_balance + cycle.external_delegated_balance
    fee = Decimal(given["service_fee"]) / 100
    theirs = {
        ("delegator", each.address): Decimal(each.delegated_balance) / total * (1 - fee)
        for each in cycle.delegators
    }
    all_fees = Decimal(cycle.external_delegated_balance) / total * fee
    for whom, part in given["founders_map"].items():
        theirs["fee-share", whom] = all_fees * Decimal(str(part))
    ours = {(row.kind.value, row.recipient): row.net for row in plan.payouts}
    for who, part in theirs.items():
        amount = int((part * plan.pool).to_integral_value(rounding=ROUND_HALF_DOWN))
        heads = len(cycle.delegators) if who[0] == "fee-share" else 1
        assert near(ours.get(who, 0), amount, heads), who


def a_reward_model(vector: Vector, chain_fixtures: Path) -> None:
    expected = vector["expected"]
    cycle = split_750(chain_fixtures)

    assert (
        sum(each.delegated_balance > 0 for each in cycle.delegators)
        == (expected["delegators_with_balance"])
    )
    assert cycle.own_delegated_balance == expected["own_delegated_balance"]
    assert cycle.denunciation_rewards == expected["denunciation_rewards"]
    assert plan_payouts(cycle, PayoutRules(NO_SHARE)).pool == expected["rewards_and_fees"]


def by_ratios(cycle_of: CycleOf, given: Vector, rules: PayoutRules, scale: int = 1) -> PayoutPlan:
    balances = [round(ratio * 100) for ratio in given["ratios"]]
    names = [f"addr{index}" for index in range(1, len(balances) + 1)]
    pool = given["total"] * scale
    return plan_payouts(cycle_of(pool=pool, own=0, balances=balances, names=names), rules)


def ignored(names: list[str], goes_to: ExcludedShare) -> Mapping[str, DelegatorRule]:
    return dict.fromkeys(names, DelegatorRule(listing=Listing.IGNORED, excluded_share=goes_to))


def to_the_baker(given: Vector, expected: Vector, cycle_of: CycleOf) -> None:
    rules = PayoutRules(NO_SHARE, delegators=ignored(given["TOB"], ExcludedShare.BAKER))
    plan = by_ratios(cycle_of, given, rules)
    before = by_ratios(cycle_of, given, PayoutRules(NO_SHARE))

    assert plan.total_net == expected["total"] == given["total"] - plan.excluded_kept
    assert expected["amounts_of_others_unchanged"]
    assert plan.payouts == before.payouts[1:]


def to_everyone(given: Vector, expected: Vector, cycle_of: CycleOf) -> None:
    rules = PayoutRules(NO_SHARE, delegators=ignored(given["TOE"], ExcludedShare.EVERYONE))
    plan = by_ratios(cycle_of, given, rules)

    assert near(plan.total_net, expected["total"], len(plan.payouts))
    for row, ratio in zip(plan.payouts, given["ratios"][1:], strict=True):
        assert near(row.net, ratio * given["total"] * expected["factor_for_others"])


def to_founders(given: Vector, expected: Vector, cycle_of: CycleOf) -> None:
    fees = dict.fromkeys(given.get("supporters", []), NO_SHARE)
    fees |= {whom: BasisPoints(rate * 100) for whom, rate in given.get("specials", {}).items()}
    founder = IncomeShare("founder", of_fees=BasisPoints(10_000), of_excluded=BasisPoints(10_000))
    rules = PayoutRules(
        BasisPoints(given["service_fee"] * 100),
        fees,
        delegators=ignored(given["TOF"], ExcludedShare.NAMED),
        income=(founder,),
    )
    plan = by_ratios(cycle_of, given, rules)

    got = {row.kind.value: row.net for row in plan.payouts if row.recipient == "founder"}
    assert near(got["fee-share"], given["total"] * expected["service_fee_ratio_sum"])
    assert near(sum(got.values()), given["total"] * expected["founders_ratio"])


def to_founders_and_owners(given: Vector, expected: Vector, cycle_of: CycleOf) -> None:
    """A quarter of the pool is the owners', a twentieth the fees: of one delegator only."""
    shares = tuple(
        IncomeShare(
            whom,
            of_bonds=BasisPoints(round(given["owners_map"][whom] * 10_000)),
            of_fees=BasisPoints(round(part * 10_000)),
        )
        for whom, part in given["founders_map"].items()
    )
    cycle = cycle_of(pool=10_000, own=25, balances=[25, 25, 25])
    fee = BasisPoints(2_000)
    plan = plan_payouts(cycle, PayoutRules(NO_SHARE, {"d0": fee}, income=shares))

    assert len(plan.payouts) == expected["records"]
    for kind, name in (("bond-share", "owner_ratio_sum"), ("fee-share", "founder_ratio_sum")):
        assert sum(row.net for row in plan.payouts if row.kind == kind) == 10_000 * expected[name]
    assert plan.baker_share == 0


def merged(given: Vector, expected: Vector, _: CycleOf) -> None:
    kinds = {"D": "delegator", "O": "bond-share", "F": "fee-share"}
    rows = [
        a_payout(owed_to=whom, kind=kinds[role], net=amount)
        for whom, amounts in given.items()
        for role, amount in amounts.items()
    ]

    transfers = {transfer.destination: transfer.amount for transfer in intents(rows)}

    assert len(transfers) == expected["records"]
    assert transfers == {whom: expected[whom] for whom in given}


def a_payout(*, owed_to: str, kind: str, net: int) -> Payout:
    return Payout(
        id=net,
        paid_with_id=1,
        cycle=750,
        kind=kind,
        owed_to=owed_to,
        address=owed_to,
        delegated_balance=NO_MUTEZ,
        gross=Mutez(net),
        fee_basis_points=NO_SHARE,
        fee=NO_MUTEZ,
        net=Mutez(net),
        state=PayoutState.OWED,
        transfer_id=None,
        reason=None,
        looked_back_level=None,
        released_at=None,
    )


PHASES: Final[Mapping[str, Callable[[Vector, Vector, CycleOf], None]]] = {
    "phase1-exclude-TOB": to_the_baker,
    "phase2-exclude-TOE": to_everyone,
    "phase3-exclude-TOF-fee20": to_founders,
    "phase3-specials": to_founders,
    "phase4-split": to_founders_and_owners,
    "merge": merged,
}


def test_every_vector_is_within_2_mutez_a_head_or_is_named_with_the_reason(
    chain_fixtures: Path, cycle_of: CycleOf
) -> None:
    vectors = recorded(chain_fixtures / "peers/trd-vectors.json")["vectors"]

    compared = 0
    for vector in vectors:
        if vector["kind"] in NOT_OURS:
            continue
        compared += 1
        if vector["kind"] == "cycle":
            a_cycle(vector, chain_fixtures)
        elif vector["kind"] == "reward-model":
            a_reward_model(vector, chain_fixtures)
        else:
            PHASES[vector["id"]](vector["input"], vector["expected"], cycle_of)

    assert (compared, len(vectors)) == (8, 24)
