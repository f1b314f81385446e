"""The members of a bond pool with their shares: changed in rows, imported, exported."""

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

_PATH: Final = "/bakers/{baker_id}/bond-pool"
_COLUMNS: Final = ("address", "amount", "adm_charge", "is_manager", "name")


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
    members = [_read(form, row) for row in filled_rows(form)]
    why = form.read("why", optional_reason)
    payer = services.workshop.payer
    known = await desk.list_members(payer.ledger, baker_id)
    form = unless_changed(form, _seen(known), "members")
    if form.is_good:
        try:
            await desk.replace_members(payer, baker_id, members, actor=caller.actor, why=why)
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
        text, why = imported_text(form), form.entered.get("why")
        await desk.import_members(payer, baker_id, text, actor=caller.actor, why=why)
    except InputError as error:
        form = form.with_import_refusal(error)
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
        rows=row_count(form),
        seen=_seen(members),
        many=imported,
        notice=notice_of(request),
    )


def _entered(members: Sequence[PoolMember]) -> dict[str, str]:
    """Write the members as the rows of the form."""
    entered = entered_rows(
        [
            {
                "address": each.member.address,
                "name": each.member.name,
                "amount": plain_tez(each.member.amount),
                "adm_charge": format_percentage(each.member.adm_charge),
            }
            for each in members
        ]
    )
    for row, each in enumerate(members):
        if each.member.is_manager:
            entered["manager"] = str(row)
    return entered


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


def _seen(members: Iterable[PoolMember]) -> str:
    return fingerprint(astuple(each.member) for each in members)
