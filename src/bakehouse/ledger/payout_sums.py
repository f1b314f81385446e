"""What payouts come to: owed, withheld, arrived, carried. Sums only; read only."""

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.schema import payouts
from bakehouse.ledger.statement_parts import in_parts
from bakehouse.ledger.states import Mode, PayoutState
from bakehouse.rewards.money import Mutez
from bakehouse.rewards.payout_kind import INCOME_KINDS, PayoutKind


async def withheld_total(tx: AsyncConnection, distribution: Distribution) -> Mutez:
    """Sum what recipients bear of the costs of what this distribution pays."""
    query = select(func.coalesce(func.sum(payouts.c.withheld), 0)).where(
        payouts.c.paid_with_id == distribution.id
    )
    return Mutez(int((await tx.execute(query)).scalar_one()))


async def settled_sums(tx: AsyncConnection, distribution_ids: Collection[int]) -> dict[int, Mutez]:
    """Sum what has arrived of what distributions pay, or was simulated, by their ids."""
    sums: dict[int, Mutez] = {}
    for part in in_parts(distribution_ids):
        query = (
            select(payouts.c.paid_with_id, func.sum(payouts.c.net - payouts.c.withheld))
            .where(
                payouts.c.paid_with_id.in_(part),
                payouts.c.state.in_((PayoutState.PAID, PayoutState.SIMULATED)),
            )
            .group_by(payouts.c.paid_with_id)
        )
        sums |= {key: Mutez(int(sum_)) for key, sum_ in await tx.execute(query)}
    return sums


async def income_sums(tx: AsyncConnection, distribution: Distribution) -> dict[PayoutKind, Mutez]:
    """Sum what named addresses are owed of the baker's income of the cycle, by kind."""
    key = distribution.key
    query = (
        select(payouts.c.kind, func.sum(payouts.c.net))
        .where(
            payouts.c.network == key.network,
            payouts.c.baker_id == key.baker_id,
            payouts.c.cycle == key.cycle,
            payouts.c.kind.in_(INCOME_KINDS),
            payouts.c.mode == key.mode,
        )
        .group_by(payouts.c.kind)
    )
    return {PayoutKind(kind): Mutez(int(sum_)) for kind, sum_ in await tx.execute(query)}


async def carried_sum(tx: AsyncConnection, baker_id: str, mode: Mode) -> tuple[int, Mutez]:
    """Count and sum what waits for a later cycle."""
    query = select(func.count(), func.coalesce(func.sum(payouts.c.net), 0)).where(
        payouts.c.baker_id == baker_id,
        payouts.c.mode == mode,
        payouts.c.state == PayoutState.CARRIED,
    )
    count, total = (await tx.execute(query)).one()
    return count, Mutez(int(total))


async def received_by_transfer(
    tx: AsyncConnection, transfer_ids: Collection[int]
) -> dict[int, Mutez]:
    """Sum what the payouts that each transfer settles give their recipients, its costs borne."""
    sums: dict[int, Mutez] = {}
    for part in in_parts(transfer_ids):
        query = (
            select(payouts.c.transfer_id, func.sum(payouts.c.net - payouts.c.withheld))
            .where(payouts.c.transfer_id.in_(part))
            .group_by(payouts.c.transfer_id)
        )
        sums |= {key: Mutez(int(sum_)) for key, sum_ in await tx.execute(query)}
    return sums
