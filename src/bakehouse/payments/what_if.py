"""What a cycle would pay by a baker's rules or by others, and what that changes. Stores nothing."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import InputError
from bakehouse.ledger import bakers, distribution_lists, distributions, hooks, payout_rules, payouts
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import DistributionKind, HookPoint, Mode
from bakehouse.payments.payer import Payer
from bakehouse.payments.plan import sum_of, who_stays
from bakehouse.payments.transfer_costs import expected_costs
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.rewards.payout_rules import PayoutRules
from bakehouse.rewards.plan import plan_payouts
from bakehouse.rewards.plan_values import PayoutPlan
from bakehouse.tezos.address import Address
from bakehouse.tezos.rewards_split import RewardSplit


@dataclass(frozen=True, slots=True)
class OtherRules:
    """Rules to be tried instead of the baker's own; None leaves one as it is set."""

    default_fee: BasisPoints | None = None
    minimum_payout: Mutez | None = None

    def instead_of(self, rules: PayoutRules) -> PayoutRules:
        """Give the rules that are tried."""
        return replace(
            rules,
            default_fee=rules.default_fee if self.default_fee is None else self.default_fee,
            minimum_payout=(
                rules.minimum_payout if self.minimum_payout is None else self.minimum_payout
            ),
        )


AS_SET: Final = OtherRules()


@dataclass(frozen=True, slots=True)
class PayoutChange:
    """What one recipient earned net in the compared cycle, and earns now, in mutez."""

    owed_to: str
    before: Mutez
    now: Mutez


@dataclass(frozen=True, slots=True)
class Preview:
    """What a cycle would pay. The plan is computed as a real one is, carried amounts included."""

    baker: Baker
    rules: PayoutRules
    plan: PayoutPlan
    #: False while the cycle runs: the plan is made of what is known of it, and will change.
    is_final: bool
    #: Who would be held for getting more than the baker's cap for a recipient.
    over_payout_cap: tuple[str, ...]
    #: Whether the whole cycle would be refused for its sum.
    is_over_cycle_cap: bool
    #: The last cycle before this one that was planned here; None when there is none.
    compared_with: Distribution | None
    #: Everybody of both cycles, the largest difference first; empty with nothing to compare.
    changes: tuple[PayoutChange, ...]
    #: Names of the hooks that are asked, and may change it, when the cycle is planned in earnest.
    #: They are not asked here: what is looked at in passing must not set programs off.
    hooks_to_ask: tuple[str, ...]


async def preview(
    payer: Payer, baker_id: str, cycle: int | None = None, other: OtherRules = AS_SET
) -> Preview:
    """Compute what a cycle would pay, by default the newest that is over.

    Needs the indexer and no key. Raises NotFoundError for an unknown baker, InputError for a cycle
    that has not begun or a rule out of range, RefusalError for a split that must not be paid from,
    SourceError when the indexer does not tell.
    """
    async with payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
        rules = other.instead_of(await payout_rules.rules_of(tx, baker))
        staying = await who_stays(tx, baker_id, rules)
        to_ask = await hooks.at_point(tx, baker_id, HookPoint.PLAN_MADE)
    split, is_final = await _split(payer, baker_id, cycle)
    mode = baker.mode if baker.mode is not Mode.OFF else Mode.ON
    async with payer.ledger.read() as tx:
        carried = await carried_into_cycle(tx, baker, split.rewards.cycle, mode)
        last, before = await _last_planned(tx, baker_id, split.rewards.cycle, mode)
    costs = await expected_costs(payer, rules)
    # Sixty thousand delegators take a moment: not on the event loop.
    plan = await asyncio.to_thread(plan_payouts, split.rewards, rules, carried, costs, staying)
    return Preview(
        baker=baker,
        rules=rules,
        plan=plan,
        is_final=is_final,
        over_payout_cap=_over_payout_cap(plan, rules, baker.payout_cap),
        is_over_cycle_cap=baker.cycle_cap is not None and plan.total_net > baker.cycle_cap,
        compared_with=last,
        changes=_changes(before, plan) if last is not None else (),
        hooks_to_ask=tuple(each.name for each in to_ask),
    )


async def _split(payer: Payer, baker_id: str, cycle: int | None) -> tuple[RewardSplit, bool]:
    current = (await payer.indexer.head()).cycle
    wanted = max(current - 1, 0) if cycle is None else cycle
    if wanted > current:
        raise InputError(f"cycle {wanted} has not begun: the indexer is at cycle {current}")
    if wanted == current:
        return await payer.indexer.split(Address(baker_id), wanted), False
    return await payer.indexer.closed_split(Address(baker_id), wanted), True


async def carried_into_cycle(
    tx: AsyncConnection, baker: Baker, cycle: int, mode: Mode
) -> Mapping[str, Mutez]:
    """Sum what waits from earlier cycles; what this very cycle paid of it had waited, too."""
    waiting = await payouts.carried(tx, baker.baker_id, mode)
    rows = [row for each in waiting.values() for row in each]
    key = DistributionKey(baker.network, baker.baker_id, cycle, DistributionKind.DELEGATORS, mode)
    planned = await distributions.find(tx, key)
    if planned is not None:
        rows += await payouts.carried_into(tx, planned)
    by_address: dict[str, list[Payout]] = {}
    for row in rows:
        if row.cycle < cycle:
            by_address.setdefault(row.owed_to, []).append(row)
    return {address: sum_of(several) for address, several in by_address.items()}


async def _last_planned(
    tx: AsyncConnection, baker_id: str, cycle: int, mode: Mode
) -> tuple[Distribution | None, Mapping[str, int]]:
    planned = await distribution_lists.newest_planned(tx, baker_id, mode, 1, before=cycle)
    if not planned:
        return None, {}
    [last] = planned
    rows = await payouts.of_distribution(tx, last)
    return last, _by_recipient((row.owed_to, row.net) for row in rows)


def _by_recipient(amounts: Iterable[tuple[str, Mutez]]) -> Counter[str]:
    """Sum amounts by address: somebody may be owed as a delegator and of the income, too."""
    sums: Counter[str] = Counter()
    for whom, amount in amounts:
        sums[whom] += amount
    return sums


def _over_payout_cap(plan: PayoutPlan, rules: PayoutRules, cap: Mutez | None) -> tuple[str, ...]:
    """Name who would be held, as the guard does: by what is sent to one address in all."""
    if cap is None:
        return ()
    due = [(row.recipient, row.address, row.due) for row in plan.payouts if not row.is_carried]
    due += [
        (whom, rules.rule_of(whom).recipient or whom, amount)
        for whom, amount in plan.released.items()
    ]
    sent = _by_recipient((address or whom, amount) for whom, address, amount in due)
    return tuple(dict.fromkeys(whom for whom, address, _ in due if sent[address or whom] > cap))


def _changes(before: Mapping[str, int], plan: PayoutPlan) -> tuple[PayoutChange, ...]:
    now = _by_recipient((payout.recipient, payout.net) for payout in plan.payouts)
    changes = [
        PayoutChange(whom, Mutez(before.get(whom, 0)), Mutez(now.get(whom, 0)))
        for whom in {**now, **before}
    ]
    return tuple(sorted(changes, key=lambda each: (-abs(each.now - each.before), each.owed_to)))
