"""Delegators with a fee of their own: found, set, removed, imported, exported; and what changed."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from bakehouse.desk import fees as desk
from bakehouse.desk.fees import FeeChange, Import
from bakehouse.errors import InputError
from bakehouse.ledger import bakers
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.page import LIMIT_MAX, OFFSET_MAX, Slice
from bakehouse.ledger.roles import Role
from bakehouse.payments.export import csv_line
from bakehouse.rewards.money import BasisPoints, format_percentage, parse_percentage
from bakehouse.tezos.address import parse_recipient
from bakehouse.web.caller import CallerOf
from bakehouse.web.form import read_form
from bakehouse.web.pages.filled_form import FilledForm
from bakehouse.web.pages.notice import Notice, done, notice_of
from bakehouse.web.pages.paging import Paging
from bakehouse.web.pages.question import Question
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False)

_PATH: Final = "/bakers/{baker_id}/fees"
_ROWS: Final = 100
_CHANGES_SHOWN: Final = 20


class FeesQuery(BaseModel):
    """Which fees are shown, and whose fee is about to be changed."""

    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)] = 0
    search: Annotated[str, Field(max_length=100)] = ""
    address: Annotated[str, Field(max_length=100)] = ""


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One change of fees in words, with every address it touched: before and after."""

    at: datetime
    actor: str
    words: str
    rows: list[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class FeeForms:
    """The two forms of the page, as they were filled in."""

    one: FilledForm
    many: FilledForm


@router.get(_PATH, dependencies=[needs(Role.VIEWER)])
async def fees_page(
    request: Request, services: Services, baker_id: str, query: Annotated[FeesQuery, Query()]
) -> Response:
    """Show a page of fees, and how they came to be."""
    one = FilledForm({"address": query.address} if query.address else {})
    return await _page(request, services, baker_id, query, FeeForms(one, FilledForm()))


@router.post(_PATH, dependencies=[needs(Role.ADMINISTRATOR)])
async def set_fee(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Set the fee of one delegator."""
    form = FilledForm(await read_form(request))
    address = form.read("address", parse_recipient)
    fee = form.read("fee", parse_percentage)
    if address is None or fee is None:
        return await _page(request, services, baker_id, FeesQuery(), FeeForms(form, FilledForm()))
    await desk.set_fee(services.workshop.payer, baker_id, address, fee, actor=caller.actor)
    return done(f"/bakers/{baker_id}/fees", Notice.FEE_SET)


@router.get(f"{_PATH}/remove", dependencies=[needs(Role.ADMINISTRATOR)])
async def ask_to_remove(
    request: Request,
    services: Services,
    baker_id: str,
    address: Annotated[str, Query(max_length=100)],
) -> Response:
    """Ask once more."""
    async with services.workshop.payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
    default = format_percentage(baker.default_fee)
    question = Question(
        title="Remove a fee",
        warning=f"From the next plan on this delegator pays the default fee of {default} %.",
        button="Remove the fee",
        action=f"/bakers/{baker_id}/fees/remove",
        back=f"/bakers/{baker_id}/fees",
        things=[(address, "")],
        hidden=[("address", address)],
    )
    return question.page(request)


@router.post(f"{_PATH}/remove", dependencies=[needs(Role.ADMINISTRATOR)])
async def remove_fee(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Have a delegator pay the default fee again."""
    address = (await read_form(request)).get("address", "")
    await desk.remove_fee(services.workshop.payer, baker_id, address, actor=caller.actor)
    return done(f"/bakers/{baker_id}/fees", Notice.FEE_REMOVED)


@router.post(f"{_PATH}/import", dependencies=[needs(Role.ADMINISTRATOR)])
async def import_fees(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Take in fees that were pasted or uploaded: all of them, or none."""
    form = FilledForm(await read_form(request))
    how = Import.REPLACE if form.entered.get("replace") == "yes" else Import.MERGE
    payer = services.workshop.payer
    try:
        text = imported_text(form)
        await desk.import_fees(payer, baker_id, text, how, actor=caller.actor)
    except InputError as error:
        form.errors["pasted"] = error.message
        return await _page(request, services, baker_id, FeesQuery(), FeeForms(FilledForm(), form))
    return done(f"/bakers/{baker_id}/fees", Notice.FEES_IMPORTED)


@router.get(f"{_PATH}.csv", dependencies=[needs(Role.VIEWER)])
async def export_csv(services: Services, baker_id: str) -> Response:
    """Give every fee as CSV, in the form that an import takes."""
    ledger = await ledger_of(services, baker_id)
    return file_answer(_csv(ledger, baker_id), "fees.csv", "text/csv; charset=utf-8")


@router.get(f"{_PATH}.json", dependencies=[needs(Role.VIEWER)])
async def export_json(services: Services, baker_id: str) -> Response:
    """Give every fee as JSON, in the form that an import takes."""
    ledger = await ledger_of(services, baker_id)
    return file_answer(_json(ledger, baker_id), "fees.json", "application/json")


def imported_text(form: FilledForm) -> str:
    """Give what was uploaded, else what was pasted; InputError for neither."""
    text = form.entered.get("file", "").strip() or form.entered.get("pasted", "").strip()
    if not text:
        raise InputError("paste something, or choose a file")
    return text


async def _page(
    request: Request, services: WebServices, baker_id: str, query: FeesQuery, forms: FeeForms
) -> Response:
    ledger = services.workshop.payer.ledger
    search = query.search.strip()
    found = await desk.list_fees(ledger, baker_id, Slice(query.offset, _ROWS), search=search)
    history = await desk.history(ledger, baker_id, limit=_CHANGES_SHOWN)
    async with ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
    is_good = forms.one.is_good and forms.many.is_good
    return renderer_of(request).page(
        request,
        "fees.html",
        status=HTTPStatus.OK if is_good else HTTPStatus.UNPROCESSABLE_ENTITY,
        baker=baker,
        page=found.page,
        total=found.count,
        search=search,
        searched=FilledForm({"search": search}),
        paging=Paging(
            path=f"/bakers/{baker_id}/fees",
            query={"search": search} if search else {},
            offset=query.offset,
            shown=len(found.page.rows),
            limit=_ROWS,
            next_offset=found.page.next_offset,
            total=found.count,
            anchor="#own",
        ),
        one=forms.one,
        many=forms.many,
        history=[_shown(each) for each in history.changes],
        notice=notice_of(request),
    )


def _shown(change: FeeChange) -> ShownChange:
    before: Mapping[str, int] = change.before or {}
    touched = sorted({*before, *change.after})
    rows = [(each, _percent(before, each), _percent(change.after, each)) for each in touched]
    if change.before is None:
        words = f"all replaced: {len(change.after)} have a fee of their own"
        rows = [(each, "", new) for each, _, new in rows]
    elif not change.after:
        words = f"{len(rows)} removed"
    else:
        words = f"{len(rows)} set"
    return ShownChange(change.at, change.actor, words, rows)


def _percent(fees: Mapping[str, int], address: str) -> str:
    fee = fees.get(address)
    return "default" if fee is None else f"{format_percentage(BasisPoints(fee))} %"


async def ledger_of(services: WebServices, baker_id: str) -> Ledger:
    """Give the ledger; NotFoundError for an unknown baker."""
    # Before the first byte is sent: else a baker that is not there would be an empty file.
    ledger = services.workshop.payer.ledger
    async with ledger.read() as tx:
        await bakers.get(tx, baker_id)
    return ledger


def file_answer(parts: AsyncIterator[str], name: str, media_type: str) -> Response:
    """Answer with a file, as it is written."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(parts, media_type=media_type, headers=headers)


async def _rows(ledger: Ledger, baker_id: str) -> AsyncIterator[list[tuple[str, str]]]:
    offset: int | None = 0
    while offset is not None:
        found = await desk.list_fees(ledger, baker_id, Slice(offset, LIMIT_MAX))
        yield [(row.address, format_percentage(row.fee)) for row in found.page.rows]
        offset = found.page.next_offset


async def _csv(ledger: Ledger, baker_id: str) -> AsyncIterator[str]:
    yield csv_line(("address", "percent"))
    async for rows in _rows(ledger, baker_id):
        yield "".join(csv_line(row) for row in rows)


async def _json(ledger: Ledger, baker_id: str) -> AsyncIterator[str]:
    yield "{"
    separator = "\n"
    async for rows in _rows(ledger, baker_id):
        for address, percent in rows:
            yield f"{separator}{json.dumps(address)}: {json.dumps(percent)}"
            separator = ",\n"
    yield "\n}\n"
