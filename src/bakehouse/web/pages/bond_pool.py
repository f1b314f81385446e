"""The members of a bond pool with their shares: changed in rows, imported, exported."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response

from bakehouse.desk import bond_pool as desk
from bakehouse.desk.bond_pool import PoolMember
from bakehouse.errors import InputError
from bakehouse.ledger import bakers
from bakehouse.ledger.roles import Role
from bakehouse.payments.export import csv_line
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import (
    NO_MUTEZ,
    BasisPoints,
    format_percentage,
    parse_percentage,
    parse_tez,
    plain_tez,
)
from bakehouse.tezos.address import parse_recipient
from bakehouse.web.caller import CallerOf
from bakehouse.web.form import read_form
from bakehouse.web.pages.delegator_table import imported_text
from bakehouse.web.pages.filled_form import FilledForm, whole_number
from bakehouse.web.pages.notice import Notice, done, notice_of
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False)

_PATH: Final = "/bakers/{baker_id}/bond-pool"
#: Rows for members to be added.
_SPARE_ROWS: Final = 2
#: More members than a form of 64 KiB holds.
_ROWS_MAX: Final = 400
_COLUMNS: Final = ("address", "amount", "adm_charge", "is_manager", "name")
_CHANGED_MEANWHILE: Final = (
    "somebody else has changed the members since you opened this page: compare, then send again"
)


@router.get(_PATH, dependencies=[needs(Role.VIEWER)])
async def bond_pool_page(request: Request, services: Services, baker_id: str) -> Response:
    """Show the members; who may, changes them here."""
    members = await desk.list_members(services.workshop.payer.ledger, baker_id)
    return await _page(request, services, baker_id, FilledForm(_entered(members)))


@router.post(_PATH, dependencies=[needs(Role.ADMINISTRATOR)])
async def change_members(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Set the members to those in the rows; a row without an address is none."""
    form = FilledForm(await read_form(request))
    members = [_read(form, row) for row in range(_row_count(form)) if _is_filled(form, row)]
    known = await desk.list_members(services.workshop.payer.ledger, baker_id)
    if form.entered.get("seen") != _fingerprint(known):
        form = form.with_trouble(InputError(_CHANGED_MEANWHILE))
    if form.is_good:
        try:
            await desk.replace_members(
                services.workshop.payer, baker_id, members, actor=caller.actor
            )
        except InputError as error:
            form = form.with_trouble(error)
    if not form.is_good:
        return await _page(request, services, baker_id, form)
    return done(f"/bakers/{baker_id}/bond-pool", Notice.BOND_POOL_CHANGED)


@router.post(f"{_PATH}/import", dependencies=[needs(Role.ADMINISTRATOR)])
async def import_members(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Set the members to those of a CSV text."""
    form = FilledForm(await read_form(request))
    payer = services.workshop.payer
    try:
        await desk.import_members(payer, baker_id, imported_text(form), actor=caller.actor)
    except InputError as error:
        form.errors["pasted"] = error.message
        members = await desk.list_members(payer.ledger, baker_id)
        return await _page(request, services, baker_id, FilledForm(_entered(members)), form)
    return done(f"/bakers/{baker_id}/bond-pool", Notice.BOND_POOL_CHANGED)


@router.get(f"{_PATH}.csv", dependencies=[needs(Role.VIEWER)])
async def export_members(services: Services, baker_id: str) -> Response:
    """Give the members as CSV, in the form that an import takes."""
    members = await desk.list_members(services.workshop.payer.ledger, baker_id)
    lines = [csv_line(_COLUMNS), *(csv_line(_cells(each.member)) for each in members)]
    headers = {"Content-Disposition": 'attachment; filename="bond-pool.csv"'}
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
    members = await desk.list_members(ledger, baker_id)
    imported = many or FilledForm()
    is_good = form.is_good and imported.is_good
    return renderer_of(request).page(
        request,
        "bond_pool.html",
        status=HTTPStatus.OK if is_good else HTTPStatus.UNPROCESSABLE_ENTITY,
        baker=baker,
        members=[(each.member, each.share) for each in members],
        total=sum(each.member.amount for each in members),
        form=form,
        rows=_row_count(form),
        seen=_fingerprint(members),
        many=imported,
        notice=notice_of(request),
    )


def _entered(members: Sequence[PoolMember]) -> dict[str, str]:
    """Write the members as the rows of the form."""
    entered = {"rows": str(len(members) + _SPARE_ROWS)}
    for row, each in enumerate(members):
        member = each.member
        entered |= {
            f"address-{row}": member.address,
            f"name-{row}": member.name,
            f"amount-{row}": plain_tez(member.amount),
            f"adm_charge-{row}": format_percentage(member.adm_charge),
        }
        if member.is_manager:
            entered["manager"] = str(row)
    return entered


def _row_count(form: FilledForm) -> int:
    return min(form.read("rows", lambda text: whole_number(text, _ROWS_MAX)) or 0, _ROWS_MAX)


def _is_filled(form: FilledForm, row: int) -> bool:
    return bool(form.entered.get(f"address-{row}", "").strip())


def _read(form: FilledForm, row: int) -> BondPoolMember:
    """Read a row; where something in it is wrong the form says so, and nothing is made of it."""
    return BondPoolMember(
        address=form.read(f"address-{row}", parse_recipient) or "",
        amount=form.read(f"amount-{row}", parse_tez) or NO_MUTEZ,
        adm_charge=form.read(f"adm_charge-{row}", _charge) or BasisPoints(0),
        is_manager=form.entered.get("manager") == str(row),
        name=form.entered.get(f"name-{row}", "").strip(),
    )


def _charge(text: str) -> BasisPoints:
    return parse_percentage(text or "0")


def _cells(member: BondPoolMember) -> list[str]:
    return [
        member.address,
        plain_tez(member.amount),
        format_percentage(member.adm_charge),
        "yes" if member.is_manager else "no",
        member.name,
    ]


def _fingerprint(members: Iterable[PoolMember]) -> str:
    """Tell one state of the pool from another, so that nobody undoes what they did not see."""
    rows = [astuple(each.member) for each in members]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
