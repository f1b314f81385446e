"""Who is paid and who is not, by which rule, and how much of each balance counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bakehouse.rewards.cycle_rewards import DelegatorBalance
from bakehouse.rewards.money import NO_MUTEZ, Mutez
from bakehouse.rewards.payout_rules import ExcludedShare, Listing, PayoutRules


class ExclusionReason(StrEnum):
    """Why a delegator is not paid."""

    IGNORED = "ignored"
    NOT_ALLOWED = "not-allowed"
    BELOW_MINIMUM_BALANCE = "below-minimum-balance"
    EMPTIED = "emptied"


@dataclass(frozen=True, slots=True)
class CountedDelegator:
    """A delegator of the cycle and the balance (mutez) that its share is worked out of."""

    delegator: DelegatorBalance
    #: 0 for one whose share goes to everyone.
    counted: Mutez
    #: None for one who is paid.
    reason: ExclusionReason | None = None
    share_goes_to: ExcludedShare | None = None


def count_delegators(
    delegators: Sequence[DelegatorBalance], rules: PayoutRules
) -> list[CountedDelegator]:
    """Decide about every delegator, in their order."""
    return [_count(each, rules) for each in delegators]


def _count(delegator: DelegatorBalance, rules: PayoutRules) -> CountedDelegator:
    most = rules.rule_of(delegator.address).maximum_balance
    most = rules.maximum_balance if most is None else most
    balance = delegator.delegated_balance
    counted = balance if most is None else min(balance, most)
    reason = _reason(delegator, rules)
    if reason is None:
        return CountedDelegator(delegator, counted)
    goes_to = _share_of(delegator, reason, rules)
    if goes_to is ExcludedShare.EVERYONE:
        counted = NO_MUTEZ
    return CountedDelegator(delegator, counted, reason, goes_to)


def _reason(delegator: DelegatorBalance, rules: PayoutRules) -> ExclusionReason | None:
    rule = rules.rule_of(delegator.address)
    if rule.listing is Listing.IGNORED:
        return ExclusionReason.IGNORED
    if rules.only_allowed and rule.listing is not Listing.ALLOWED:
        return ExclusionReason.NOT_ALLOWED
    least = rules.minimum_balance if rule.minimum_balance is None else rule.minimum_balance
    if delegator.delegated_balance < least:
        return ExclusionReason.BELOW_MINIMUM_BALANCE
    if delegator.emptied and not rules.pay_emptied:
        return ExclusionReason.EMPTIED
    return None


def _share_of(
    delegator: DelegatorBalance, reason: ExclusionReason, rules: PayoutRules
) -> ExcludedShare:
    own = rules.rule_of(delegator.address).excluded_share
    if own is not None:
        return own
    if reason is ExclusionReason.BELOW_MINIMUM_BALANCE:
        return rules.below_minimum_share
    return rules.excluded_share
