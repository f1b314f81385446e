"""A baker's books as files: CSV for spreadsheets, JSON for programs, PDF for people.

CSV and JSON are written as they are read; a PDF is kept, compressed, until it is whole.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from enum import StrEnum
from typing import Final, TypeAlias

from bakehouse.desk import report
from bakehouse.errors import InputError
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.payments import tezpay_report
from bakehouse.payments.export import (
    ADJUSTMENT_COLUMNS,
    CYCLE_COLUMNS,
    EXCLUSION_COLUMNS,
    PAYOUT_COLUMNS,
    STATEMENT_COLUMNS,
    Export,
    Row,
    adjustment_rows,
    csv_line,
    cycle_rows,
    exclusion_rows,
    payout_rows,
    statement_rows,
)
from bakehouse.tezos.address import Address

#: Rows that are sent together: one by one they would take ten times as long.
_ROWS_AT_ONCE = 500

#: The parts of a file, in order.
Parts: TypeAlias = AsyncIterator[str | bytes]


class ExportFormat(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSON = "json"
    PDF = "pdf"


MEDIA_TYPES: Final = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.JSON: "application/json",
    ExportFormat.PDF: "application/pdf",
}


async def exported_payouts(
    ledger: Ledger,
    wanted: Export,
    form: ExportFormat,
    passes: Callable[[Row], bool] = lambda _: True,
) -> Parts:
    """Give the parts of a file with one row a payout; raises NotFoundError before the first.

    Only rows that pass are in it. Raises InputError for more of them than a PDF may have.
    """
    baker = await _baker(ledger, wanted.baker_id)
    rows = _passing(payout_rows(ledger, wanted), passes)
    if form is ExportFormat.PDF:
        return await _document(report.PAYOUTS, baker, wanted, rows)
    return _written(rows, PAYOUT_COLUMNS, form)


async def exported_cycles(ledger: Ledger, wanted: Export, form: ExportFormat) -> Parts:
    """Give the parts of a file with one row a cycle and kind; raises NotFoundError."""
    baker = await _baker(ledger, wanted.baker_id)
    rows = _each(await cycle_rows(ledger, wanted))
    if form is ExportFormat.PDF:
        return await _document(report.CYCLES, baker, wanted, rows)
    return _written(rows, CYCLE_COLUMNS, form)


async def exported_statement(
    ledger: Ledger, wanted: Export, owed_to: Address, form: ExportFormat
) -> Parts:
    """Give the parts of a file of what one person was paid; raises NotFoundError."""
    baker = await _baker(ledger, wanted.baker_id)
    rows = _each(await statement_rows(ledger, wanted, owed_to))
    if form is ExportFormat.PDF:
        return await _document(report.STATEMENT, baker, wanted, rows, f"Recipient: {owed_to}")
    return _written(rows, STATEMENT_COLUMNS, form)


async def exported_for_tezpay(ledger: Ledger, wanted: Export) -> Parts:
    """Give the parts of a file in TezPay's columns; raises NotFoundError."""
    await _baker(ledger, wanted.baker_id)
    rows = tezpay_report.tezpay_rows(ledger, wanted)
    return _written(rows, tezpay_report.COLUMNS, ExportFormat.CSV)


async def exported_exclusions(ledger: Ledger, wanted: Export, form: ExportFormat) -> Parts:
    """Give the parts of a file with one row for each excluded delegator of a cycle.

    Raises NotFoundError before the first, InputError for a PDF.
    """
    if form is ExportFormat.PDF:
        raise InputError("exclusions are written as CSV or JSON, not as PDF")
    await _baker(ledger, wanted.baker_id)
    return _written(exclusion_rows(ledger, wanted), EXCLUSION_COLUMNS, form)


async def exported_adjustments(ledger: Ledger, wanted: Export, form: ExportFormat) -> Parts:
    """Give the parts of a file with one row for each change that a hook made of a plan.

    Raises NotFoundError before the first, InputError for a PDF.
    """
    if form is ExportFormat.PDF:
        raise InputError("adjustments are written as CSV or JSON, not as PDF")
    await _baker(ledger, wanted.baker_id)
    return _written(adjustment_rows(ledger, wanted), ADJUSTMENT_COLUMNS, form)


async def _baker(ledger: Ledger, baker_id: str) -> Baker:
    async with ledger.read() as tx:
        return await bakers.get(tx, baker_id)


async def _passing(
    rows: AsyncGenerator[Row, None], passes: Callable[[Row], bool]
) -> AsyncGenerator[Row, None]:
    async with aclosing(rows) as open_rows:
        async for row in open_rows:
            if passes(row):
                yield row


async def _each(rows: Sequence[Row]) -> AsyncGenerator[Row, None]:
    for row in rows:
        yield row


async def _document(
    layout: report.Layout,
    baker: Baker,
    wanted: Export,
    rows: AsyncGenerator[Row, None],
    *facts: str,
) -> Parts:
    # Whole before the first part: once a file has begun, nothing can be refused.
    return _once(await report.document_of(layout, baker, wanted, rows, *facts))


async def _once(document: bytes) -> Parts:
    yield document


async def _written(rows: AsyncIterator[Row], columns: Sequence[str], form: ExportFormat) -> Parts:
    is_csv = form is ExportFormat.CSV
    parts = [csv_line(columns) if is_csv else "["]
    separator = ""
    async for row in rows:
        text = csv_line([row[name] for name in columns]) if is_csv else json.dumps(dict(row))
        parts.append(f"{separator}{text}")
        separator = "" if is_csv else ","
        if len(parts) > _ROWS_AT_ONCE:
            yield "".join(parts)
            parts = []
    yield "".join([*parts, "" if is_csv else "]"])
