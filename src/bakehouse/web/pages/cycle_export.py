"""The payouts of a cycle to take along: CSV for spreadsheets, JSON for programs, as a stream."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from bakehouse.ledger import bakers, distributions
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.roles import Role
from bakehouse.ledger.span import Span
from bakehouse.ledger.states import DistributionKind
from bakehouse.payments.export import PAYOUT_COLUMNS, Export, Row, csv_line, payout_rows
from bakehouse.rewards.plan_document import BOND_MEMBER, DELEGATOR
from bakehouse.tezos.address import parse_implicit
from bakehouse.web.cycle_records import CycleNumber
from bakehouse.web.pages.payout_query import PayoutQuery
from bakehouse.web.permission import needs
from bakehouse.web.services import Services

router: Final = APIRouter(include_in_schema=False, dependencies=[needs(Role.VIEWER)])

_KINDS: Final = {DistributionKind.DELEGATORS: DELEGATOR, DistributionKind.BOND_POOL: BOND_MEMBER}
#: Sent at a time: a write for each row would take most of the time.
_ROWS_A_PART: Final = 200


@router.get("/bakers/{baker_id}/cycles/{cycle}/payouts.csv")
async def payouts_csv(
    services: Services,
    baker_id: str,
    cycle: CycleNumber,
    query: Annotated[PayoutQuery, Query()],
) -> StreamingResponse:
    """Give the payouts that the query lets pass, with a header line."""
    rows = await _rows(services.workshop.payer.ledger, baker_id, cycle, query)
    return _download(_csv(rows), "text/csv; charset=utf-8", f"payouts-{cycle}-{query.kind}.csv")


@router.get("/bakers/{baker_id}/cycles/{cycle}/payouts.json")
async def payouts_json(
    services: Services,
    baker_id: str,
    cycle: CycleNumber,
    query: Annotated[PayoutQuery, Query()],
) -> StreamingResponse:
    """Give the same as a list of objects; amounts are strings of mutez."""
    rows = await _rows(services.workshop.payer.ledger, baker_id, cycle, query)
    return _download(_json(rows), "application/json", f"payouts-{cycle}-{query.kind}.json")


async def _rows(
    ledger: Ledger, baker_id: str, cycle: int, query: PayoutQuery
) -> AsyncIterator[Row]:
    """Give the rows to come; raises NotFoundError now, while an answer can still say so."""
    baker_id = parse_implicit(baker_id)
    async with ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
        key = DistributionKey(baker.network, baker_id, cycle, query.kind, query.mode)
        await distributions.get(tx, key)
    span = Span(first_cycle=cycle, last_cycle=cycle)
    found = payout_rows(ledger, Export(baker_id=baker_id, span=span, mode=query.mode))
    return (row async for row in found if _is_wanted(row, query))


def _is_wanted(row: Row, query: PayoutQuery) -> bool:
    wanted = query.wanted
    return (
        row["kind"] == _KINDS[query.kind]
        and (not wanted.states or row["state"] in wanted.states)
        and row["owed_to"].startswith(wanted.owed_to)
    )


def _download(parts: AsyncIterator[str], media_type: str, name: str) -> StreamingResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(parts, media_type=media_type, headers=headers)


async def _csv(rows: AsyncIterator[Row]) -> AsyncIterator[str]:
    yield csv_line(PAYOUT_COLUMNS)
    async for part in _in_parts(rows):
        yield "".join(csv_line(list(row.values())) for row in part)


async def _json(rows: AsyncIterator[Row]) -> AsyncIterator[str]:
    opening = "["
    async for part in _in_parts(rows):
        yield opening + ",\n".join(json.dumps(row) for row in part)
        opening = ",\n"
    yield "]\n" if opening != "[" else "[]\n"


async def _in_parts(rows: AsyncIterator[Row]) -> AsyncIterator[list[Row]]:
    part: list[Row] = []
    async for row in rows:
        part.append(row)
        if len(part) == _ROWS_A_PART:
            yield part
            part = []
    if part:
        yield part
