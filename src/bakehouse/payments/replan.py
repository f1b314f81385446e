"""The last planned cycle once more, by other rules: from what was stored of it. Stores nothing."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import distribution_lists
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.snapshots import snapshot_of
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.payments.what_if import carried_into_cycle
from bakehouse.rewards.cycle_rewards import (
    CycleRewards,
    DelegatorBalance,
    MissedRewards,
    Stake,
)
from bakehouse.rewards.money import Mutez
from bakehouse.rewards.payout_rules import PayoutRules
from bakehouse.rewards.plan import plan_payouts
from bakehouse.rewards.plan_values import PayoutPlan


@dataclass(frozen=True, slots=True)
class StoredCycle:
    """A cycle as it was planned: what it brought, and what earlier ones had left unpaid."""

    distribution: Distribution
    snapshot: str
    carried: Mapping[str, Mutez]

    async def planned_by(self, rules: PayoutRules) -> PayoutPlan:
        """Plan it by these rules; raises RefusalError when that does not add up."""
        # Sixty thousand delegators take a moment: not on the event loop.
        return await asyncio.to_thread(
            lambda: plan_payouts(rewards_of(self.snapshot), rules, self.carried)
        )


async def last_cycle(tx: AsyncConnection, baker: Baker) -> StoredCycle | None:
    """Give the delegators' cycle that was planned last, live before simulated; None without one."""
    for mode in sorted((Mode.ON, Mode.SIMULATION), key=lambda each: each is not baker.mode):
        for found in await distribution_lists.newest_planned(tx, baker.baker_id, mode, 2):
            snapshot = await snapshot_of(tx, found.id)
            if found.key.kind is DistributionKind.DELEGATORS and snapshot:
                carried = await carried_into_cycle(tx, baker, found.key.cycle, mode)
                return StoredCycle(found, snapshot, carried)
    return None


def rewards_of(snapshot: str) -> CycleRewards:
    """Read what a cycle brought from what was stored when it was planned."""
    rewards: dict[str, Any] = json.loads(snapshot)["rewards"]
    missed, stake = rewards.get("missed"), rewards.get("stake")
    read = {
        "delegators": tuple(DelegatorBalance(**each) for each in rewards["delegators"]),
        "missed": MissedRewards(**missed) if missed else None,
        "stake": Stake(**stake) if stake else None,
    }
    return CycleRewards(**{**rewards, **read})
