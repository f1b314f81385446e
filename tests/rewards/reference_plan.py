"""The plan of a cycle once more, from docs/rewards.md alone: exact fractions, cut where it says so.

It shares no code with `bakehouse.rewards` but the values that describe a cycle and a baker's rules.
Where the two differ, the document decides.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

from bakehouse.rewards.cycle_rewards import CycleRewards, DelegatorBalance, Stake
from bakehouse.rewards.payout_rules import DelegatorRule, PayoutRules


class CannotBeKnown(Exception):  # noqa: N818 -- an answer, not a fault
    """The rules need a number that was not told, or the balances do not add up."""


@dataclass
class Books:
    """Who gets what of the pool; every amount in mutez, every dictionary by address."""

    pool: int
    own_part: int = 0
    fees: int = 0
    excluded_kept: int = 0
    dust: int = 0
    #: (whom, why) -> what this cycle adds to what it is owed, 0 included.
    earned: dict[tuple[str, str], int] = field(default_factory=dict)
    grosses: dict[str, int] = field(default_factory=dict)
    #: Delegator -> (its reason, where its share goes, its share).
    excluded: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    #: What is expected to come off a delegator's transfer.
    borne: dict[str, int] = field(default_factory=dict)
    nothing_left: int = 0
    #: Everything that anybody is owed is in one of these two.
    sent: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, tuple[int, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Surroundings:
    """What a plan depends on besides the cycle and the rules."""

    carried: Mapping[str, int] = field(default_factory=dict)
    transfer_fee: int = 0
    burn: int = 0
    staying: frozenset[str] = frozenset()


def books_of(cycle: CycleRewards, rules: PayoutRules, around: Surroundings | None = None) -> Books:
    """Work the whole cycle out."""
    if sum(each.delegated_balance for each in cycle.delegators) != (
        cycle.external_delegated_balance
    ):
        raise CannotBeKnown
    books = Books(pool_of(cycle, rules))
    _share(books, cycle, rules)
    _give_income_away(books, rules)
    _send_or_keep(books, cycle, rules, around or Surroundings())
    return books


def pool_of(cycle: CycleRewards, rules: PayoutRules) -> int:
    """Section "What is shared"."""
    missed = cycle.missed
    is_ideal = rules.reward_basis == "ideal"
    if is_ideal and missed is None:
        raise CannotBeKnown
    delegated_part = _delegated_part(cycle.stake) if is_ideal else Fraction(0)
    blocks, attestations, dal = (
        (missed.blocks, missed.attestations, missed.dal) if missed else (None, None, None)
    )
    table: list[tuple[bool, int | None, int | None]] = [
        (rules.share_block_rewards, cycle.block_rewards, blocks),
        (rules.share_attestation_rewards, cycle.attestation_rewards, attestations),
        (rules.share_dal_rewards, cycle.dal_attestation_rewards, dal),
        (rules.share_nonce_rewards, cycle.nonce_revelation_rewards, None),
        (rules.share_vdf_rewards, cycle.vdf_revelation_rewards, None),
        (rules.share_block_fees, cycle.block_fees, None),
        (rules.share_denunciation_rewards, cycle.denunciation_rewards, None),
    ]
    pool = 0
    for is_shared, brought, lost in table:
        if not is_shared:
            continue
        if brought is None:
            raise CannotBeKnown
        pool += brought
        pool += floor(delegated_part * (lost or 0))
    return pool


def _delegated_part(stake: Stake | None) -> Fraction:
    if stake is None or stake.baking_power == 0:
        raise CannotBeKnown
    part = 1 - Fraction(stake.own + stake.external, stake.baking_power)
    if part < 0:
        raise CannotBeKnown
    return part


def _why_excluded(one: DelegatorBalance, rule: DelegatorRule, rules: PayoutRules) -> str | None:
    """Section "Who is not paid"; the first reason that holds."""
    least = rules.minimum_balance if rule.minimum_balance is None else rule.minimum_balance
    reasons = {
        "ignored": rule.listing == "ignored",
        "not-allowed": rules.only_allowed and rule.listing != "allowed",
        "below-minimum-balance": one.delegated_balance < least,
        "emptied": one.emptied and not rules.pay_emptied,
    }
    return next((name for name, holds in reasons.items() if holds), None)


def _share(books: Books, cycle: CycleRewards, rules: PayoutRules) -> None:
    """Section "The rule"."""
    weights: dict[str, int] = {}
    for one in cycle.delegators:
        rule = rules.delegators.get(one.address, DelegatorRule())
        most = rules.maximum_balance if rule.maximum_balance is None else rule.maximum_balance
        counts: int = one.delegated_balance if most is None else min(one.delegated_balance, most)
        if why := _why_excluded(one, rule, rules):
            usual = (
                rules.below_minimum_share
                if why == "below-minimum-balance"
                else rules.excluded_share
            )
            goes_to = str(rule.excluded_share or usual)
            books.excluded[one.address] = (why, goes_to, 0)
            counts = 0 if goes_to == "everyone" else counts
        weights[one.address] = counts

    counted = sum(weights.values())
    books.own_part = floor(books.pool * _own_fraction(cycle, rules, counted))
    for_delegators = books.pool - books.own_part
    for address, weight in weights.items():
        share = floor(Fraction(weight, counted) * for_delegators) if counted else 0
        if address in books.excluded:
            why, goes_to, _ = books.excluded[address]
            books.excluded[address] = (why, goes_to, share)
        else:
            books.grosses[address] = share
            _take_fee(books, rules, address, share)
    excluded = sum(share for _, _, share in books.excluded.values())
    books.dust = for_delegators - sum(books.grosses.values()) - excluded


def _own_fraction(cycle: CycleRewards, rules: PayoutRules, counted: int) -> Fraction:
    own, stake = cycle.own_delegated_balance, cycle.stake
    base = own + counted
    if rules.over_delegation_protection and counted:
        if stake is None:
            raise CannotBeKnown
        base = min(base, 9 * stake.own) if stake.own else base
    return Fraction(min(own, base), base) if counted else Fraction(1)


def _take_fee(books: Books, rules: PayoutRules, address: str, gross: int) -> None:
    rate = Fraction(rules.fees.get(address, rules.default_fee), 10_000)
    net = (
        gross - floor(gross * rate) if rules.rounding == "fee-floor" else floor(gross * (1 - rate))
    )
    books.fees += gross - net
    books.earned[address, "delegator"] = net


def _give_income_away(books: Books, rules: PayoutRules) -> None:
    """Section "Where the baker's income goes"."""
    own_part, fees = books.own_part, books.fees
    named = sum(share for _, goes_to, share in books.excluded.values() if goes_to == "named")
    books.excluded_kept = sum(
        share for _, goes_to, share in books.excluded.values() if goes_to == "baker"
    )
    books.dust += named
    for share in rules.income:
        whom = share.address
        books.earned[whom, "bond-share"] = floor(Fraction(share.of_bonds, 10_000) * own_part)
        books.earned[whom, "fee-share"] = floor(Fraction(share.of_fees, 10_000) * fees)
        books.earned[whom, "excluded-share"] = floor(Fraction(share.of_excluded, 10_000) * named)
        books.own_part -= books.earned[whom, "bond-share"]
        books.fees -= books.earned[whom, "fee-share"]
        books.dust -= books.earned[whom, "excluded-share"]


def _send_or_keep(
    books: Books, cycle: CycleRewards, rules: PayoutRules, around: Surroundings
) -> None:
    """Section "The minimum, and what is carried over"."""
    sums = Counter(around.carried)
    for (whom, _), amount in books.earned.items():
        sums[whom] += amount
    for whom, owed in sums.items():
        why = _why_waiting(whom, owed, books, cycle, rules, around)
        if owed and why:
            books.waiting[whom] = (owed, why)
        elif owed:
            books.sent[whom] = owed
        as_delegator = books.earned.get((whom, "delegator"))
        books.nothing_left += as_delegator == 0 and not around.carried.get(whom)


def _why_waiting(  # noqa: PLR0913, PLR0917 -- all that it depends on
    whom: str,
    owed: int,
    books: Books,
    cycle: CycleRewards,
    rules: PayoutRules,
    around: Surroundings,
) -> str | None:
    has_role = whom in {owed_to for owed_to, _ in books.earned}
    cost = 0
    if (whom, "delegator") in books.earned:
        cost = books.borne[whom] = _borne(whom, cycle, rules, around)
    least = max(rules.minimum_payout, rules.minimum_fee_multiple * around.transfer_fee)
    stays = {each.address for each in cycle.delegators} | around.staying
    if rules.leavers == "pay" and not has_role and whom not in stays:
        least = 0
    reasons = {
        "not-a-paying-cycle": cycle.cycle % rules.payout_interval != rules.interval_offset,
        "excluded": whom in books.excluded and not has_role and whom not in around.staying,
        "below-minimum": owed < least,
        "below-its-cost": 0 < owed <= cost,
    }
    return next((name for name, holds in reasons.items() if holds), None)


def _borne(whom: str, cycle: CycleRewards, rules: PayoutRules, around: Surroundings) -> int:
    rule = rules.delegators.get(whom, DelegatorRule())
    [is_emptied] = [each.emptied for each in cycle.delegators if each.address == whom]
    sent_home = rule.recipient in {None, whom}
    bears_fee = (rule.transfer_fee_payer or rules.transfer_fee_payer) == "delegator"
    bears_burn = (rule.burn_payer or rules.burn_payer) == "delegator"
    return bears_fee * around.transfer_fee + (bears_burn and is_emptied and sent_home) * around.burn
