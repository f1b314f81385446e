"""Where a baker's income goes: shares for named addresses, changed in rows, imported, exported."""

from collections.abc import Sequence
from dataclasses import astuple
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response

from bakehouse.desk import income as desk
from bakehouse.desk.income import Income
from bakehouse.desk.income_text import SHARES, income_cells
from bakehouse.errors import InputError
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.roles import Role
from bakehouse.payments.export import csv_line
from bakehouse.rewards.money import NO_SHARE, BasisPoints, parse_percentage
from bakehouse.rewards.payout_rules import IncomeShare
from bakehouse.tezos.address import parse_recipient
from bakehouse.web.caller import CallerOf
from bakehouse.web.form import read_form
from bakehouse.web.pages.delegator_table import imported_text
from bakehouse.web.pages.filled_form import FilledForm, optional_reason
from bakehouse.web.pages.notice import Notice, done, notice_of
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.pages.row_form import (
    entered_rows,
    filled_rows,
    fingerprint,
    row_count,
    unless_changed,
)
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False)

_PATH: Final = "/bakers/{baker_id}/income"


@router.get(_PATH, dependencies=[needs(Role.VIEWER)])
async def income_page(request: Request, services: Services, baker_id: str) -> Response:
    """Show the shares; who may, changes them here."""
    income = await desk.list_income(services.workshop.payer.ledger, baker_id)
    return await _page(request, services, baker_id, FilledForm(_entered(income.shares)))


@router.post(_PATH, dependencies=[needs(Role.ADMINISTRATOR)])
async def change_income(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Set the shares to those in the rows; a row without an address is none."""
    form = FilledForm(await read_form(request))
    filled = filled_rows(form)
    why = form.read("why", optional_reason)
    shares = [_read(form, row) for row in filled]
    payer = services.workshop.payer
    async with payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
    known = await desk.list_income(payer.ledger, baker_id)
    form = unless_changed(form, _seen(known), "shares")
    if form.is_good:
        try:
            await desk.replace_income(payer, baker_id, shares, actor=caller.actor, why=why)
        except InputError as error:
            form = _refused(form, error, baker, dict(zip(filled, shares, strict=True)))
    if not form.is_good:
        return await _page(request, services, baker_id, form)
    return done(f"/bakers/{baker_id}/income", Notice.INCOME_CHANGED)


@router.post(f"{_PATH}/import", dependencies=[needs(Role.ADMINISTRATOR)])
async def import_income(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Set the shares to those of a CSV or JSON text."""
    form = FilledForm(await read_form(request))
    payer = services.workshop.payer
    try:
        text, why = imported_text(form), form.entered.get("why")
        await desk.import_income(payer, baker_id, text, actor=caller.actor, why=why)
    except InputError as error:
        form = form.with_import_refusal(error)
        income = await desk.list_income(payer.ledger, baker_id)
        known = FilledForm(_entered(income.shares))
        return await _page(request, services, baker_id, known, form)
    return done(f"/bakers/{baker_id}/income", Notice.INCOME_CHANGED)


@router.get(f"{_PATH}.csv", dependencies=[needs(Role.VIEWER)])
async def export_income(services: Services, baker_id: str) -> Response:
    """Give the shares as CSV, in the form that an import takes."""
    income = await desk.list_income(services.workshop.payer.ledger, baker_id)
    rows = [(share.address, *income_cells(share).values()) for share in income.shares]
    lines = [csv_line(("address", *SHARES)), *(csv_line(row) for row in rows)]
    headers = {"Content-Disposition": 'attachment; filename="income.csv"'}
    return Response("".join(lines), media_type="text/csv; charset=utf-8", headers=headers)


async def _page(
    request: Request,
    services: WebServices,
    baker_id: str,
    form: FilledForm,
    many: FilledForm | None = None,
) -> Response:
    ledger = services.workshop.payer.ledger
    async with ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
    income = await desk.list_income(ledger, baker_id)
    imported = many or FilledForm()
    is_good = form.is_good and imported.is_good
    return renderer_of(request).page(
        request,
        "income.html",
        status=HTTPStatus.OK if is_good else HTTPStatus.UNPROCESSABLE_ENTITY,
        baker=baker,
        income=income,
        left=[income.left(name) for name in SHARES],
        form=form,
        rows=row_count(form),
        seen=_seen(income),
        many=imported,
        notice=notice_of(request),
    )


def _entered(shares: Sequence[IncomeShare]) -> dict[str, str]:
    """Write the shares as the rows of the form."""
    return entered_rows([{"address": each.address, **income_cells(each)} for each in shares])


def _read(form: FilledForm, row: int) -> IncomeShare:
    """Read a row; where something in it is wrong the form says so, and nothing is made of it."""
    parts = {name: form.read(f"{name}-{row}", _share) or NO_SHARE for name in SHARES}
    return IncomeShare(form.read(f"address-{row}", parse_recipient) or "", **parts)


def _share(text: str) -> BasisPoints:
    return parse_percentage(text or "0")


def _refused(
    form: FilledForm, error: InputError, baker: Baker, rows: dict[int, IncomeShare]
) -> FilledForm:
    """Put what contradicts beside the row that is to blame, or the last of those together are."""
    name = str(error.facts.get("setting"))
    addresses = [share.address for share in rows.values()]
    blamed = [
        row
        for row, share in rows.items()
        if name != "address"
        or share.address == baker.payout_address
        or addresses.count(share.address) > 1
    ]
    if name not in {"address", *SHARES} or not blamed:
        return form.with_trouble(error)
    form.errors[f"{name}-{blamed[-1]}"] = error.message
    return form


def _seen(income: Income) -> str:
    return fingerprint(astuple(share) for share in income.shares)
