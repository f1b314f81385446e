"""What is paid with a cycle and what waits for a later one, recipient by recipient."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bakehouse.rewards.money import NO_MUTEZ, Mutez
from bakehouse.rewards.payout_rules import PayoutRules
from bakehouse.rewards.plan_values import CarryReason, PlannedPayout, TransferCosts


def decide(
    rows: Sequence[PlannedPayout],
    rules: PayoutRules,
    cycle: int,
    carried: Mapping[str, Mutez],
    costs: TransferCosts,
) -> list[PlannedPayout]:
    """Say of each row what is carried into it, and whether it is paid: all of a recipient's alike.

    What a recipient is owed in several roles is one sum, which is over the minimum or is not.
    """
    due: dict[str, int] = {}
    borne: dict[str, int] = {}
    for row in rows:
        whom = row.recipient
        due[whom] = due.get(whom, carried.get(whom, 0)) + row.net
        borne[whom] = borne.get(whom, 0) + row.cost_borne
    reasons = {
        whom: _carry_reason(Mutez(total), Mutez(borne[whom]), rules, cycle, costs)
        for whom, total in due.items()
    }
    left = dict(carried)
    return [
        replace(
            row,
            # Once, with the first of the recipient's rows.
            carried_in=left.pop(row.recipient, NO_MUTEZ),
            carry_reason=reasons[row.recipient],
        )
        for row in rows
    ]


def _carry_reason(
    due: Mutez, borne: Mutez, rules: PayoutRules, cycle: int, costs: TransferCosts
) -> CarryReason | None:
    if not rules.pays_in(cycle):
        return CarryReason.INTERVAL
    if due < least_worth_sending(rules, costs):
        return CarryReason.MINIMUM
    return CarryReason.COST if borne and due <= borne else None


def least_worth_sending(rules: PayoutRules, costs: TransferCosts) -> int:
    """Give the sum (mutez) below which nothing is sent."""
    return max(rules.minimum_payout, rules.minimum_fee_multiple * costs.fee)
