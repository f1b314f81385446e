"""Delegators with a fee of their own: found, set, removed, imported, exported; and what changed."""

from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from bakehouse.desk import fees as desk
from bakehouse.desk.address_history import AddressChange
from bakehouse.errors import InputError
from bakehouse.ledger import bakers
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.page import LIMIT_MAX, Slice
from bakehouse.ledger.roles import Role
from bakehouse.payments.export import csv_line
from bakehouse.rewards.money import BasisPoints, format_percentage, parse_percentage
from bakehouse.tezos.address import parse_recipient
from bakehouse.web.caller import CallerOf
from bakehouse.web.form import read_form
from bakehouse.web.pages.delegator_table import (
    ADDRESSES_SHOWN,
    CHANGES_SHOWN,
    ROWS,
    ShownChange,
    TableForms,
    TableQuery,
    change_words,
    file_answer,
    import_wanted,
    imported_text,
    json_object,
    ledger_of,
    paging_of,
)
from bakehouse.web.pages.filled_form import FilledForm, optional_reason
from bakehouse.web.pages.notice import Notice, done, notice_of
from bakehouse.web.pages.question import Question
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False)

_PATH: Final = "/bakers/{baker_id}/fees"


@router.get(_PATH, dependencies=[needs(Role.VIEWER)])
async def fees_page(
    request: Request, services: Services, baker_id: str, query: Annotated[TableQuery, Query()]
) -> Response:
    """Show a page of fees, and how they came to be."""
    one = FilledForm({"address": query.address} if query.address else {})
    return await _page(request, services, baker_id, query, TableForms(one, FilledForm()))


@router.post(_PATH, dependencies=[needs(Role.ADMINISTRATOR)])
async def set_fee(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Set the fee of one delegator."""
    form = FilledForm(await read_form(request))
    address = form.read("address", parse_recipient)
    fee = form.read("fee", parse_percentage)
    why = form.read("why", optional_reason)
    if address is None or fee is None or not form.is_good:
        return await _page(
            request, services, baker_id, TableQuery(), TableForms(form, FilledForm())
        )
    payer = services.workshop.payer
    await desk.set_fee(payer, baker_id, address, fee, actor=caller.actor, why=why)
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
        may_leave_why=True,
    )
    return question.page(request)


@router.post(f"{_PATH}/remove", dependencies=[needs(Role.ADMINISTRATOR)])
async def remove_fee(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Have a delegator pay the default fee again."""
    form, payer = await read_form(request), services.workshop.payer
    address, why = form.get("address", ""), form.get("why")
    await desk.remove_fee(payer, baker_id, address, actor=caller.actor, why=why)
    return done(f"/bakers/{baker_id}/fees", Notice.FEE_REMOVED)


@router.post(f"{_PATH}/import", dependencies=[needs(Role.ADMINISTRATOR)])
async def import_fees(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Take in fees that were pasted or uploaded: all of them, or none."""
    form = FilledForm(await read_form(request))
    payer = services.workshop.payer
    try:
        text, why = imported_text(form), form.entered.get("why")
        how = import_wanted(form)
        await desk.import_fees(payer, baker_id, text, how, actor=caller.actor, why=why)
    except InputError as error:
        form = form.with_import_refusal(error)
        return await _page(
            request, services, baker_id, TableQuery(), TableForms(FilledForm(), form)
        )
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
    return file_answer(json_object(_rows(ledger, baker_id)), "fees.json", "application/json")


async def _page(
    request: Request, services: WebServices, baker_id: str, query: TableQuery, forms: TableForms
) -> Response:
    ledger = services.workshop.payer.ledger
    search = query.search.strip()
    found = await desk.list_fees(ledger, baker_id, Slice(query.offset, ROWS), search=search)
    history = await desk.history(ledger, baker_id, limit=CHANGES_SHOWN)
    async with ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
    return renderer_of(request).page(
        request,
        "fees.html",
        status=HTTPStatus.OK if forms.is_good else HTTPStatus.UNPROCESSABLE_ENTITY,
        baker=baker,
        page=found.page,
        total=found.count,
        search=search,
        searched=FilledForm({"search": search}),
        paging=paging_of(f"/bakers/{baker_id}/fees", found.page, query, search, found.count),
        one=forms.one,
        many=forms.many,
        history=[_shown(each) for each in history.changes],
        notice=notice_of(request),
    )


def _shown(change: AddressChange) -> ShownChange[tuple[str, str, str]]:
    before: Mapping[str, int] = change.before or {}
    touched = sorted({*before, *change.after})
    # What was before is not kept where all were replaced.
    rows = [
        (
            each,
            "" if change.before is None else _percent(before, each),
            _percent(change.after, each),
        )
        for each in touched[:ADDRESSES_SHOWN]
    ]
    words = change_words("fee", change.before, change.after)
    more = len(touched) - len(rows)
    return ShownChange(change.at, change.actor, words, change.why, rows, more)


def _percent(fees: Mapping[str, int], address: str) -> str:
    fee = fees.get(address)
    return "default" if fee is None else f"{format_percentage(BasisPoints(fee))} %"


async def _rows(ledger: Ledger, baker_id: str) -> AsyncIterator[dict[str, str]]:
    offset: int | None = 0
    while offset is not None:
        found = await desk.list_fees(ledger, baker_id, Slice(offset, LIMIT_MAX))
        yield {row.address: format_percentage(row.fee) for row in found.page.rows}
        offset = found.page.next_offset


async def _csv(ledger: Ledger, baker_id: str) -> AsyncIterator[str]:
    yield csv_line(("address", "percent"))
    async for rows in _rows(ledger, baker_id):
        yield "".join(csv_line(row) for row in rows.items())
