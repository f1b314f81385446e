"""A plan after adjustments: the same pool, every row and every sum to the mutez. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from bakehouse.rewards.adjustment import AdjustedNet, Adjustment, Owed, adjust
from bakehouse.rewards.carrying import decide
from bakehouse.rewards.money import Mutez
from bakehouse.rewards.payout_kind import PayoutKind
from bakehouse.rewards.payout_rules import PayoutRules
from bakehouse.rewards.plan_values import PayoutPlan, PlannedPayout, TransferCosts
from bakehouse.rewards.proof import prove


@dataclass(frozen=True, slots=True)
class DraftPlan:
    """A plan that hooks may still change, and what it is decided by."""

    plan: PayoutPlan
    rules: PayoutRules
    costs: TransferCosts

    def adjusted(self, proposed: Sequence[Adjustment]) -> Self:
        """Give it with adjustments; raises RefusalError as `adjust` does."""
        changed = adjusted_plan(self.plan, proposed, self.rules, self.costs)
        return replace(self, plan=changed)


def adjusted_plan(
    plan: PayoutPlan, proposed: Sequence[Adjustment], rules: PayoutRules, costs: TransferCosts
) -> PayoutPlan:
    """Apply adjustments to a plan and prove it again; raises RefusalError as `adjust` does.

    What is lowered is kept by the baker as a fee. What is given to another moves with its gross, so
    that `gross == fee + net` holds in both rows. What is paid now and what waits is decided anew.
    Only what people are owed as delegators can be adjusted.
    """
    if not proposed:
        return plan
    owed = [Owed(each.recipient, each.net) for each in plan.payouts if _is_adjustable(each)]
    by_recipient = {each.recipient: each for each in adjust(owed, proposed, pool=plan.pool)}
    changed = [
        _changed(each, by_recipient[each.recipient]) if _is_adjustable(each) else each
        for each in plan.payouts
    ]
    carried = {each.recipient: each.carried_in for each in changed if each.carried_in}
    listed = tuple(
        each for each in decide(changed, rules, plan.cycle, carried, costs) if each.due > 0
    )
    kept = sum(each.lowered for each in by_recipient.values())
    adjusted = replace(
        plan,
        payouts=listed,
        total_fees=Mutez(plan.total_fees + kept),
        total_net=Mutez(plan.total_net - kept),
        zero_payouts=plan.zero_payouts + len(changed) - len(listed),
    )
    prove(adjusted)
    return adjusted


def _is_adjustable(payout: PlannedPayout) -> bool:
    return payout.kind is PayoutKind.DELEGATOR


def _changed(payout: PlannedPayout, to: AdjustedNet) -> PlannedPayout:
    if not to.is_changed:
        return payout
    return replace(
        payout,
        gross=Mutez(payout.gross - to.sent + to.received),
        fee=Mutez(payout.fee + to.lowered),
        net=to.net,
    )
