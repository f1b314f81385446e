"""What the chain took for paying distributions: counted and summed by them. Read only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.schema import BURNED, operations, transfers
from bakehouse.ledger.statement_parts import in_parts
from bakehouse.ledger.states import OperationState
from bakehouse.rewards.money import NO_MUTEZ, Mutez


@dataclass(frozen=True, slots=True)
class ChainCost:
    """Final operations of a distribution, and their cost in mutez."""

    operations: int = 0
    transfers: int = 0
    fees: Mutez = NO_MUTEZ
    burned: Mutez = NO_MUTEZ


async def chain_costs(tx: AsyncConnection, ids: Sequence[int]) -> Mapping[int, ChainCost]:
    """Give the cost of distributions by their ids; those that cost nothing are left out."""
    costs: dict[int, ChainCost] = {}
    for part in in_parts(ids):
        is_meant = (
            operations.c.distribution_id.in_(part),
            operations.c.state == OperationState.FINAL,
        )
        # An index tells how many, another the few that burned: no transfer itself is read.
        transfer_count = (
            select(func.count())
            .where(transfers.c.operation_id == operations.c.id)
            .scalar_subquery()
        )
        of_operations = (
            select(
                operations.c.distribution_id,
                func.count(),
                func.sum(operations.c.total_fee),
                func.sum(transfer_count),
            )
            .where(*is_meant)
            .group_by(operations.c.distribution_id)
        )
        of_burns = (
            select(operations.c.distribution_id, func.sum(transfers.c.burn))
            .join(transfers, transfers.c.operation_id == operations.c.id)
            .where(*is_meant, BURNED)
            .group_by(operations.c.distribution_id)
        )
        burned = {each: int(burn) for each, burn in await tx.execute(of_burns)}
        for each, count, fees, moved in await tx.execute(of_operations):
            burn = Mutez(burned.get(each, 0))
            costs[each] = ChainCost(count, int(moved), Mutez(int(fees)), burn)
    return costs
