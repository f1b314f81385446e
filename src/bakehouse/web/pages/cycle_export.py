"""The payouts of a cycle to take along: CSV for spreadsheets, JSON for programs, PDF for people."""

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from bakehouse.desk.decisions import CycleOf, find_cycle
from bakehouse.desk.export import (
    MEDIA_TYPES,
    ExportFormat,
    exported_exclusions,
    exported_payouts,
)
from bakehouse.ledger import bakers, distributions
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.payout_search import KINDS_OF
from bakehouse.ledger.roles import Role
from bakehouse.ledger.span import Span
from bakehouse.payments.export import Export, Row
from bakehouse.tezos.address import parse_implicit
from bakehouse.web.cycle_records import CycleNumber
from bakehouse.web.pages.payout_query import PayoutQuery, PlanQuery
from bakehouse.web.permission import needs
from bakehouse.web.services import Services

router: Final = APIRouter(include_in_schema=False, dependencies=[needs(Role.VIEWER)])

Wanted = Annotated[PayoutQuery, Query()]


@router.get("/bakers/{baker_id}/cycles/{cycle}/payouts.{form}")
async def payouts_file(
    services: Services, baker_id: str, cycle: CycleNumber, form: ExportFormat, query: Wanted
) -> StreamingResponse:
    """Give the payouts that the query lets pass; raises NotFoundError for an unknown cycle."""
    ledger, baker_id = services.workshop.payer.ledger, parse_implicit(baker_id)
    async with ledger.read() as tx:
        # Once a stream has begun, nothing can be refused.
        baker = await bakers.get(tx, baker_id)
        key = DistributionKey(baker.network, baker_id, cycle, query.kind, query.mode)
        await distributions.get(tx, key)
    span = Span(first_cycle=cycle, last_cycle=cycle)
    wanted = Export(baker_id=baker_id, span=span, mode=query.mode)
    parts = await exported_payouts(ledger, wanted, form, partial(_passes, query))
    name = f"payouts-{cycle}-{query.kind}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(parts, media_type=MEDIA_TYPES[form], headers=headers)


@router.get("/bakers/{baker_id}/cycles/{cycle}/exclusions.{form}")
async def exclusions_file(
    services: Services,
    baker_id: str,
    cycle: CycleNumber,
    form: ExportFormat,
    query: Annotated[PlanQuery, Query()],
) -> StreamingResponse:
    """Give whom the plan of a cycle excludes; raises NotFoundError for an unknown cycle."""
    ledger, baker_id = services.workshop.payer.ledger, parse_implicit(baker_id)
    async with ledger.read() as tx:
        await find_cycle(tx, CycleOf(baker_id, cycle, mode=query.mode))
    span = Span(first_cycle=cycle, last_cycle=cycle)
    parts = await exported_exclusions(
        ledger, Export(baker_id=baker_id, span=span, mode=query.mode), form
    )
    headers = {"Content-Disposition": f'attachment; filename="exclusions-{cycle}.{form}"'}
    return StreamingResponse(parts, media_type=MEDIA_TYPES[form], headers=headers)


def _passes(query: PayoutQuery, row: Row) -> bool:
    wanted = query.wanted
    return (
        row["kind"] in KINDS_OF[query.kind]
        and (not wanted.states or row["state"] in wanted.states)
        and row["owed_to"].startswith(wanted.owed_to)
    )
