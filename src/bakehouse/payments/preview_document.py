"""A preview as a document that JSON keeps exactly, and the hash by which a person approves it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bakehouse.payments.what_if import Preview
from bakehouse.rewards.plan_values import PlannedPayout


def preview_document(preview: Preview) -> dict[str, Any]:
    """Write a preview as JSON data, amounts as strings of mutez.

    The same rules, split and ledger always give the same document.
    """
    plan, rules, last = preview.plan, preview.rules, preview.compared_with
    return {
        "baker": preview.baker.baker_id,
        "network": preview.baker.network,
        "mode": preview.baker.mode.value,
        "cycle": plan.cycle,
        "is_final": preview.is_final,
        "rules": {
            "default_fee_basis_points": rules.default_fee,
            "fees_basis_points": dict(sorted(rules.fees.items())),
            "share_block_fees": rules.share_block_fees,
            "minimum_payout": str(rules.minimum_payout),
        },
        "pool": str(plan.pool),
        "own_part": str(plan.own_part),
        "total_fees": str(plan.total_fees),
        "dust": str(plan.dust),
        "baker_share": str(plan.baker_share),
        "total_net": str(plan.total_net),
        "total_due_now": str(plan.total_due_now),
        "zero_payouts": plan.zero_payouts,
        "payouts": [_payout(each) for each in plan.payouts],
        "released": {whom: str(amount) for whom, amount in sorted(plan.released.items())},
        "over_payout_cap": sorted(preview.over_payout_cap),
        "is_over_cycle_cap": preview.is_over_cycle_cap,
        "compared_with": last.key.cycle if last is not None else None,
        "changes": [
            {"owed_to": each.owed_to, "before": str(each.before), "now": str(each.now)}
            for each in preview.changes
        ],
    }


def document_sha256(document: Mapping[str, Any]) -> str:
    """Give the hash of a document, whatever the order of its keys."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _payout(payout: PlannedPayout) -> dict[str, Any]:
    return {
        "owed_to": payout.recipient,
        "delegated_balance": str(payout.delegated_balance),
        "gross": str(payout.gross),
        "fee_basis_points": payout.fee_basis_points,
        "fee": str(payout.fee),
        "net": str(payout.net),
        "carried_in": str(payout.carried_in),
        "is_carried": payout.is_carried,
        "due": str(payout.due),
    }
