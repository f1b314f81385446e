"""How a cycle was planned: by which rules, and who was excluded. Read only."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.desk.decisions import CycleOf, find_cycle
from bakehouse.ledger import exclusions
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.exclusions import ExclusionSum
from bakehouse.ledger.page import Page, Slice
from bakehouse.ledger.snapshots import snapshot_of
from bakehouse.payments.preview_document import rules_as_json
from bakehouse.rewards.money import Mutez
from bakehouse.rewards.plan_values import Exclusion, TransferCosts


@dataclass(frozen=True, slots=True)
class PlanRules:
    """What a plan was made by, as its evidence has it; None where older evidence has nothing."""

    distribution: Distribution
    #: As JSON data: amounts as strings of mutez.
    rules: Mapping[str, Any] | None
    expected_costs: TransferCosts | None


@dataclass(frozen=True, slots=True)
class Excluded:
    """A page of whom a plan excludes, the largest balance first, and the sums of all of them."""

    page: Page[Exclusion]
    sums: list[ExclusionSum]

    @property
    def count(self) -> int:
        """How many are excluded."""
        return sum(each.count for each in self.sums)


async def plan_rules(ledger: Ledger, which: CycleOf) -> PlanRules:
    """Give the rules by which a cycle was planned; raises NotFoundError."""
    async with ledger.read() as tx:
        distribution = await find_cycle(tx, which)
        snapshot = await snapshot_of(tx, distribution.id)
    # The evidence of sixty thousand delegators is megabytes: not on the event loop.
    evidence = await asyncio.to_thread(json.loads, snapshot or "{}")
    rules, costs = evidence.get("rules"), evidence.get("expected_costs")
    return PlanRules(
        distribution,
        rules=None if rules is None else rules_as_json(rules),
        expected_costs=(
            None if costs is None else TransferCosts(Mutez(costs["fee"]), Mutez(costs["burn"]))
        ),
    )


async def list_excluded(ledger: Ledger, which: CycleOf, part: Slice) -> Excluded:
    """Give a page of whom a cycle's plan excludes; raises NotFoundError."""
    async with ledger.read() as tx:
        return await excluded_of(tx, await find_cycle(tx, which), part)


async def excluded_of(tx: AsyncConnection, distribution: Distribution, part: Slice) -> Excluded:
    """Give a page of whom a distribution's plan excludes."""
    return Excluded(
        await exclusions.page(tx, distribution, part), await exclusions.sums(tx, distribution)
    )
