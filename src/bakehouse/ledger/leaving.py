"""Rows of a baker for whoever takes its books elsewhere: operations, orders, deductions, imports.

Read only; columns of secrets and of bytes are in none of them.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger.by_hand_tables import deduction_parts, deductions, manual_transfers
from bakehouse.ledger.import_tables import imported_payments, imports
from bakehouse.ledger.schema import distributions, operations

LeavingRow = Mapping[str, Any]


def operation_query(baker_id: str) -> Select[Any]:
    """Ask for every operation group that was signed for a baker, in the order of signing."""
    return (
        select(
            operations.c.hash,
            operations.c.kind,
            distributions.c.cycle,
            distributions.c.kind.label("cycle_kind"),
            operations.c.state,
            operations.c.source,
            operations.c.counter_first,
            operations.c.content_count,
            operations.c.total_fee,
            operations.c.included_level,
            operations.c.included_block,
            operations.c.applied,
            operations.c.death,
            operations.c.created_at.label("signed_at"),
        )
        .outerjoin(distributions, distributions.c.id == operations.c.distribution_id)
        .where(operations.c.baker_id == baker_id)
        .order_by(operations.c.id)
    )


def order_query(baker_id: str) -> Select[Any]:
    """Ask for everything that was ordered outside any cycle, oldest first."""
    return (
        select(
            manual_transfers.c.idempotence_key.label("key"),
            manual_transfers.c.origin,
            manual_transfers.c.source,
            manual_transfers.c.destination,
            manual_transfers.c.amount,
            manual_transfers.c.state,
            operations.c.hash.label("operation"),
            manual_transfers.c.actor,
            manual_transfers.c.why,
            manual_transfers.c.reason,
            manual_transfers.c.created_at,
        )
        .outerjoin(operations, operations.c.id == manual_transfers.c.operation_id)
        .where(manual_transfers.c.baker_id == baker_id)
        .order_by(manual_transfers.c.id)
    )


def deduction_query(baker_id: str) -> Select[Any]:
    """Ask for agreed deductions with the cycles that took of them; one row for each of those."""
    return (
        select(
            deductions.c.idempotence_key.label("key"),
            deductions.c.owed_to,
            deductions.c.amount,
            deductions.c.consent,
            deductions.c.why,
            deductions.c.actor,
            deductions.c.created_at,
            deductions.c.waived_at,
            distributions.c.cycle,
            deduction_parts.c.amount.label("taken"),
        )
        .outerjoin(deduction_parts, deduction_parts.c.deduction_id == deductions.c.id)
        .outerjoin(distributions, distributions.c.id == deduction_parts.c.distribution_id)
        .where(deductions.c.baker_id == baker_id)
        .order_by(deductions.c.id, distributions.c.cycle)
    )


def imported_query(baker_id: str) -> Select[Any]:
    """Ask for what other tools had paid before, as it was imported."""
    table = imported_payments
    return (
        select(
            imports.c.tool,
            table.c.cycle,
            table.c.kind,
            table.c.owed_to,
            table.c.address,
            table.c.amount,
            table.c.operation_hash.label("operation"),
            table.c.level.label("block_level"),
            table.c.paid_at,
            table.c.said,
            table.c.place,
            imports.c.at.label("imported_at"),
        )
        .join(imports, imports.c.id == table.c.import_id)
        .where(table.c.baker_id == baker_id)
        .order_by(table.c.cycle, table.c.id)
    )


#: What there is beside cycles, payouts and exclusions, by the name of its table.
QUERIES: Final = {
    "operations": operation_query,
    "orders": order_query,
    "deductions": deduction_query,
    "imported": imported_query,
}


async def leaving_rows(tx: AsyncConnection, query: Select[Any]) -> AsyncGenerator[LeavingRow, None]:
    """Give the rows of one of these tables as they are read."""
    async with tx.stream(query) as rows:
        async for row in rows:
            yield row._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
