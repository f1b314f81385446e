"""Cycles, rules and carried amounts at random, over the product of all that a baker can set."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from bakehouse.errors import SettingError
from bakehouse.rewards.cycle_rewards import CycleRewards, DelegatorBalance, MissedRewards, Stake
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.rewards.payout_rules import (
    CostBearer,
    DelegatorRule,
    ExcludedShare,
    IncomeShare,
    Leavers,
    Listing,
    PayoutRules,
    RewardBasis,
    Rounding,
)
from bakehouse.rewards.plan_values import TransferCosts

DELEGATORS = tuple(f"d{index}" for index in range(7))
#: Who may have an income share, lend the baker its bond, or have left.
OTHERS = ("friend", "lender", "gone")
EVERYBODY = DELEGATORS + OTHERS

_SIZES = (3, 30, 10**3, 10**5, 10**9, 10**15, 10**24)


@dataclass(frozen=True)
class Case:
    """All that a plan depends on."""

    cycle: CycleRewards
    rules: PayoutRules
    carried: Mapping[str, Mutez]
    costs: TransferCosts
    staying: frozenset[str]


def case_of(seed: int) -> Case:
    """Draw everything from one number."""
    chance = Random(seed)  # noqa: S311 - a repeatable case, not a secret
    cycle = cycle_of(chance, cycle=chance.randrange(1_000))
    if cycle.stake and chance.random() < 0.02:
        # The power does not hold the stakes.
        power = max(0, cycle.stake.own + cycle.stake.external - chance.randrange(1, 3))
        cycle = replace(cycle, stake=replace(cycle.stake, baking_power=power))
    return Case(
        cycle=cycle,
        rules=rules_of(chance),
        carried={
            whom: amount_of(chance) for whom in EVERYBODY if chance.random() < chance.random() / 2
        },
        costs=TransferCosts(*(Mutez(chance.choice((0, 1, 400, 64_250))) for _ in range(2))),
        staying=frozenset(whom for whom in EVERYBODY if chance.random() < 0.2),
    )


def amount_of(chance: Random) -> Mutez:
    """Draw an amount: small ones meet the edges of rounding, large ones the size of money."""
    return Mutez(chance.randrange(chance.choice(_SIZES)))


def cycle_of(chance: Random, *, cycle: int, is_told: bool = False) -> CycleRewards:
    """Draw what a cycle brought, by whose balances, and whether everything of it `is_told`."""
    own = Mutez(chance.choice((0, amount_of(chance), amount_of(chance))))
    size = chance.choice(_SIZES)
    delegators = tuple(
        DelegatorBalance(
            whom,
            Mutez(chance.choice((0, chance.randrange(size), chance.randrange(size)))),
            emptied=chance.random() < 0.2,
        )
        for whom in chance.sample(DELEGATORS, chance.randrange(len(DELEGATORS) + 1))
    )
    rewards = [chance.choice((Mutez(0), amount_of(chance))) for _ in range(6)]
    return CycleRewards(
        cycle=cycle,
        own_delegated_balance=own,
        external_delegated_balance=Mutez(sum(each.delegated_balance for each in delegators)),
        block_rewards=rewards[0],
        attestation_rewards=rewards[1],
        dal_attestation_rewards=rewards[2],
        vdf_revelation_rewards=rewards[3],
        nonce_revelation_rewards=rewards[4],
        block_fees=rewards[5],
        delegators=delegators,
        denunciation_rewards=amount_of(chance) if is_told or chance.random() < 0.95 else None,
        missed=_missed(chance) if is_told or chance.random() < 0.95 else None,
        stake=_stake(chance) if is_told or chance.random() < 0.95 else None,
    )


def _missed(chance: Random) -> MissedRewards:
    return MissedRewards(*(amount_of(chance) for _ in range(3)))


def _stake(chance: Random) -> Stake:
    own, external = (chance.choice((Mutez(0), amount_of(chance))) for _ in range(2))
    return Stake(own, external, own + external + 1 + amount_of(chance))


def rules_of(chance: Random) -> PayoutRules:
    """Draw rules that do not contradict each other."""
    while True:
        try:
            return _any_rules(chance)
        except SettingError:
            continue


def _any_rules(chance: Random) -> PayoutRules:
    interval = chance.choice((1, 1, 1, 2, 3))
    flags = ("block", "attestation", "dal", "nonce", "vdf", "denunciation")
    return PayoutRules(
        _fee(chance),
        {whom: _fee(chance) for whom in DELEGATORS if chance.random() < 0.2},
        share_block_fees=_often(chance),
        **{f"share_{name}_rewards": _often(chance) for name in flags},
        reward_basis=chance.choice(list(RewardBasis)),
        over_delegation_protection=_often(chance),
        rounding=chance.choice(list(Rounding)),
        transfer_fee_payer=chance.choice(list(CostBearer)),
        burn_payer=chance.choice(list(CostBearer)),
        minimum_payout=Mutez(chance.choice((0, 0, amount_of(chance)))),
        minimum_fee_multiple=chance.choice((0, 0, 1, 3)),
        minimum_balance=Mutez(chance.choice((0, 0, 0, amount_of(chance)))),
        maximum_balance=chance.choice((None, None, amount_of(chance))),
        below_minimum_share=chance.choice(list(ExcludedShare)),
        excluded_share=chance.choice(list(ExcludedShare)),
        only_allowed=chance.random() < 0.1,
        pay_emptied=_often(chance),
        leavers=chance.choice(list(Leavers)),
        payout_interval=interval,
        interval_offset=chance.randrange(interval),
        delegators={whom: _rule(chance) for whom in EVERYBODY if chance.random() < 0.3},
        income=_income(chance),
    )


def _often(chance: Random) -> bool:
    return chance.random() < 0.7


def _fee(chance: Random) -> BasisPoints:
    return BasisPoints(chance.choice((0, 500, 1_000, 10_000, chance.randrange(10_001))))


def _rule(chance: Random) -> DelegatorRule:
    def perhaps(*values: Any) -> Any:
        return chance.choice((None, None, *values))

    return DelegatorRule(
        recipient=perhaps(*EVERYBODY, "elsewhere"),
        listing=perhaps(*Listing),
        minimum_balance=perhaps(0, amount_of(chance)),
        maximum_balance=perhaps(amount_of(chance)),
        transfer_fee_payer=perhaps(*CostBearer),
        burn_payer=perhaps(*CostBearer),
        excluded_share=perhaps(*ExcludedShare),
    )


def _income(chance: Random) -> tuple[IncomeShare, ...]:
    """Up to three shares; those of excluded shares are the whole of them, so that all rules go."""
    whom = chance.sample(EVERYBODY, chance.randrange(4))
    parts = [_parts(chance, len(whom), is_whole=is_whole) for is_whole in (False, False, True)]
    return tuple(IncomeShare(*share) for share in zip(whom, *parts, strict=True))


def _parts(chance: Random, count: int, *, is_whole: bool) -> list[BasisPoints]:
    cuts = sorted(chance.randrange(10_001) for _ in range(count))
    if is_whole and cuts:
        cuts[-1] = 10_000
    return [BasisPoints(end - start) for start, end in zip([0, *cuts], cuts, strict=False)]
