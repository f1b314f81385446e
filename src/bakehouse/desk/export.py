"""A baker's books as files, written as they are read: CSV for spreadsheets, JSON for programs."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from enum import StrEnum

from bakehouse.ledger import bakers
from bakehouse.ledger.database import Ledger
from bakehouse.payments.export import (
    CYCLE_COLUMNS,
    EXCLUSION_COLUMNS,
    PAYOUT_COLUMNS,
    Export,
    Row,
    csv_line,
    cycle_rows,
    exclusion_rows,
    payout_rows,
)

#: Rows that are sent together: one by one they would take ten times as long.
_ROWS_AT_ONCE = 500


class ExportFormat(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSON = "json"


async def exported_payouts(
    ledger: Ledger,
    wanted: Export,
    form: ExportFormat,
    passes: Callable[[Row], bool] = lambda _: True,
) -> AsyncIterator[str]:
    """Give the parts of a file with one row a payout; raises NotFoundError before the first.

    Only rows that pass are in it.
    """
    await _require(ledger, wanted.baker_id)
    rows = (row async for row in payout_rows(ledger, wanted) if passes(row))
    return _written(rows, PAYOUT_COLUMNS, form)


async def exported_cycles(ledger: Ledger, wanted: Export, form: ExportFormat) -> AsyncIterator[str]:
    """Give the parts of a file with one row a cycle and kind; raises NotFoundError."""
    return _written(_each(await cycle_rows(ledger, wanted)), CYCLE_COLUMNS, form)


async def exported_exclusions(
    ledger: Ledger, wanted: Export, form: ExportFormat
) -> AsyncIterator[str]:
    """Give the parts of a file with one row for each excluded delegator of a cycle.

    Raises NotFoundError before the first.
    """
    await _require(ledger, wanted.baker_id)
    return _written(exclusion_rows(ledger, wanted), EXCLUSION_COLUMNS, form)


async def _require(ledger: Ledger, baker_id: str) -> None:
    async with ledger.read() as tx:
        await bakers.get(tx, baker_id)


async def _each(rows: Sequence[Row]) -> AsyncIterator[Row]:
    for row in rows:
        yield row


async def _written(
    rows: AsyncIterator[Row], columns: Sequence[str], form: ExportFormat
) -> AsyncIterator[str]:
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
