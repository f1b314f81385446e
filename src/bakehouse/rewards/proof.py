"""The proof that a plan adds up to the mutez, from its rows alone."""

from bakehouse.errors import RefusalError
from bakehouse.rewards.payout_rules import ExcludedShare
from bakehouse.rewards.plan_values import PayoutPlan


def prove(plan: PayoutPlan) -> None:
    """Add the plan up anew from its rows; raises RefusalError naming the sum that is off."""
    if plan.pool < 0:
        raise RefusalError(f"a pool of {plan.pool} mutez is negative")
    total_net = sum(payout.net for payout in plan.payouts)
    if total_net != plan.total_net:
        raise RefusalError(f"payouts add up to {total_net} mutez, not to {plan.total_net}")
    kept = (each.gross for each in plan.exclusions if each.share_goes_to is ExcludedShare.BAKER)
    if sum(kept) != plan.excluded_kept:
        raise RefusalError(f"excluded shares do not add up to {plan.excluded_kept} mutez")
    parts = plan.own_part + plan.total_fees + plan.excluded_kept + plan.total_net + plan.dust
    if parts != plan.pool:
        raise RefusalError(f"the parts add up to {parts} mutez, the pool is {plan.pool}")
    if min(plan.own_part, plan.total_fees) < 0 or not 0 <= plan.dust <= plan.shares_rounded:
        raise RefusalError(
            f"own part {plan.own_part}, fees {plan.total_fees} or dust {plan.dust} mutez is out of "
            "bounds"
        )
    for payout in plan.payouts:
        if payout.gross != payout.fee + payout.net or min(payout.fee, payout.net) < 0:
            raise RefusalError(f"the payout of {payout.recipient} does not add up")
