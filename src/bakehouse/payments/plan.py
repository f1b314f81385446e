"""From a finished cycle to payouts in the ledger: read once, store the evidence, never re-read."""

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import ConflictError, RefusalError
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger import (
    bakers,
    distributions,
    exclusions,
    payout_rules,
    payouts,
    plan_adjustments,
)
from bakehouse.ledger.distributions import Distribution, DistributionKey, PlanFigures
from bakehouse.ledger.payouts import NewPayout, Payout
from bakehouse.ledger.states import (
    SETTLED_DISTRIBUTIONS,
    DistributionKind,
    DistributionState,
    Mode,
    PayoutState,
)
from bakehouse.payments import hook_gate
from bakehouse.payments.deduct import with_deductions
from bakehouse.payments.payer import Payer
from bakehouse.payments.transfer_costs import expected_costs
from bakehouse.rewards.adjusted_plan import DraftPlan
from bakehouse.rewards.bond_pool import BondPoolPlan, plan_bond_pool
from bakehouse.rewards.money import NO_MUTEZ, Mutez
from bakehouse.rewards.payout_kind import PayoutKind
from bakehouse.rewards.payout_rules import PayoutRules
from bakehouse.rewards.plan import plan_payouts
from bakehouse.rewards.plan_values import CarryReason, PayoutPlan, PlannedPayout, TransferCosts
from bakehouse.tezos.rewards_split import RewardSplit


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """What a plan is made from, beside the cycle's split."""

    rules: PayoutRules
    costs: TransferCosts
    #: What earlier cycles left unpaid, by whom it is owed to.
    waiting: Mapping[str, list[Payout]]
    #: Who is owed although it does not delegate, and so has not left.
    staying: frozenset[str]

    def plan(self, split: RewardSplit) -> PayoutPlan:
        """Make the plan; raises RefusalError. Takes a moment for sixty thousand delegators."""
        carried = {owed_to: sum_of(rows) for owed_to, rows in self.waiting.items()}
        return plan_payouts(split.rewards, self.rules, carried, self.costs, self.staying)


async def plan_inputs(payer: Payer, key: DistributionKey) -> PlanInputs:
    """Read what a cycle is planned from; raises SettingError for rules that clash, SourceError."""
    async with payer.ledger.read() as tx:
        rules = await payout_rules.rules_of(tx, await bakers.get(tx, key.baker_id))
        waiting = await payouts.carried(tx, key.baker_id, key.mode)
        staying = await who_stays(tx, key.baker_id, rules)
    return PlanInputs(rules, await expected_costs(payer, rules), waiting, staying)


async def who_stays(tx: AsyncConnection, baker_id: str, rules: PayoutRules) -> frozenset[str]:
    """Name those who are owed by the baker without delegating to it."""
    members = await bakers.bond_pool(tx, baker_id)
    shares = [share.address for share in rules.income]
    return frozenset([*shares, *(member.address for member in members)])


async def plan_delegators(payer: Payer, distribution: Distribution, split: RewardSplit) -> None:
    """Write what is owed for the cycle, with the split and the rules it was computed from.

    Raises RefusalError when the split does not add up, is of another cycle, or lacks what the rules
    need; SettingError for rules that clash; HookToAsk while a hook of the baker has not answered
    about the plan.
    """
    key = distribution.key
    if split.rewards.cycle != key.cycle:
        raise RefusalError(f"asked for cycle {key.cycle}, got a split of {split.rewards.cycle}")
    inputs = await plan_inputs(payer, key)
    # Sixty thousand delegators take a moment: not on the event loop.
    plan = await asyncio.to_thread(inputs.plan, split)
    plan, adjustments = await hook_gate.adjusted(
        payer, distribution, DraftPlan(plan, inputs.rules, inputs.costs)
    )
    figures = PlanFigures(
        plan.pool,
        plan.own_part,
        plan.total_fees,
        plan.total_net,
        plan.dust,
        plan.zero_payouts,
        plan.excluded_kept,
    )
    snapshot = await asyncio.to_thread(_evidence, split, inputs)
    rows = [_new_payout(payout, key.mode) for payout in plan.payouts]
    async with payer.ledger.write() as tx:
        await _enter_plan(payer, tx, distribution, figures, snapshot)
        failpoint(Failpoint.MID_PLAN_WRITE)
        owed = [row for row in rows if row.net > 0]
        await payouts.add(tx, distribution, await with_deductions(tx, distribution, owed))
        await plan_adjustments.add(tx, distribution.id, adjustments)
        await exclusions.add(tx, distribution, plan.exclusions)
        for released in _released(plan, inputs.waiting):
            await _redirect(tx, released, inputs.rules)
            await payouts.release_carried(tx, distribution, released, _entry_state(key.mode))


def _evidence(split: RewardSplit, inputs: PlanInputs) -> str:
    document = {
        **asdict(split),
        "rules": inputs.rules.document(),
        "expected_costs": asdict(inputs.costs),
    }
    return json.dumps(document, sort_keys=True)


async def _redirect(tx: AsyncConnection, released: Iterable[Payout], rules: PayoutRules) -> None:
    """Send what had waited to where its recipient is redirected now, not when it was planned."""
    for payout in released:
        address = rules.rule_of(payout.owed_to).recipient or payout.owed_to
        if payout.address != address:
            await payouts.redirect(tx, payout.id, address)


def sum_of(rows: Iterable[Payout]) -> Mutez:
    """Sum what payouts give their recipients."""
    return Mutez(sum(row.net for row in rows))


async def plan_bond_members(payer: Payer, distribution: Distribution) -> None:
    """Write what the bond-pool members are owed of what the baker kept of the cycle.

    Raises ConflictError while the delegators are not settled.
    """
    key = distribution.key
    delegators = DistributionKey(
        key.network, key.baker_id, key.cycle, DistributionKind.DELEGATORS, key.mode
    )
    async with payer.ledger.write() as tx:
        settled = await distributions.get(tx, delegators)
        if settled.state not in SETTLED_DISTRIBUTIONS:
            raise ConflictError(f"the delegators of cycle {key.cycle} are not settled yet")
        members = await bakers.bond_pool(tx, key.baker_id)
        rules = await payout_rules.rules_of(tx, await bakers.get(tx, key.baker_id))
        pool = Mutez(settled.figures.pool - settled.figures.total_net)
        plan = plan_bond_pool(pool, members)
        figures = PlanFigures(plan.pool, NO_MUTEZ, NO_MUTEZ, plan.total_net, plan.dust, 0)
        evidence = {
            "pool": pool,
            "members": [
                {"address": member.address, "amount": member.amount, "charge": member.adm_charge}
                for member in members
            ],
        }
        snapshot = json.dumps(evidence, sort_keys=True)
        await _enter_plan(payer, tx, distribution, figures, snapshot)
        await payouts.add(tx, distribution, _bond_payouts(plan, key, rules))


async def _enter_plan(
    payer: Payer,
    tx: AsyncConnection,
    distribution: Distribution,
    figures: PlanFigures,
    snapshot: str,
) -> None:
    at = payer.clock()
    await distributions.store_plan(
        tx,
        distribution,
        figures,
        snapshot=snapshot,
        snapshot_sha256=hashlib.sha256(snapshot.encode()).hexdigest(),
        at=at,
    )
    await distributions.enter_state(tx, distribution, DistributionState.PLANNED, at=at)


def _entry_state(mode: Mode) -> PayoutState:
    return PayoutState.SIMULATED if mode is Mode.SIMULATION else PayoutState.OWED


def _new_payout(payout: PlannedPayout, mode: Mode) -> NewPayout:
    return NewPayout(
        kind=payout.kind,
        owed_to=payout.recipient,
        address=payout.address,
        delegated_balance=payout.delegated_balance,
        gross=payout.gross,
        fee_basis_points=payout.fee_basis_points,
        fee=payout.fee,
        net=payout.net,
        state=PayoutState.CARRIED if payout.is_carried else _entry_state(mode),
        reason=payout.carry_reason,
        bears_fee=payout.bears_fee,
        bears_burn=payout.bears_burn,
    )


def _released(plan: PayoutPlan, waiting: Mapping[str, list[Payout]]) -> list[list[Payout]]:
    lifted = {payout.recipient for payout in plan.payouts if not payout.is_carried}
    lifted.update(plan.released)
    return [rows for address, rows in waiting.items() if address in lifted]


def _bond_payouts(plan: BondPoolPlan, key: DistributionKey, rules: PayoutRules) -> list[NewPayout]:
    waits = not rules.pays_in(key.cycle)
    return [
        NewPayout(
            kind=PayoutKind.BOND_MEMBER,
            owed_to=payout.recipient,
            address=rules.rule_of(payout.recipient).recipient or payout.recipient,
            delegated_balance=payout.amount,
            gross=Mutez(payout.gross + payout.charges_received),
            fee_basis_points=payout.adm_charge,
            fee=Mutez(payout.gross + payout.charges_received - payout.net),
            net=payout.net,
            state=PayoutState.CARRIED if waits else _entry_state(key.mode),
            reason=CarryReason.INTERVAL if waits else None,
        )
        for payout in plan.payouts
        if payout.net > 0
    ]
