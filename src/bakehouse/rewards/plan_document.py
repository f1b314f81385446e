"""The plan as a document for people and programs: plain integers of mutez, no state, no I/O."""

from typing import Any

from bakehouse.rewards.plan import PayoutPlan

#: Kinds of payout: why the recipient is owed.
DELEGATOR = "delegator"
BOND_MEMBER = "bond-member"
#: Nothing is sent for it: it was paid too much before, and agreed to give it back.
DEDUCTION = "deduction"


def plan_document(plan: PayoutPlan, baker: str | None) -> dict[str, Any]:
    """Write a plan as JSON data; `pool == baker_share + total_net` and every row adds up."""
    return {
        "baker": baker,
        "cycle": plan.cycle,
        "pool": plan.pool,
        "baker_share": plan.baker_share,
        "own_part": plan.own_part,
        "total_fees": plan.total_fees,
        "dust": plan.dust,
        "total_net": plan.total_net,
        "zero_payouts": plan.zero_payouts,
        "payouts": [
            {
                "recipient": payout.recipient,
                "kind": DELEGATOR,
                "delegated_balance": payout.delegated_balance,
                "gross": payout.gross,
                "fee_basis_points": payout.fee_basis_points,
                "fee": payout.fee,
                "net": payout.net,
            }
            for payout in plan.payouts
        ],
    }
