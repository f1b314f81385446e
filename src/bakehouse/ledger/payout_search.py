"""Payouts as people look for them: by cycle, state or address, a page at a time, with sums."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import payouts as stored
from bakehouse.ledger.import_tables import imported_payments
from bakehouse.ledger.page import Page, Slice, holds
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.schema import operations, payouts, transfers
from bakehouse.ledger.states import DistributionKind, Mode, PayoutState
from bakehouse.rewards.money import Mutez
from bakehouse.rewards.payout_kind import INCOME_KINDS, PayoutKind

#: Which payouts a distribution of each kind plans.
KINDS_OF: Final = {
    DistributionKind.DELEGATORS: frozenset({PayoutKind.DELEGATOR, *INCOME_KINDS}),
    DistributionKind.BOND_POOL: frozenset({PayoutKind.BOND_MEMBER}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutFilter:
    """Which of a baker's payouts are wanted; what is None or empty makes no difference."""

    baker_id: str
    mode: Mode = Mode.ON
    cycle: int | None = None
    kind: DistributionKind | None = None
    states: Collection[PayoutState] = ()
    #: Part of the address it is owed or sent to.
    search: str = ""


@dataclass(frozen=True, slots=True)
class FoundPayout:
    """A payout, and the hash of the operation that pays it once one was signed."""

    payout: Payout
    operation_hash: str | None


@dataclass(frozen=True, slots=True)
class PayoutSums:
    """Everything that fits a filter, counted and added up, in mutez."""

    count: int
    gross: Mutez
    fee: Mutez
    net: Mutez
    #: What recipients bear of the costs of their transfers.
    withheld: Mutez

    @property
    def received(self) -> Mutez:
        """What arrives, or has arrived."""
        return Mutez(self.net - self.withheld)


async def page(tx: AsyncConnection, wanted: PayoutFilter, part: Slice) -> Page[FoundPayout]:
    """Give a page of payouts, the newest cycle first and the largest first in each."""
    query = (
        select(
            payouts.c.id,
            func.coalesce(operations.c.hash, imported_payments.c.operation_hash).label("hash"),
        )
        .outerjoin(transfers, transfers.c.id == payouts.c.transfer_id)
        .outerjoin(operations, operations.c.id == transfers.c.operation_id)
        .outerjoin(imported_payments, imported_payments.c.id == payouts.c.imported_payment_id)
        .where(*_conditions(wanted))
        .order_by(payouts.c.cycle.desc(), payouts.c.net.desc(), payouts.c.id)
        .offset(part.offset)
        .limit(part.limit_and_one)
    )
    hashes = {row.id: row.hash for row in await tx.execute(query)}
    rows = {payout.id: payout for payout in await stored.by_ids(tx, list(hashes))}
    return Page.of([FoundPayout(rows[key], found) for key, found in hashes.items()], part)


async def sums(tx: AsyncConnection, wanted: PayoutFilter) -> PayoutSums:
    """Count and add up every payout that fits."""
    query = select(
        func.count(),
        *(
            func.coalesce(func.sum(column), 0)
            for column in (payouts.c.gross, payouts.c.fee, payouts.c.net, payouts.c.withheld)
        ),
    ).where(*_conditions(wanted))
    count, *amounts = (await tx.execute(query)).one()
    return PayoutSums(count, *(Mutez(int(amount)) for amount in amounts))


def _conditions(wanted: PayoutFilter) -> list[ColumnElement[bool]]:
    conditions = [payouts.c.baker_id == wanted.baker_id, payouts.c.mode == wanted.mode]
    if wanted.cycle is not None:
        conditions.append(payouts.c.cycle == wanted.cycle)
    if wanted.kind is not None:
        conditions.append(payouts.c.kind.in_(sorted(KINDS_OF[wanted.kind])))
    if wanted.states:
        conditions.append(payouts.c.state.in_(sorted(wanted.states)))
    if wanted.search:
        conditions.append(
            or_(holds(payouts.c.owed_to, wanted.search), holds(payouts.c.address, wanted.search))
        )
    return conditions
