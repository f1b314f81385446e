"""A preview as a document that JSON keeps exactly, and the hash by which a person approves it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from bakehouse.payments.what_if import Preview
from bakehouse.rewards.plan_values import PlannedPayout

_AMOUNTS: Final = frozenset({"minimum_payout", "minimum_balance", "maximum_balance"})


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
        "rules": rules_as_json(rules.document()),
        "pool": str(plan.pool),
        "own_part": str(plan.own_part),
        "total_fees": str(plan.total_fees),
        "excluded_kept": str(plan.excluded_kept),
        "dust": str(plan.dust),
        "baker_share": str(plan.baker_share),
        "total_net": str(plan.total_net),
        "total_due_now": str(plan.total_due_now),
        "zero_payouts": plan.zero_payouts,
        "payouts": [_payout(each) for each in plan.payouts],
        "exclusions": [
            {
                "owed_to": each.recipient,
                "delegated_balance": str(each.delegated_balance),
                "gross": str(each.gross),
                "reason": each.reason,
                "share_goes_to": each.share_goes_to,
            }
            for each in plan.exclusions
        ],
        "released": {whom: str(amount) for whom, amount in sorted(plan.released.items())},
        "over_payout_cap": sorted(preview.over_payout_cap),
        "is_over_cycle_cap": preview.is_over_cycle_cap,
        "hooks_to_ask": list(preview.hooks_to_ask),
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


def rules_as_json(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Write what `PayoutRules.document` gives, amounts as strings of mutez, addresses in order."""
    document = dict(rules)
    fee, fees = document.pop("default_fee"), document.pop("fees")
    delegators = document.pop("delegators")
    return {
        "default_fee_basis_points": fee,
        "fees_basis_points": dict(sorted(fees.items())),
        **_amounts_as_text(document),
        "delegators": {whom: _amounts_as_text(rule) for whom, rule in sorted(delegators.items())},
    }


def _amounts_as_text(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: str(value) if name in _AMOUNTS and value is not None else value
        for name, value in values.items()
    }


def _payout(payout: PlannedPayout) -> dict[str, Any]:
    return {
        "owed_to": payout.recipient,
        "kind": payout.kind,
        "address": payout.address,
        "delegated_balance": str(payout.delegated_balance),
        "gross": str(payout.gross),
        "fee_basis_points": payout.fee_basis_points,
        "fee": str(payout.fee),
        "net": str(payout.net),
        "carried_in": str(payout.carried_in),
        "is_carried": payout.is_carried,
        "carry_reason": payout.carry_reason,
        "cost_borne": str(payout.cost_borne),
        "due": str(payout.due),
    }
