"""A baker's books as files: CSV for spreadsheets, JSON for programs, PDF for people."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from bakehouse.desk.export import (
    MEDIA_TYPES,
    ExportFormat,
    Parts,
    exported_adjustments,
    exported_cycles,
    exported_exclusions,
    exported_for_tezpay,
    exported_payouts,
    exported_statement,
)
from bakehouse.ledger.roles import Role
from bakehouse.ledger.span import Span
from bakehouse.ledger.states import Mode
from bakehouse.payments.export import Export
from bakehouse.tezos.address import parse_recipient
from bakehouse.web.api.fields import BakerOfPath, Body, RecipientSent
from bakehouse.web.api.security import TOKEN
from bakehouse.web.cycle_records import CYCLE_MAX
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api/bakers/{baker_id}/export",
    tags=["export"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)

_CSV: Final = {"text/csv": {"schema": {"type": "string"}}}

_JSON: Final = {
    "application/json": {
        "schema": {
            "type": "array",
            "items": {"type": "object", "additionalProperties": {"type": "string"}},
        }
    }
}

_PDF: Final = {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}

_ROWS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file; its columns are those of `bakehouse export`.",
        "content": _CSV | _JSON,
    }
}

_BOOK: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file; its columns are those of `bakehouse export`.",
        "content": _CSV | _PDF | _JSON,
    }
}


class SpanQuery(Body):
    """Which part of the books is wanted."""

    first_cycle: Annotated[int | None, Field(ge=0, le=CYCLE_MAX, examples=[740])] = None
    last_cycle: Annotated[int | None, Field(ge=0, le=CYCLE_MAX, examples=[750])] = None
    year: Annotated[int | None, Field(ge=2018, le=9998, description="In UTC.", examples=[2026])] = (
        None
    )

    def of(self, baker_id: str) -> Export:
        """Give what is wanted of a baker; raises InputError for a span that cannot be."""
        span = Span(first_cycle=self.first_cycle, last_cycle=self.last_cycle, year=self.year)
        return Export(baker_id=baker_id, span=span)


class ExportQuery(SpanQuery):
    """Which part of the books is wanted, and how it is written."""

    format: ExportFormat = ExportFormat.CSV
    mode: Mode = Mode.ON

    def of(self, baker_id: str) -> Export:
        """Give what is wanted of a baker, in a mode; raises InputError likewise."""
        return replace(super().of(baker_id), mode=self.mode)


class StatementQuery(SpanQuery):
    """Whose statement is wanted, and how it is written."""

    address: RecipientSent
    format: ExportFormat = ExportFormat.CSV


Wanted = Annotated[ExportQuery, Query()]


@router.get(
    "/payouts",
    summary="Payouts as a file",
    response_class=StreamingResponse,
    responses=_BOOK,
)
async def export_payouts(
    baker_id: BakerOfPath, services: Services, wanted: Wanted
) -> StreamingResponse:
    """Give one row a payout, the oldest cycle first."""
    ledger = services.workshop.payer.ledger
    parts = await exported_payouts(ledger, wanted.of(baker_id), wanted.format)
    return _file(parts, f"payouts-{baker_id}", wanted.format)


@router.get(
    "/cycles", summary="Cycles as a file", response_class=StreamingResponse, responses=_BOOK
)
async def export_cycles(
    baker_id: BakerOfPath, services: Services, wanted: Wanted
) -> StreamingResponse:
    """Give one row a cycle and kind, the oldest cycle first, with what operations cost."""
    ledger = services.workshop.payer.ledger
    parts = await exported_cycles(ledger, wanted.of(baker_id), wanted.format)
    return _file(parts, f"cycles-{baker_id}", wanted.format)


@router.get(
    "/exclusions",
    summary="Exclusions as a file",
    response_class=StreamingResponse,
    responses=_ROWS,
)
async def export_exclusions(
    baker_id: BakerOfPath, services: Services, wanted: Wanted
) -> StreamingResponse:
    """Give one row for each delegator that a cycle excludes, the oldest cycle first."""
    ledger = services.workshop.payer.ledger
    parts = await exported_exclusions(ledger, wanted.of(baker_id), wanted.format)
    return _file(parts, f"exclusions-{baker_id}", wanted.format)


@router.get(
    "/adjustments",
    summary="What hooks changed, as a file",
    response_class=StreamingResponse,
    responses=_ROWS,
)
async def export_adjustments(
    baker_id: BakerOfPath, services: Services, wanted: Wanted
) -> StreamingResponse:
    """Give one row for each change that a hook made of a plan, the oldest cycle first."""
    ledger = services.workshop.payer.ledger
    parts = await exported_adjustments(ledger, wanted.of(baker_id), wanted.format)
    return _file(parts, f"adjustments-{baker_id}", wanted.format)


@router.get(
    "/statement",
    summary="A recipient's statement as a file",
    response_class=StreamingResponse,
    responses=_BOOK,
)
async def export_statement(
    baker_id: BakerOfPath, services: Services, wanted: Annotated[StatementQuery, Query()]
) -> StreamingResponse:
    """Give one row a payout that an address was paid live, the oldest first."""
    ledger = services.workshop.payer.ledger
    of_whom = parse_recipient(wanted.address)
    parts = await exported_statement(ledger, wanted.of(baker_id), of_whom, wanted.format)
    return _file(parts, f"statement-{of_whom}", wanted.format)


@router.get(
    "/tezpay",
    summary="Payouts as TezPay's payouts.csv",
    response_class=StreamingResponse,
    responses={200: {"description": "The file, in TezPay's columns.", "content": _CSV}},
)
async def export_for_tezpay(
    baker_id: BakerOfPath, services: Services, wanted: Annotated[SpanQuery, Query()]
) -> StreamingResponse:
    """Give one row a payout that an operation was signed for, for scripts that read TezPay's."""
    parts = await exported_for_tezpay(services.workshop.payer.ledger, wanted.of(baker_id))
    return _file(parts, "payouts", ExportFormat.CSV)


def _file(parts: Parts, name: str, form: ExportFormat) -> StreamingResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return StreamingResponse(parts, headers=headers, media_type=MEDIA_TYPES[form])
