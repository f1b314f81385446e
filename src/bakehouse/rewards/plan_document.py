"""The plan as a document for people and programs: plain integers of mutez, no state, no I/O."""

from typing import Any

from bakehouse.rewards.payout_rules import PayoutRules
from bakehouse.rewards.plan_values import Exclusion, PayoutPlan, PlannedPayout


def plan_document(plan: PayoutPlan, baker: str | None, rules: PayoutRules) -> dict[str, Any]:
    """Write a plan as JSON data, with the rules it was made by.

    `pool == baker_share + total_net`, and every row adds up.
    """
    return {
        "baker": baker,
        "cycle": plan.cycle,
        "rules": rules.document(),
        "pool": plan.pool,
        "baker_share": plan.baker_share,
        "own_part": plan.own_part,
        "total_fees": plan.total_fees,
        "excluded_kept": plan.excluded_kept,
        "dust": plan.dust,
        "total_net": plan.total_net,
        "zero_payouts": plan.zero_payouts,
        "payouts": [_payout(payout) for payout in plan.payouts],
        "exclusions": [_exclusion(each) for each in plan.exclusions],
    }


def _payout(payout: PlannedPayout) -> dict[str, Any]:
    return {
        "recipient": payout.recipient,
        "kind": payout.kind,
        "address": payout.address,
        "delegated_balance": payout.delegated_balance,
        "gross": payout.gross,
        "fee_basis_points": payout.fee_basis_points,
        "fee": payout.fee,
        "net": payout.net,
    }


def _exclusion(exclusion: Exclusion) -> dict[str, Any]:
    return {
        "recipient": exclusion.recipient,
        "delegated_balance": exclusion.delegated_balance,
        "gross": exclusion.gross,
        "reason": exclusion.reason,
        "share_goes_to": exclusion.share_goes_to,
    }
