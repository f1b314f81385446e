"""Rules that a seed draws for a baker: any mixture of them, none of which may cost a payout."""

import random
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import bakers, payout_rules
from bakehouse.ledger.bakers import Baker
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.rewards.payout_rules import (
    CostBearer,
    DelegatorRule,
    ExcludedShare,
    IncomeShare,
    Leavers,
    Listing,
    RewardBasis,
    Rounding,
)

#: Nobody's on the simulated chain: a transfer to them allocates.
_OUTSIDE: Final = ("tz1Ke2h7sDdakHJQh8WX4Z372du1KChsksyU", "tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb")
_WHOLE: Final = BasisPoints(10_000)
_HALF: Final = BasisPoints(5_000)


#: Drawn together, or they would contradict each other.
_TIED: Final = frozenset(
    {"payout_interval", "interval_offset", "delay_blocks_least", "delay_blocks_most"}
)
_CHANGED_PART: Final = 0.6


def draw_settings(chance: random.Random) -> dict[str, Any]:
    """Draw what holds for every delegator; most of it most of the time as it is by default."""
    interval = chance.choice((1, 1, 2, 3))
    delay = chance.choice((0, 0, 2))
    settings = {
        "default_fee": BasisPoints(chance.choice((0, 500, 995, 1_000))),
        "share_block_fees": chance.random() < 0.5,
        "share_attestation_rewards": chance.random() < 0.8,
        "share_denunciation_rewards": chance.random() < 0.5,
        "reward_basis": chance.choice(list(RewardBasis)),
        "over_delegation_protection": chance.random() < 0.3,
        "rounding": chance.choice(list(Rounding)),
        "transfer_fee_payer": chance.choice(list(CostBearer)),
        "burn_payer": chance.choice(list(CostBearer)),
        "minimum_balance": Mutez(chance.choice((0, 0, 50_000_000, 1_000_000_000))),
        "maximum_balance": chance.choice((None, None, Mutez(2_000_000_000))),
        "below_minimum_share": chance.choice(list(ExcludedShare)),
        "excluded_share": chance.choice(list(ExcludedShare)),
        "only_allowed": chance.random() < 0.1,
        "pay_emptied": chance.random() < 0.7,
        "contract_cost_cap": chance.choice((None, None, Mutez(400))),
        "minimum_fee_multiple": chance.choice((0, 0, 1, 50)),
        "leavers": chance.choice(list(Leavers)),
        "payout_interval": interval,
        "interval_offset": chance.randrange(interval),
        "delay_blocks_least": delay,
        "delay_blocks_most": delay + chance.choice((0, 3)),
    }
    return {
        name: value for name, value in settings.items() if chance.random() < 0.6 or name in _TIED
    }


async def choose_rules(
    tx: AsyncConnection, baker: Baker, delegators: Sequence[str], chance: random.Random, at: Any
) -> None:
    """Draw where the income goes, who differs, and what holds for everybody."""
    shares = [IncomeShare(_OUTSIDE[0], of_bonds=_HALF, of_fees=_HALF, of_excluded=_WHOLE)]
    if delegators:
        shares.append(IncomeShare(chance.choice(delegators), of_fees=_HALF))
    await payout_rules.replace_income(tx, baker, shares, actor="test", at=at)
    drawn = {each: _draw_rule(delegators, chance) for each in delegators}
    different = {each: rule for each, rule in drawn.items() if rule != DelegatorRule()}
    await payout_rules.replace_delegators(tx, baker, different, actor="test", at=at)
    await bakers.change(tx, baker.baker_id, draw_settings(chance), actor="test", at=at)


def _draw_rule(delegators: Sequence[str], chance: random.Random) -> DelegatorRule:
    if chance.random() < 0.5:
        return DelegatorRule()
    return DelegatorRule(
        recipient=chance.choice((None, None, chance.choice(delegators), *_OUTSIDE)),
        listing=chance.choice((None, None, None, *Listing)),
        transfer_fee_payer=chance.choice((None, None, *CostBearer)),
        burn_payer=chance.choice((None, None, *CostBearer)),
        excluded_share=chance.choice((None, None, *ExcludedShare)),
    )
