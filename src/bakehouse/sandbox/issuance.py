"""What the protocol issues to the baker: how much, when, and to which of the balances.

Half of a cycle's rewards comes with the blocks the baker bakes, half for attesting in the cycle's
last block. Each reward is split between what is delegated (liquid, the baker's to share) and what
is staked (frozen, shared by the protocol), as adaptive issuance does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add
from typing import Final

from bakehouse.rewards.money import MUTEZ_PER_TEZ
from bakehouse.sandbox.ledger import Draft, Ledger
from bakehouse.sandbox.protocol import EDGE_OF_STAKING_OVER_DELEGATION, CycleLength
from bakehouse.sandbox.receipt import BalanceUpdate

#: A cycle's rewards for a tez of baking power, in mutez: what a mainnet baker had in August 2026.
REWARDS_PER_TEZ: Final = 188
#: One block in this many is the baker's; the rest of the network bakes the others.
BAKER_SHARE: Final = 5
#: What the baker takes of the rewards of those who stake with it, in percent.
EDGE_PERCENT: Final = 10
#: DAL rewards, as a part of attestation rewards.
DAL_DIVISOR: Final = 10


@dataclass(frozen=True, slots=True)
class RewardParts:
    """One reward in mutez, as TzKT reports it in four fields."""

    delegated: int = 0
    staked_own: int = 0
    staked_edge: int = 0
    staked_shared: int = 0

    def __add__(self, other: "RewardParts") -> "RewardParts":
        return RewardParts(
            self.delegated + other.delegated,
            self.staked_own + other.staked_own,
            self.staked_edge + other.staked_edge,
            self.staked_shared + other.staked_shared,
        )

    @property
    def total(self) -> int:
        """Mutez of the reward, to whomever they go."""
        return self.delegated + self.staked_own + self.staked_edge + self.staked_shared


@dataclass(frozen=True, slots=True)
class Earnings:
    """What the baker earned in some blocks; `block_fees` are mutez that others paid."""

    blocks: int = 0
    block_rewards: RewardParts = field(default_factory=RewardParts)
    attestation_rewards: RewardParts = field(default_factory=RewardParts)
    dal_attestation_rewards: RewardParts = field(default_factory=RewardParts)
    block_fees: int = 0

    def __add__(self, other: "Earnings") -> "Earnings":
        return Earnings(
            self.blocks + other.blocks,
            self.block_rewards + other.block_rewards,
            self.attestation_rewards + other.attestation_rewards,
            self.dal_attestation_rewards + other.dal_attestation_rewards,
            self.block_fees + other.block_fees,
        )

    @property
    def issued(self) -> RewardParts:
        """All rewards that the protocol issued."""
        return self.block_rewards + self.attestation_rewards + self.dal_attestation_rewards


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The baker's balances and everyone's with it, in mutez, that count for a cycle's rights.

    Delegators and stakers come as (address, balance), the largest first.
    """

    own_delegated: int
    own_staked: int
    delegators: tuple[tuple[str, int], ...]
    stakers: tuple[tuple[str, int], ...]

    @property
    def external_delegated(self) -> int:
        """Mutez that others delegate."""
        return sum(balance for _, balance in self.delegators)

    @property
    def external_staked(self) -> int:
        """Mutez that others stake."""
        return sum(balance for _, balance in self.stakers)

    @property
    def delegated_power(self) -> int:
        """Baking power that comes from delegated mutez, which weigh less than staked ones."""
        return (self.own_delegated + self.external_delegated) // EDGE_OF_STAKING_OVER_DELEGATION

    @property
    def baking_power(self) -> int:
        """The baker's power in all."""
        return self.own_staked + self.external_staked + self.delegated_power

    def split(self, reward: int) -> RewardParts:
        """Split a reward in proportion to power; rounding favours what is staked."""
        stake = self.own_staked + self.external_staked
        if stake == 0:
            return RewardParts(delegated=reward)
        delegated = reward * self.delegated_power // self.baking_power
        staked = reward - delegated
        own = staked * self.own_staked // stake
        edge = (staked - own) * EDGE_PERCENT // 100
        shared = _shares(staked - own - edge, self.stakers)
        shared_total = sum(amount for _, amount in shared)
        # What cannot be shared evenly stays with the baker's edge.
        return RewardParts(delegated, own, staked - own - shared_total, shared_total)

    def shares(self, staked_shared: int) -> list[tuple[str, int]]:
        """Give each staker's part of a shared reward that `split` made."""
        return _shares(staked_shared, self.stakers)


def _shares(amount: int, stakers: tuple[tuple[str, int], ...]) -> list[tuple[str, int]]:
    stake = sum(balance for _, balance in stakers)
    return [(address, amount * balance // stake) for address, balance in stakers]


def take_snapshot(ledger: Ledger, baker: str, level: int) -> Snapshot:
    """Read who delegates and stakes how much with the baker after the block of `level`."""
    own = ledger.at(baker, level)
    others = [
        (address, account)
        for address, account in ledger.all_at(level)
        if account.delegate == baker and address != baker
    ]
    delegators = [(address, account.balance) for address, account in others]
    stakers = [(address, account.staked) for address, account in others if account.staked]
    return Snapshot(
        own_delegated=own.balance if own else 0,
        own_staked=own.staked if own else 0,
        delegators=tuple(sorted(delegators, key=_largest_first)),
        stakers=tuple(sorted(stakers, key=_largest_first)),
    )


def _largest_first(entry: tuple[str, int]) -> tuple[int, str]:
    address, balance = entry
    return -balance, address


@dataclass(frozen=True, slots=True)
class Rates:
    """What the baker gets in one cycle, in mutez: a block, and for attesting in the whole of it."""

    block: RewardParts
    attestation: RewardParts
    dal_attestation: RewardParts


def rates(snapshot: Snapshot, cycle_length: CycleLength) -> Rates:
    """Give what the rights of a snapshot earn in a cycle."""
    half = snapshot.baking_power * REWARDS_PER_TEZ // MUTEZ_PER_TEZ // 2
    blocks_expected = max(cycle_length.blocks // BAKER_SHARE, 1)
    return Rates(
        block=snapshot.split(half // blocks_expected),
        attestation=snapshot.split(half),
        dal_attestation=snapshot.split(half // DAL_DIVISOR),
    )


def issue(
    draft: Draft, baker: str, earnings: Earnings, snapshot: Snapshot
) -> tuple[BalanceUpdate, ...]:
    """Credit what is newly issued in `earnings`, not the fees; gives the block's movements."""
    parts = earnings.issued
    _update(draft, baker, liquid=parts.delegated, staked=parts.staked_own + parts.staked_edge)
    shares = snapshot.shares(parts.staked_shared) if parts.staked_shared else []
    for address, amount in shares:
        _update(draft, address, staked=amount)
    residue = parts.staked_shared - sum(amount for _, amount in shares)
    _update(draft, baker, staked=residue)
    draft.issued += parts.total
    return (
        *_minted("baking rewards", baker, earnings.block_rewards),
        *_minted("attesting rewards", baker, earnings.attestation_rewards),
        *_minted("dal attesting rewards", baker, earnings.dal_attestation_rewards),
    )


def _update(draft: Draft, address: str, *, liquid: int = 0, staked: int = 0) -> None:
    if liquid == staked == 0:
        return
    account = draft.account(address) or draft.fresh_account()
    draft.write(
        address, replace(account, balance=account.balance + liquid, staked=account.staked + staked)
    )


def _minted(category: str, baker: str, parts: RewardParts) -> tuple[BalanceUpdate, ...]:
    frozen = parts.total - parts.delegated
    movements = (
        (BalanceUpdate("freezer", frozen, category="deposits", contract=baker), frozen),
        (BalanceUpdate("contract", parts.delegated, contract=baker), parts.delegated),
    )
    return tuple(
        update
        for movement, amount in movements
        if amount
        for update in (BalanceUpdate("minted", -amount, category=category), movement)
    )


def total(earnings: Iterable[Earnings]) -> Earnings:
    """Add up what was earned in several blocks."""
    return reduce(add, earnings, Earnings())
