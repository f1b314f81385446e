"""Planning one cycle: who is owed what, who is not and why, and what waits for a later cycle."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from bakehouse.errors import RefusalError
from bakehouse.rewards.carrying import decide, least_worth_sending
from bakehouse.rewards.cycle_rewards import CycleRewards
from bakehouse.rewards.eligibility import CountedDelegator, count_delegators
from bakehouse.rewards.money import NO_MUTEZ, NO_SHARE, WHOLE, Mutez, share_floor
from bakehouse.rewards.payout_kind import INCOME_KINDS, PayoutKind
from bakehouse.rewards.payout_rules import (
    CostBearer,
    ExcludedShare,
    Leavers,
    PayoutRules,
    Rounding,
)
from bakehouse.rewards.plan_values import (
    NO_COSTS,
    Exclusion,
    PayoutPlan,
    PlannedPayout,
    TransferCosts,
)
from bakehouse.rewards.pool import own_part_of, pool_of
from bakehouse.rewards.proof import prove

_NOTHING: Final[Mapping[str, Mutez]] = MappingProxyType({})


def plan_payouts(
    rewards: CycleRewards,
    rules: PayoutRules,
    carried: Mapping[str, Mutez] = _NOTHING,
    costs: TransferCosts = NO_COSTS,
    staying: frozenset[str] = frozenset(),
) -> PayoutPlan:
    """Share one cycle's rewards by a baker's rules (see docs/rewards.md).

    `carried` is what earlier cycles left unpaid, by whom it is owed to; `staying` names those of
    them who have not left the baker although they do not delegate. Raises RefusalError when the
    balances do not belong together or the rules need what was not told.
    """
    _refuse_inconsistent(rewards)
    counted = count_delegators(rewards.delegators, rules)
    external = Mutez(sum(each.counted for each in counted))
    pool = pool_of(rewards, rules)
    own_part = own_part_of(pool, rewards, external, rules)
    shares = [_share(Mutez(pool - own_part), each, external) for each in counted]
    paid = [_delegator(each, gross, rules, costs) for each, gross in shares if each.reason is None]
    exclusions = tuple(_exclusion(each, gross) for each, gross in shares if each.reason is not None)
    fees = Mutez(sum(payout.fee for payout in paid))
    named = _sum_for(exclusions, ExcludedShare.NAMED)
    income = list(_income(rules, bonds=own_part, fees=fees, excluded=named))
    given = {kind: sum(each.net for each in income if each.kind is kind) for kind in INCOME_KINDS}
    rows = decide([*paid, *income], rules, rewards.cycle, carried, costs)
    cut_off = pool - own_part - sum(gross for _, gross in shares)
    plan = PayoutPlan(
        cycle=rewards.cycle,
        pool=pool,
        own_part=Mutez(own_part - given[PayoutKind.BOND_SHARE]),
        payouts=tuple(row for row in rows if row.due > 0),
        total_gross=Mutez(sum(payout.gross for payout in paid)),
        total_fees=Mutez(fees - given[PayoutKind.FEE_SHARE]),
        total_net=Mutez(sum(row.net for row in rows)),
        dust=Mutez(cut_off + named - given[PayoutKind.EXCLUDED_SHARE]),
        zero_payouts=sum(row.kind is PayoutKind.DELEGATOR and not row.due for row in rows),
        released=_released(
            _without_payout(carried, rows, exclusions, staying),
            rules,
            rewards.cycle,
            costs,
            staying | {each.address for each in rewards.delegators},
        ),
        excluded_kept=_sum_for(exclusions, ExcludedShare.BAKER),
        exclusions=exclusions,
        shares_rounded=len(shares) + len(rules.income),
    )
    prove(plan)
    return plan


def _refuse_inconsistent(rewards: CycleRewards) -> None:
    balances = [delegator.delegated_balance for delegator in rewards.delegators]
    total = sum(balances)
    if total != rewards.external_delegated_balance:
        raise RefusalError(
            f"delegated balances add up to {total} mutez, "
            f"the split says {rewards.external_delegated_balance}"
        )
    if min((rewards.own_delegated_balance, *balances)) < 0:
        raise RefusalError("a delegated balance is negative")
    if len({delegator.address for delegator in rewards.delegators}) != len(balances):
        # Each row would be given the address's carried amount anew.
        raise RefusalError("a delegator is listed twice in the cycle")


def _share(
    external_pool: Mutez, each: CountedDelegator, external: Mutez
) -> tuple[CountedDelegator, Mutez]:
    # No balance outside means nothing to divide by, and nothing to give.
    gross = share_floor(external_pool, each.counted, external) if each.counted else NO_MUTEZ
    return each, gross


def _delegator(
    each: CountedDelegator, gross: Mutez, rules: PayoutRules, costs: TransferCosts
) -> PlannedPayout:
    whom = each.delegator.address
    rule, rate = rules.rule_of(whom), rules.fee_of(whom)
    if rules.rounding is Rounding.FEE_FLOOR:
        fee = share_floor(gross, rate, WHOLE)
    else:
        fee = Mutez(gross - share_floor(gross, WHOLE - rate, WHOLE))
    bears_fee = (rule.transfer_fee_payer or rules.transfer_fee_payer) is CostBearer.DELEGATOR
    bears_burn = (rule.burn_payer or rules.burn_payer) is CostBearer.DELEGATOR
    address = rule.recipient or whom
    # Whether somebody else's account was emptied is not told.
    is_burnt = bears_burn and each.delegator.emptied and address == whom
    return PlannedPayout(
        recipient=whom,
        delegated_balance=each.delegator.delegated_balance,
        gross=gross,
        fee_basis_points=rate,
        fee=fee,
        net=Mutez(gross - fee),
        address=address,
        bears_fee=bears_fee,
        bears_burn=bears_burn,
        cost_borne=Mutez((costs.fee if bears_fee else 0) + (costs.burn if is_burnt else 0)),
    )


def _exclusion(each: CountedDelegator, gross: Mutez) -> Exclusion:
    if each.reason is None or each.share_goes_to is None:
        raise TypeError(f"{each.delegator.address} is not excluded")
    delegator = each.delegator
    return Exclusion(
        delegator.address, delegator.delegated_balance, gross, each.reason, each.share_goes_to
    )


def _sum_for(exclusions: Iterable[Exclusion], goes_to: ExcludedShare) -> Mutez:
    return Mutez(sum(each.gross for each in exclusions if each.share_goes_to is goes_to))


def _income(
    rules: PayoutRules, *, bonds: Mutez, fees: Mutez, excluded: Mutez
) -> Iterable[PlannedPayout]:
    for share in rules.income:
        sent_to = rules.rule_of(share.address).recipient or share.address
        parts = (bonds, share.of_bonds), (fees, share.of_fees), (excluded, share.of_excluded)
        for kind, (whole, part) in zip(INCOME_KINDS, parts, strict=True):
            yield _income_payout(share.address, sent_to, kind, share_floor(whole, part, WHOLE))


def _income_payout(recipient: str, address: str, kind: PayoutKind, amount: Mutez) -> PlannedPayout:
    return PlannedPayout(
        recipient=recipient,
        delegated_balance=NO_MUTEZ,
        gross=amount,
        fee_basis_points=NO_SHARE,
        fee=NO_MUTEZ,
        net=amount,
        kind=kind,
        address=address,
    )


def _without_payout(
    carried: Mapping[str, Mutez],
    rows: Iterable[PlannedPayout],
    exclusions: Iterable[Exclusion],
    staying: frozenset[str],
) -> Mapping[str, Mutez]:
    """Give what waits for those who have no payout in this cycle to add it to.

    Who is excluded, and owed in no other role, is not to be paid: all it is owed goes on waiting.
    """
    left_out = {row.recipient for row in rows}
    left_out |= {each.recipient for each in exclusions} - staying
    return {whom: amount for whom, amount in carried.items() if whom not in left_out}


def _released(
    waiting: Mapping[str, Mutez],
    rules: PayoutRules,
    cycle: int,
    costs: TransferCosts,
    staying: frozenset[str],
) -> Mapping[str, Mutez]:
    """Give what is due now of what waits without a payout of this cycle."""
    if not rules.pays_in(cycle):
        return {}
    least = least_worth_sending(rules, costs)
    leavers = NO_MUTEZ if rules.leavers is Leavers.PAY else least
    return {
        whom: amount
        for whom, amount in waiting.items()
        if amount and amount >= (least if whom in staying else leavers)
    }
