"""A baker's cycles and payouts as tables for bookkeepers, by cycles or by year. Read only.

The columns are an interface: documented in docs/command-line.md, added to, never renamed.
Amounts are strings of mutez, times are UTC.
"""

import csv
import io
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.ledger import (
    bakers,
    distribution_lists,
    exclusions,
    operations,
    payout_sums,
    plan_adjustments,
)
from bakehouse.ledger.bookkeeping import BookedPayout, booked_payouts, paid_to
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.span import Span
from bakehouse.ledger.states import Mode, OperationState
from bakehouse.ledger.transfers import total_burn
from bakehouse.rewards.money import Mutez, format_tez

Row = Mapping[str, str]

CYCLE_COLUMNS: Final = (
    "baker",
    "cycle",
    "kind",
    "mode",
    "state",
    "pool",
    "own_part",
    "total_fees",
    "total_net",
    "dust",
    "excluded_kept",
    "withheld",
    "operation_fees",
    "burned",
    "created_at",
    "updated_at",
    "message",
)
PAYOUT_COLUMNS: Final = (
    "baker",
    "cycle",
    "kind",
    "owed_to",
    "address",
    "delegated_balance",
    "gross",
    "fee_basis_points",
    "fee",
    "net",
    "withheld",
    "received",
    "state",
    "operation",
    "block_level",
    "signed_at",
    "reason",
)
EXCLUSION_COLUMNS: Final = (
    "baker",
    "cycle",
    "owed_to",
    "delegated_balance",
    "gross",
    "reason",
    "share_goes_to",
)
ADJUSTMENT_COLUMNS: Final = ("baker", "cycle", "hook", "owed_to", "amount", "given_to", "why")

#: What one person was paid: its own address is not in each row.
STATEMENT_COLUMNS: Final = (
    "date",
    "cycle",
    "kind",
    "amount",
    "amount_tez",
    "gross",
    "fee_basis_points",
    "fee",
    "address",
    "operation",
    "block_level",
)

#: What spreadsheets would run as a formula when a cell begins with it, full-width forms included.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What is wanted of a baker's books."""

    baker_id: str
    span: Span
    mode: Mode = Mode.ON


async def cycle_rows(ledger: Ledger, wanted: Export) -> list[Row]:
    """Give one row a cycle and kind, oldest first; raises NotFoundError for an unknown baker."""
    async with ledger.read() as tx:
        await bakers.get(tx, wanted.baker_id)
        found = await distribution_lists.in_span(tx, wanted.baker_id, wanted.mode, wanted.span)
        return [await _cycle_row(tx, each) for each in found]


async def payout_rows(ledger: Ledger, wanted: Export) -> AsyncGenerator[Row, None]:
    """Give one row a payout, oldest cycle first, as they are read from one moment of the ledger.

    Raises NotFoundError for an unknown baker, with the first row.
    """
    async with ledger.read() as tx:
        await bakers.get(tx, wanted.baker_id)
        # Closed with the transaction, whoever stops reading before the end.
        async with aclosing(
            booked_payouts(tx, wanted.baker_id, wanted.mode, wanted.span)
        ) as booked:
            async for payout in booked:
                yield _payout_row(wanted.baker_id, payout)


async def statement_rows(ledger: Ledger, wanted: Export, owed_to: str) -> list[Row]:
    """Give one row a payout that one person was paid live, the oldest first.

    Raises NotFoundError for an unknown baker. Somebody who was never paid has no rows.
    """
    async with ledger.read() as tx:
        baker = await bakers.get(tx, wanted.baker_id)
        paid = await paid_to(tx, baker, owed_to, wanted.span)
    return [_statement_row(each) for each in paid]


async def exclusion_rows(ledger: Ledger, wanted: Export) -> AsyncGenerator[Row, None]:
    """Give one row for each delegator that a cycle excludes, oldest cycle first, one moment's.

    Raises NotFoundError for an unknown baker, with the first row.
    """
    async with ledger.read() as tx:
        await bakers.get(tx, wanted.baker_id)
        booked = exclusions.booked_exclusions(tx, wanted.baker_id, wanted.mode, wanted.span)
        async for cycle, exclusion in booked:
            values = {
                "baker": wanted.baker_id,
                "cycle": cycle,
                "owed_to": exclusion.recipient,
                "delegated_balance": exclusion.delegated_balance,
                "gross": exclusion.gross,
                "reason": exclusion.reason,
                "share_goes_to": exclusion.share_goes_to,
            }
            yield {name: _cell(values[name]) for name in EXCLUSION_COLUMNS}


async def adjustment_rows(ledger: Ledger, wanted: Export) -> AsyncGenerator[Row, None]:
    """Give one row for each change that a hook made of a plan, oldest cycle first, one moment's.

    Raises NotFoundError for an unknown baker, with the first row.
    """
    async with ledger.read() as tx:
        await bakers.get(tx, wanted.baker_id)
        booked = plan_adjustments.booked_adjustments(tx, wanted.baker_id, wanted.mode, wanted.span)
        async for cycle, accepted in booked:
            change = accepted.adjustment
            values = (
                wanted.baker_id,
                cycle,
                accepted.hook,
                change.recipient,
                change.amount,
                change.to,
                change.why,
            )
            yield dict(zip(ADJUSTMENT_COLUMNS, map(_cell, values), strict=True))


def csv_line(cells: Sequence[str]) -> str:
    """Write one line of CSV, its end included; no cell of it is a formula to a spreadsheet."""
    line = io.StringIO()
    csv.writer(line).writerow(f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells)
    return line.getvalue()


async def _cycle_row(tx: AsyncConnection, distribution: Distribution) -> Row:
    key, figures = distribution.key, distribution.figures
    signed = await operations.of_distribution(tx, distribution.id)
    fees = sum(each.total_fee for each in signed if each.state is OperationState.FINAL)
    values = {
        "baker": key.baker_id,
        "cycle": key.cycle,
        "kind": key.kind.value,
        "mode": key.mode.value,
        "state": distribution.state.value,
        "pool": figures.pool,
        "own_part": figures.own_part,
        "total_fees": figures.total_fees,
        "total_net": figures.total_net,
        "dust": figures.dust,
        "excluded_kept": figures.excluded_kept,
        "withheld": await payout_sums.withheld_total(tx, distribution),
        "operation_fees": Mutez(fees),
        "burned": await total_burn(tx, distribution.id),
        "created_at": distribution.created_at,
        "updated_at": distribution.updated_at,
        "message": distribution.message,
    }
    return {name: _cell(values[name]) for name in CYCLE_COLUMNS}


def _payout_row(baker_id: str, payout: BookedPayout) -> Row:
    return {
        name: baker_id if name == "baker" else _cell(getattr(payout, name))
        for name in PAYOUT_COLUMNS
    }


def _statement_row(payout: BookedPayout) -> Row:
    values = {
        "date": payout.signed_at,
        "amount": payout.received,
        "amount_tez": format_tez(payout.received).replace(",", ""),
    }
    return {
        name: _cell(values[name] if name in values else getattr(payout, name))
        for name in STATEMENT_COLUMNS
    }


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)
