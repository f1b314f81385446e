"""Payouts with the operations that paid them, row by row, for whoever keeps the books.

Read only. Rows come as they are read: a baker may have a million.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.import_tables import imported_payments
from bakehouse.ledger.schema import operations, payouts, transfers
from bakehouse.ledger.span import Span
from bakehouse.ledger.states import Mode, PayoutState
from bakehouse.ledger.traced_payouts import live_cycles, owed_to_person
from bakehouse.rewards.money import BasisPoints, Mutez

#: When its operation was signed, or when another tool says that it paid.
_WHEN: Final = func.coalesce(operations.c.created_at, imported_payments.c.paid_at)


@dataclass(frozen=True, slots=True)
class BookedPayout:
    """A payout, and the operation that pays it once one was signed; amounts in mutez."""

    cycle: int
    kind: str
    owed_to: str
    address: str
    delegated_balance: Mutez
    gross: Mutez
    fee_basis_points: BasisPoints
    fee: Mutez
    net: Mutez
    withheld: Mutez
    state: PayoutState
    reason: str | None
    operation: str | None
    block_level: int | None
    signed_at: datetime | None
    transfer_id: int | None
    #: What its transfer cost, which may settle other payouts too.
    transfer_fee: Mutez | None

    @property
    def received(self) -> Mutez:
        """What arrives, or has arrived."""
        return Mutez(self.net - self.withheld)


async def booked_payouts(
    tx: AsyncConnection, baker_id: str, mode: Mode, span: Span
) -> AsyncGenerator[BookedPayout, None]:
    """Give a baker's payouts in a mode, oldest cycle first and the largest first in each."""
    query = (
        _booked()
        .where(
            payouts.c.baker_id == baker_id,
            payouts.c.mode == mode,
            *span.of_cycle(payouts.c.cycle),
            *span.of_year(_WHEN),
        )
        .order_by(payouts.c.cycle, payouts.c.kind.desc(), payouts.c.net.desc(), payouts.c.id)
    )
    async with tx.stream(query) as rows:
        async for row in rows:
            yield _booked_payout(row)


async def paid_to(
    tx: AsyncConnection, baker: Baker, owed_to: str, span: Span
) -> list[BookedPayout]:
    """Give what one person was paid by a baker, oldest first; one address, whoever asks."""
    cycles = [
        cycle
        for cycle in await live_cycles(tx, baker.network, baker.baker_id)
        if span.has_cycle(cycle)
    ]
    query = (
        _booked()
        .where(
            *owed_to_person(baker.network, baker.baker_id, owed_to, cycles),
            *span.of_year(_WHEN),
        )
        .order_by(_WHEN, payouts.c.cycle, payouts.c.kind.desc())
    )
    # Not asked of the database: it would look through all that the baker ever paid.
    owed = [_booked_payout(row) for row in await tx.execute(query)]
    return [each for each in owed if each.state is PayoutState.PAID]


def _booked() -> Select[Any]:
    return (
        select(
            payouts.c.cycle,
            payouts.c.kind,
            payouts.c.owed_to,
            payouts.c.address,
            payouts.c.delegated_balance,
            payouts.c.gross,
            payouts.c.fee_basis_points,
            payouts.c.fee,
            payouts.c.net,
            payouts.c.withheld,
            payouts.c.state,
            payouts.c.reason,
            func.coalesce(operations.c.hash, imported_payments.c.operation_hash).label("operation"),
            func.coalesce(operations.c.included_level, imported_payments.c.level).label(
                "block_level"
            ),
            _WHEN.label("signed_at"),
            payouts.c.transfer_id,
            transfers.c.fee.label("transfer_fee"),
        )
        .outerjoin(transfers, transfers.c.id == payouts.c.transfer_id)
        .outerjoin(operations, operations.c.id == transfers.c.operation_id)
        .outerjoin(imported_payments, imported_payments.c.id == payouts.c.imported_payment_id)
    )


def _booked_payout(row: Row[Any]) -> BookedPayout:
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return BookedPayout(**{**values, "state": PayoutState(row.state)})
