"""What cycles take from wallets, told for everybody at once: runways and warnings go by it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.baker_tables import bakers as bakers_table
from bakehouse.ledger.schema import distributions as distributions_table
from bakehouse.ledger.schema import operations
from bakehouse.ledger.statement_parts import in_parts
from bakehouse.ledger.states import (
    SETTLED_DISTRIBUTIONS,
    DistributionKind,
    Mode,
    OperationState,
)
from bakehouse.rewards.money import Mutez

_CANDIDATE: Final = distributions_table.alias()
_SAME_CYCLE: Final = distributions_table.alias()


async def expected_costs(tx: AsyncConnection, *baker_ids: str) -> Mapping[str, Mutez]:
    """Give what a cycle like the last paid one takes, in mutez, by baker: of all, or only of some.

    That is all its payouts, the bond pool's too, and its operations' fees. While none was paid, the
    last simulated one counts; a baker that has neither is left out.
    """
    simulated = await _costs(tx, await newest_settled(tx, Mode.SIMULATION, *baker_ids))
    return {**simulated, **await _costs(tx, await newest_settled(tx, Mode.ON, *baker_ids))}


async def newest_settled(
    tx: AsyncConnection, mode: Mode | ColumnElement[str], *baker_ids: str
) -> list[int]:
    """Give the id of the newest cycle that is settled in a mode, of each baker or only of some."""
    # Walks each baker's cycles from the newest back, in the index of what a distribution is.
    table = _CANDIDATE
    newest = (
        select(table.c.id)
        .where(
            table.c.network == bakers_table.c.network,
            table.c.baker_id == bakers_table.c.baker_id,
            table.c.kind == DistributionKind.DELEGATORS,
            table.c.mode == mode,
            table.c.state.in_(SETTLED_DISTRIBUTIONS),
        )
        .order_by(table.c.cycle.desc())
        .limit(1)
        .correlate(bakers_table)
        .scalar_subquery()
    )
    query = select(newest).select_from(bakers_table)
    if baker_ids:
        query = query.where(bakers_table.c.baker_id.in_(baker_ids))
    rows = await tx.execute(query)
    return [each for each in rows.scalars() if each is not None]


async def _costs(tx: AsyncConnection, ids: Sequence[int]) -> Mapping[str, Mutez]:
    """Sum what the cycles of these distributions take, the bond pool's included, by baker."""
    costs: Counter[str] = Counter()
    same_cycle = _SAME_CYCLE
    both = distributions_table.join(
        same_cycle,
        and_(
            same_cycle.c.network == distributions_table.c.network,
            same_cycle.c.baker_id == distributions_table.c.baker_id,
            same_cycle.c.cycle == distributions_table.c.cycle,
            same_cycle.c.kind.in_(list(DistributionKind)),
            same_cycle.c.mode == distributions_table.c.mode,
        ),
    )
    paid_out = select(same_cycle.c.baker_id, func.sum(same_cycle.c.total_net)).select_from(both)
    of_operations = (
        select(same_cycle.c.baker_id, func.sum(operations.c.total_fee))
        .select_from(both.join(operations, operations.c.distribution_id == same_cycle.c.id))
        .where(operations.c.state == OperationState.FINAL)
    )
    for part in in_parts(ids):
        for query in (paid_out, of_operations):
            wanted = query.where(distributions_table.c.id.in_(part))
            rows = await tx.execute(wanted.group_by(same_cycle.c.baker_id))
            costs.update({baker_id: int(cost) for baker_id, cost in rows})
    return {baker_id: Mutez(cost) for baker_id, cost in costs.items()}
