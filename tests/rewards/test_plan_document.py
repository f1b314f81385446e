"""The document of a plan: integers that add up, and every row of the plan in its order."""

import json
from collections.abc import Callable

from bakehouse.rewards.cycle_rewards import CycleRewards
from bakehouse.rewards.money import BasisPoints
from bakehouse.rewards.payout_rules import PayoutRules
from bakehouse.rewards.plan import plan_payouts
from bakehouse.rewards.plan_document import plan_document

CycleOf = Callable[..., CycleRewards]


def test_a_plan_is_written_whole_in_integers_of_mutez(cycle_of: CycleOf) -> None:
    rules = PayoutRules(BasisPoints(1000), fees={"d1": BasisPoints(995)})
    plan = plan_payouts(cycle_of(pool=100, own=1, balances=[1, 1, 0]), rules)

    assert plan_document(plan, "tz1baker", rules) == {
        "baker": "tz1baker",
        "cycle": 750,
        "rules": rules.document(),
        "pool": 100,
        "baker_share": 42,
        "own_part": 33,
        "total_fees": 8,
        "excluded_kept": 0,
        "dust": 1,
        "total_net": 58,
        "zero_payouts": 1,
        "payouts": [
            {
                "recipient": "d0",
                "kind": "delegator",
                "address": "d0",
                "delegated_balance": 1,
                "gross": 33,
                "fee_basis_points": 1000,
                "fee": 4,
                "net": 29,
            },
            {
                "recipient": "d1",
                "kind": "delegator",
                "address": "d1",
                "delegated_balance": 1,
                "gross": 33,
                "fee_basis_points": 995,
                "fee": 4,
                "net": 29,
            },
        ],
        "exclusions": [],
    }


def test_amounts_beyond_double_precision_survive_json(cycle_of: CycleOf) -> None:
    pool = 2**53 + 1
    rules = PayoutRules(BasisPoints(0))
    plan = plan_payouts(cycle_of(pool=pool, own=0, balances=[1]), rules)

    document = json.loads(json.dumps(plan_document(plan, None, rules)))

    assert document["pool"] == document["total_net"] == document["payouts"][0]["net"] == pool
    assert document["baker"] is None
