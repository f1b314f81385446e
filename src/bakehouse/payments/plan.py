"""From a finished cycle to payouts in the ledger: read once, store the evidence, never re-read."""

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import ConflictError, RefusalError
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger import bakers, distributions, payouts, plan_adjustments
from bakehouse.ledger.bakers import Baker
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
from bakehouse.payments.payer import Payer
from bakehouse.rewards.bond_pool import BondPoolPlan, plan_bond_pool
from bakehouse.rewards.money import NO_MUTEZ, Mutez
from bakehouse.rewards.plan import PayoutPlan, PayoutRules, PlannedPayout, plan_payouts
from bakehouse.rewards.plan_document import BOND_MEMBER, DELEGATOR
from bakehouse.tezos.rewards_split import RewardSplit


async def plan_delegators(payer: Payer, distribution: Distribution, split: RewardSplit) -> None:
    """Write what the delegators are owed for the cycle, with the split it was computed from.

    Raises RefusalError when the split does not add up or is of another cycle, HookToAsk while a
    hook of the baker has not answered about the plan.
    """
    key = distribution.key
    if split.rewards.cycle != key.cycle:
        raise RefusalError(f"asked for cycle {key.cycle}, got a split of {split.rewards.cycle}")
    async with payer.ledger.read() as tx:
        rules = await rules_of(tx, await bakers.get(tx, key.baker_id))
        waiting = await payouts.carried(tx, key.baker_id, key.mode)
    carried = {address: sum_of(rows) for address, rows in waiting.items()}
    # Sixty thousand delegators take a moment: not on the event loop.
    plan = await asyncio.to_thread(plan_payouts, split.rewards, rules, carried)
    plan, adjustments = await hook_gate.adjusted(payer, distribution, plan, rules.minimum_payout)
    figures = PlanFigures(
        plan.pool, plan.own_part, plan.total_fees, plan.total_net, plan.dust, plan.zero_payouts
    )
    snapshot = await asyncio.to_thread(lambda: json.dumps(asdict(split), sort_keys=True))
    rows = [_new_payout(payout, key.mode) for payout in plan.payouts]
    async with payer.ledger.write() as tx:
        await _enter_plan(payer, tx, distribution, figures, snapshot)
        failpoint(Failpoint.MID_PLAN_WRITE)
        await payouts.add(tx, distribution, [row for row in rows if row.net > 0])
        await plan_adjustments.add(tx, distribution.id, adjustments)
        for released in _released(plan, waiting):
            await payouts.release_carried(tx, distribution, released, _entry_state(key.mode))


async def rules_of(tx: AsyncConnection, baker: Baker) -> PayoutRules:
    """Give the rules by which a baker shares, as they are set now."""
    return PayoutRules(
        default_fee=baker.default_fee,
        fees=await bakers.fees(tx, baker.baker_id),
        share_block_fees=baker.share_block_fees,
        minimum_payout=baker.minimum_payout,
    )


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
        await payouts.add(tx, distribution, _bond_payouts(plan, key.mode))


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
        kind=DELEGATOR,
        owed_to=payout.recipient,
        delegated_balance=payout.delegated_balance,
        gross=payout.gross,
        fee_basis_points=payout.fee_basis_points,
        fee=payout.fee,
        net=payout.net,
        state=PayoutState.CARRIED if payout.is_carried else _entry_state(mode),
    )


def _released(plan: PayoutPlan, waiting: Mapping[str, list[Payout]]) -> list[list[Payout]]:
    lifted = {payout.recipient for payout in plan.payouts if not payout.is_carried}
    lifted.update(plan.released)
    return [rows for address, rows in waiting.items() if address in lifted]


def _bond_payouts(plan: BondPoolPlan, mode: Mode) -> list[NewPayout]:
    return [
        NewPayout(
            kind=BOND_MEMBER,
            owed_to=payout.recipient,
            delegated_balance=payout.amount,
            gross=Mutez(payout.gross + payout.charges_received),
            fee_basis_points=payout.adm_charge,
            fee=Mutez(payout.gross + payout.charges_received - payout.net),
            net=payout.net,
            state=_entry_state(mode),
        )
        for payout in plan.payouts
        if payout.net > 0
    ]
