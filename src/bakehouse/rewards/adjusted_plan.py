"""A plan after adjustments: the same pool, every row and every sum to the mutez. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from bakehouse.rewards.adjustment import AdjustedNet, Adjustment, Owed, adjust
from bakehouse.rewards.money import Mutez
from bakehouse.rewards.plan import PayoutPlan, PlannedPayout, prove


def adjusted_plan(
    plan: PayoutPlan, proposed: Sequence[Adjustment], minimum_payout: Mutez
) -> PayoutPlan:
    """Apply adjustments to a plan and prove it again; raises RefusalError as `adjust` does.

    What is lowered is kept by the baker as a fee. What is given to another moves with its gross, so
    that `gross == fee + net` holds in both rows. The minimum is held against the new sums.
    """
    if not proposed:
        return plan
    owed = [Owed(payout.recipient, payout.net) for payout in plan.payouts]
    by_recipient = {each.recipient: each for each in adjust(owed, proposed, pool=plan.pool)}
    changed = [
        _changed(payout, by_recipient[payout.recipient], minimum_payout) for payout in plan.payouts
    ]
    listed = tuple(payout for payout in changed if payout.due > 0)
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


def _changed(payout: PlannedPayout, to: AdjustedNet, minimum_payout: Mutez) -> PlannedPayout:
    if not to.is_changed:
        return payout
    return replace(
        payout,
        gross=Mutez(payout.gross - to.sent + to.received),
        fee=Mutez(payout.fee + to.lowered),
        net=to.net,
        is_carried=to.net + payout.carried_in < minimum_payout,
    )
