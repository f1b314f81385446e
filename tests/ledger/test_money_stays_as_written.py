"""Rows of money stay as they were written: the database refuses to edit or delete them."""

from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import (
    ColumnElement,
    Executable,
    delete,
    func,
    insert,
    literal,
    not_,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import deductions, imports, manual_transfers, operations
from bakehouse.ledger.column_types import UtcTime
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.imports import ImportedPayout, NewImport
from bakehouse.ledger.migrations import import_guards
from bakehouse.ledger.states import OperationState
from bakehouse.ledger.table_parts import metadata
from bakehouse.rewards.money import BasisPoints, Mutez
from tests.ledger.bakery import BAKER, NETWORK, NOW, Bakery, key_of
from tests.ledger.orders import new_deduction, new_order
from tests.ledger.places import POSTGRESQL, SQLITE

pytestmark = pytest.mark.asyncio(loop_scope="module")

MONEY = (
    *("distributions", "operations", "transfers", "payouts", "attempts", "audit_events"),
    *("manual_transfers", "deductions", "deduction_parts", "imports", "imported_payments"),
)
FIXED = [(table, column) for table, columns in import_guards.FIXED.items() for column in columns]

#: What may change of a row once it is written: how far it came, and what was heard of it.
CHANGING = {
    "payouts": {
        *("id", "address", "paid_with_id", "state", "transfer_id", "reason"),
        *("looked_back_level", "released_at", "withheld"),
    },
    "operations": {
        *("id", "baker_id", "distribution_id", "protocol", "state", "scanned_level"),
        *("included_level", "included_block", "applied", "created_at", "updated_at"),
        *("death", "evidence", "cancel_requested_at"),
    },
    "transfers": {"id", "gas_limit", "storage_limit", "status", "burn"},
    "manual_transfers": {
        *("id", "state", "operation_id", "signed_at", "reason", "ordered_at", "updated_at"),
    },
    "deductions": {"id", "waived_at"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def full(shared_ledger: Ledger) -> Ledger:
    """A ledger with rows in every table of money, and nothing in flight."""
    bakery = await Bakery.found(shared_ledger)
    operation = await bakery.sign(await bakery.plan({"tz1-a": 900, "tz1-b": 90}), counter=7)
    await bakery.lead(operation, OperationState.INJECTED, OperationState.INCLUDED)
    async with shared_ledger.write() as tx:
        await operations.record_attempt(tx, operation, at=NOW, node="n", answer="accepted")
        await manual_transfers.order(tx, new_order(), at=NOW)
        deduction = await deductions.agree(tx, new_deduction(90), at=NOW)
        await deductions.take(tx, deduction.id, operation.distribution_id or 0, Mutez(7))
        await import_a_cycle(tx)
    return shared_ledger


async def import_a_cycle(tx: AsyncConnection) -> None:
    """Enter a cycle that another tool has paid."""
    new = NewImport(NETWORK, BAKER, "taps", {"file": "ab"}, "cd", None, "test", NOW)
    import_id = await imports.add(tx, new)
    closed = await imports.close_cycle(tx, key_of(1), import_id, "paid by TAPS", at=NOW)
    zero = Mutez(0)
    row = ImportedPayout(
        "delegator", "tz1-c", "tz1-c", zero, BasisPoints(0), zero, Mutez(5), "applied", "file"
    )
    await imports.add_payouts(tx, closed, import_id, [row])


@pytest.mark.parametrize(("table", "column"), FIXED)
async def test_what_a_row_says_of_money_cannot_be_edited(
    full: Ledger, table: str, column: str
) -> None:
    edited = update(metadata.tables[table]).values({column: another(table, column)})

    await refuses(full, edited, f"what {table} say may not change")


def another(table: str, name: str) -> ColumnElement[Any]:
    """Give what was not written there: another number or text, or one where there was none."""
    column = metadata.tables[table].c[name]
    if column.type.python_type is bool:
        return not_(column)
    if isinstance(column.type, UtcTime):
        return literal(NOW + timedelta(days=1), UtcTime())
    if column.type.python_type is int:
        return func.coalesce(column, 0) + 1
    if column.type.python_type is bool:
        return not_(column)
    return literal(b"else") if column.type.python_type is bytes else column + "1"


@pytest.mark.parametrize("table", CHANGING)
async def test_every_other_column_is_fixed(table: str) -> None:
    others = set(metadata.tables[table].c.keys()) - CHANGING[table]

    assert others <= set(import_guards.FIXED[table])


@pytest.mark.parametrize("table", MONEY)
async def test_no_row_of_money_is_deleted(full: Ledger, table: str) -> None:
    await refuses(full, delete(metadata.tables[table]), "kept for ever|append-only")


@pytest.mark.parametrize("kind", [POSTGRESQL], indirect=True)
@pytest.mark.parametrize("table", MONEY)
async def test_no_table_of_money_is_emptied(full: Ledger, table: str) -> None:
    await refuses(full, text(f"TRUNCATE {table} CASCADE"), "kept for ever|append-only")


@pytest.mark.parametrize("kind", [SQLITE], indirect=True)
@pytest.mark.parametrize("table", MONEY)
async def test_no_row_of_money_is_replaced(full: Ledger, table: str) -> None:
    # REPLACE deletes first: without recursive triggers nobody would be asked.
    rows = metadata.tables[table]
    replaced = insert(rows).prefix_with("OR REPLACE").from_select(list(rows.c), select(rows))

    await refuses(full, replaced, "kept for ever|append-only")


@pytest.mark.parametrize("table", ["attempts", "audit_events", "deduction_parts"])
async def test_evidence_is_only_ever_added(full: Ledger, table: str) -> None:
    evidence = metadata.tables[table]

    column = next(iter(evidence.c))
    unchanged = update(evidence).values({column.name: column})

    await refuses(full, unchanged, f"{table} is append-only")


async def refuses(ledger: Ledger, statement: Executable, complaint: str) -> None:
    """Prove that the database stops a statement, which would have met at least one row."""
    before = await everything_in(ledger)
    with pytest.raises(IntegrityError, match=complaint):
        async with ledger.write() as tx:
            await tx.execute(statement)
    assert await everything_in(ledger) == before


async def everything_in(ledger: Ledger) -> dict[str, list[Any]]:
    async with ledger.read() as tx:
        return {
            table: [tuple(row) for row in await tx.execute(select(metadata.tables[table]))]
            for table in MONEY
        }
