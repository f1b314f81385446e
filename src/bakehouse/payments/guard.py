"""Checks before anything is planned or signed: each has a name and says in words why it refused."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from bakehouse.errors import (
    ConflictError,
    GuardRefusedError,
    SourcesDisagreeError,
    SourceStaleError,
    WrongChainError,
)
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import Death, DistributionKind, Mode, OperationState
from bakehouse.payments.payer import Payer
from bakehouse.rewards.cycle_rewards import MissedRewards, Stake
from bakehouse.rewards.money import NO_MUTEZ, Mutez, format_tez
from bakehouse.rewards.payout_rules import RewardBasis
from bakehouse.rewards.pool import delegated_part
from bakehouse.tezos.address import Address


class Guard(StrEnum):
    """The checks, by the names under which alerts and messages speak of them."""

    SOURCES_AGREE = "sources-agree"  # node and indexer tell the same history and the same counter
    ADDS_UP = "adds-up"  # the payouts are what the plan said
    WITHIN_EARNED = "within-earned"  # no more is paid than the cycle brought
    CYCLE_CAP = "cycle-cap"  # nor than the baker allows for a cycle
    PAYOUT_CAP = "payout-cap"  # nor for one recipient
    CONTRACT_COST_CAP = "contract-cost-cap"  # nor for the cost of a transfer to a contract
    FIRST_CYCLE = "first-cycle"  # a person has let the first live cycle go
    NOT_PAID_ELSEWHERE = "not-paid-elsewhere"  # no other tool has paid the same people
    BALANCE_COVERS = "balance-covers"
    SIMULATION = "simulation"  # the node would apply the group
    REACHES_BLOCKS = "reaches-blocks"  # groups do not expire one after another
    DISK_SPACE = "disk-space"  # what becomes of a group can be written down
    # Of orders outside any cycle:
    KEEPS_OWED = "keeps-owed"  # what is owed to others stays in the wallet
    TOP_UP_CAP = "top-up-cap"  # no more is topped up than a day allows
    NOT_DONE_ELSEWHERE = "not-done-elsewhere"  # the wallet has not sent it by another tool


def refuse(guard: Guard, reason: str) -> GuardRefusedError:
    """Make the error of a guard that did not pass."""
    return GuardRefusedError(f"{guard}: {reason}", guard=guard.value)


async def sources_agree(payer: Payer, distribution: Distribution, source: str) -> bool:
    """Whether node and indexer are on the baker's chain, both past the cycle, and tell the same.

    Compared are the block of the indexer's head, and the counter of the paying address there: every
    operation it ever sent counts in it. (Balances are not: the two count stakes differently.)
    False while one of them still works towards the cycle. Raises WrongChainError for another chain,
    SourcesDisagreeError for another history.
    """
    network = distribution.key.network
    indexer, counter = await payer.indexer.account_counter(Address(source))
    for name, chain_id in (("node", await payer.node.chain_id()), ("indexer", indexer.chain_id)):
        if chain_id != network:
            raise WrongChainError(f"the {name} is on chain {chain_id}, not {network}")
    if not indexer.synced or indexer.cycle <= distribution.key.cycle:
        return False
    if indexer.level > (await payer.node.head()).level:
        # There is nothing to compare yet.
        return False
    header = await payer.node.header(indexer.level)
    if header.hash != indexer.hash:
        raise SourcesDisagreeError(
            f"at level {indexer.level} the indexer has block {indexer.hash}, the node {header.hash}"
        )
    ours = await payer.node.counter(Address(source), header.hash)
    if ours != counter:
        raise SourcesDisagreeError(
            f"at level {indexer.level} the indexer gives {source} the counter {counter}, "
            f"the node {ours}"
        )
    return True


def adds_up(distribution: Distribution, planned: Mutez) -> None:
    """Refuse when the payouts in the ledger are not what the plan said, to the mutez."""
    expected = distribution.figures.total_net
    if planned != expected:
        raise refuse(
            Guard.ADDS_UP, f"the payouts add up to {planned} mutez, the plan to {expected}"
        )


def within_earned(distribution: Distribution, snapshot: str) -> None:
    """Refuse to pay more than the evidence says was earned, or from evidence that was changed.

    Of a cycle that another tool had paid there is none: what is left of it was let go, each by
    its name, by a person.
    """
    if distribution.is_imported:
        return
    if hashlib.sha256(snapshot.encode()).hexdigest() != distribution.snapshot_sha256:
        raise refuse(
            Guard.WITHIN_EARNED, "what the indexer said is not what it was when the plan was made"
        )
    earned = _earned(distribution.key.kind, json.loads(snapshot))
    total = distribution.figures.total_net
    if total > earned:
        raise refuse(
            Guard.WITHIN_EARNED,
            f"the plan pays {format_tez(total)} tez, but only {format_tez(earned)} were earned",
        )


def within_cycle_cap(distribution: Distribution, baker: Baker) -> None:
    """Refuse a cycle that costs more than the baker allows for one."""
    total = distribution.figures.total_net
    if baker.cycle_cap is not None and total > baker.cycle_cap:
        raise refuse(
            Guard.CYCLE_CAP,
            f"the cycle pays {format_tez(total)} tez, more than the cap of "
            f"{format_tez(baker.cycle_cap)}: raise cycle_cap and retry, if that is right",
        )


def over_payout_cap(owed: Sequence[Payout], baker: Baker) -> list[Payout]:
    """Give the payouts whose recipient would get more than the baker allows for one.

    What a person has released is not counted.
    """
    if baker.payout_cap is None:
        return []
    sums: dict[str, int] = {}
    unreleased = [payout for payout in owed if payout.released_at is None]
    for payout in unreleased:
        sums[payout.address] = sums.get(payout.address, 0) + payout.net
    return [payout for payout in unreleased if sums[payout.address] > baker.payout_cap]


def needs_go(distribution: Distribution, baker: Baker, *, has_paid: bool) -> bool:
    """Whether a person must let this cycle go, because it is the first that this baker pays."""
    return baker.confirm_first_cycle and not has_paid and distribution.approved_at is None


def reaches_blocks(distribution: Distribution, signed: Sequence[Operation], most: int) -> None:
    """Refuse to sign once more when the last groups all expired: something keeps them out.

    A retry by a person starts the count anew.
    """
    refuse_expiring([each for each in signed if each.created_at >= distribution.updated_at], most)


def refuse_expiring(recent: Sequence[Operation], most: int) -> None:
    """Refuse when the last of these groups, oldest first, all expired."""
    in_a_row = _expired_in_a_row(recent)
    if in_a_row >= most:
        raise refuse(
            Guard.REACHES_BLOCKS,
            f"the last {in_a_row} groups expired without reaching a block, the latest was "
            f"{recent[-1].hash}: see what the nodes answered to it, then retry",
        )


def expired_in_a_row(distribution: Distribution, signed: Sequence[Operation]) -> int:
    """Count the newest groups that expired one after another; a retry by a person starts anew."""
    return _expired_in_a_row(
        [each for each in signed if each.created_at >= distribution.updated_at]
    )


def _expired_in_a_row(recent: Sequence[Operation]) -> int:
    in_a_row = 0
    for operation in reversed(recent):
        if operation.state is not OperationState.DEAD or operation.death is not Death.EXPIRED:
            break
        in_a_row += 1
    return in_a_row


def room_to_write(free: int, least: int) -> None:
    """Refuse to sign while the disk is nearly full: what becomes of a group must be kept."""
    if free < least:
        raise refuse(
            Guard.DISK_SPACE,
            f"only {free // 1_000_000} MB are free where the data is kept, at least "
            f"{least // 1_000_000} are needed: make room, then retry",
        )


def balance_covers(source: str, balance: Mutez, *, amounts: Mutez, costs: Mutez) -> None:
    """Refuse unless the wallet covers all that is still owed, and the fees and burns of the group.

    Stopping before the first transfer is better than stopping half-way through a cycle.
    """
    missing = Mutez(amounts + costs - balance)
    if missing > 0:
        raise refuse(
            Guard.BALANCE_COVERS,
            f"the wallet {source} holds {format_tez(balance)} tez, but "
            f"{format_tez(amounts)} tez are owed and {format_tez(costs)} tez go to fees and burns: "
            f"{format_tez(missing)} tez are missing",
        )


def still_wanted(baker: Baker, source: str) -> None:
    """Raise ConflictError unless the baker, as it is now, pays and pays from `source`."""
    if baker.mode is not Mode.ON or baker.payout_address != source:
        raise ConflictError(
            f"the settings of {baker.baker_id} changed while a group of {source} was made: "
            "it is not sent"
        )


def keeps_what_is_owed(source: str, balance: Mutez, *, takes: Mutez, owed: Mutez) -> None:
    """Refuse a transfer by hand that would leave the wallet with less than it owes to others."""
    left = Mutez(balance - takes)
    if left < owed:
        raise refuse(
            Guard.KEEPS_OWED,
            f"the wallet {source} holds {format_tez(balance)} tez and owes {format_tez(owed)} tez "
            f"to delegators and members; {format_tez(takes)} tez, with fees, would leave "
            f"{format_tez(left)} tez: {format_tez(Mutez(owed - left))} tez are missing",
        )


def within_day_cap(spent: Mutez, amount: Mutez, cap: Mutez) -> None:
    """Refuse a top-up that, with those of the same UTC day, is more than a day allows."""
    if spent + amount > cap:
        raise refuse(
            Guard.TOP_UP_CAP,
            f"{format_tez(spent)} tez were topped up today (UTC): {format_tez(amount)} tez more "
            f"would pass the cap of {format_tez(cap)}",
        )


def counter_is_current(counter: int, living: Sequence[Operation]) -> None:
    """Refuse a node that has not applied our own groups yet, or has lost one to a reorganisation.

    Signing on its counter would make two groups that exclude each other.
    """
    for operation in living:
        if counter < operation.counter_last:
            raise SourceStaleError(
                f"the node gives counter {counter}, but {operation.hash} used up to "
                f"{operation.counter_last}"
            )


def _earned(kind: DistributionKind, evidence: Mapping[str, object]) -> Mutez:
    if kind is DistributionKind.BOND_POOL:
        return _whole_number(evidence["pool"])
    rewards = evidence["rewards"]
    if not isinstance(rewards, dict):
        raise refuse(Guard.WITHIN_EARNED, "the evidence names no rewards")
    parts = [
        value
        for name, value in rewards.items()
        if name.endswith(("_rewards", "_fees")) and value is not None
    ]
    return Mutez(sum(_whole_number(part) for part in parts) + _promised(evidence, rewards))


def _promised(evidence: Mapping[str, object], rewards: Mapping[str, Any]) -> Mutez:
    """Give what a baker adds of its own that shares as if nothing had been missed."""
    rules = evidence.get("rules")
    if not isinstance(rules, dict) or rules.get("reward_basis") != RewardBasis.IDEAL:
        return NO_MUTEZ
    missed = MissedRewards(**rewards["missed"])
    return Mutez(sum(delegated_part(missed, Stake(**rewards["stake"]))))


def _whole_number(value: object) -> Mutez:
    if not isinstance(value, int) or isinstance(value, bool):
        raise refuse(Guard.WITHIN_EARNED, f"the evidence holds {value!r} where an amount belongs")
    return Mutez(value)
