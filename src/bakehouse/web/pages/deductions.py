"""Deductions: what was paid too much and comes off coming cycles, by whose consent; a new one."""

from http import HTTPStatus
from typing import Annotated, Final
from uuid import uuid4

from fastapi import APIRouter, Path, Query, Request, Response

from bakehouse.desk import deductions as desk
from bakehouse.errors import BakehouseError, ConflictError
from bakehouse.ledger import bakers
from bakehouse.ledger.deductions import Deduction
from bakehouse.ledger.page import OFFSET_MAX
from bakehouse.ledger.roles import Role
from bakehouse.payments.controls import Decision
from bakehouse.rewards.money import format_tez, parse_tez
from bakehouse.tezos.address import parse_recipient
from bakehouse.web.caller import CallerOf
from bakehouse.web.form import read_form
from bakehouse.web.pages.filled_form import FilledForm, reason
from bakehouse.web.pages.notice import Notice, done, notice_of
from bakehouse.web.pages.paging import Paging
from bakehouse.web.pages.question import Question
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False)

_PATH: Final = "/bakers/{baker_id}/deductions"
_ROWS: Final = 50
_CHANGED_MEANWHILE: Final = (
    "a cycle has taken something of it since you opened this page: look at it again"
)

DeductionId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get(_PATH, dependencies=[needs(Role.VIEWER)])
async def deductions_page(
    request: Request,
    services: Services,
    baker_id: str,
    offset: Annotated[int, Query(ge=0, le=OFFSET_MAX)] = 0,
) -> Response:
    """Show deductions, the newest first, with what cycles took of each and what is left."""
    async with services.workshop.payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
    found = await desk.list_deductions(services.workshop.payer.ledger, baker_id)
    shown = found[::-1][offset : offset + _ROWS]
    return renderer_of(request).page(
        request,
        "deductions.html",
        baker=baker,
        deductions=shown,
        paging=Paging(
            path=request.url.path,
            offset=offset,
            shown=len(shown),
            limit=_ROWS,
            next_offset=offset + _ROWS if offset + _ROWS < len(found) else None,
            total=len(found),
        ),
        left=sum(each.left for each in found),
        notice=notice_of(request),
    )


@router.get(f"{_PATH}/new", dependencies=[needs(Role.ADMINISTRATOR)])
async def deduction_form(
    request: Request,
    services: Services,
    baker_id: str,
    owed_to: Annotated[str, Query(alias="from", max_length=100)] = "",
) -> Response:
    """Ask what is deducted from whom, and who agreed."""
    form = FilledForm({"owed_to": owed_to, "key": str(uuid4())})
    return await _form(request, services, baker_id, form)


@router.post(f"{_PATH}/new", dependencies=[needs(Role.ADMINISTRATOR)])
async def agree(request: Request, services: Services, caller: CallerOf, baker_id: str) -> Response:
    """Enter a deduction; sent twice, it is the same one."""
    form = FilledForm(await read_form(request))
    payer = services.workshop.payer
    owed_to, amount = form.read("owed_to", parse_recipient), form.read("amount", parse_tez)
    consent, why = form.read("consent", reason), form.read("why", reason)
    if owed_to is None or amount is None or consent is None or why is None:
        return await _form(request, services, baker_id, form)
    by = Decision(caller.actor, why, payer.clock())
    key = form.entered.get("key") or None
    try:
        await desk.agree(payer.ledger, baker_id, owed_to, amount, by, consent=consent, key=key)
    except BakehouseError as error:
        return await _form(request, services, baker_id, form.with_trouble(error))
    return done(f"/bakers/{baker_id}/deductions", Notice.DEDUCTION_AGREED)


@router.get(f"{_PATH}/{{deduction_id}}/waive", dependencies=[needs(Role.ADMINISTRATOR)])
async def ask_to_waive(
    request: Request, services: Services, baker_id: str, deduction_id: DeductionId
) -> Response:
    """Ask once more, and why."""
    ledger = services.workshop.payer.ledger
    found = await desk.find_deduction(ledger, baker_id, deduction_id)
    return _question(found, FilledForm()).page(request)


@router.post(f"{_PATH}/{{deduction_id}}/waive", dependencies=[needs(Role.ADMINISTRATOR)])
async def waive(
    request: Request,
    services: Services,
    caller: CallerOf,
    baker_id: str,
    deduction_id: DeductionId,
) -> Response:
    """Give up what is left of a deduction, if that is what was seen."""
    form, payer = FilledForm(await read_form(request)), services.workshop.payer
    found = await desk.find_deduction(payer.ledger, baker_id, deduction_id)
    why = form.read("why", reason)
    if form.entered.get("seen") != str(found.left):
        form = form.with_trouble(ConflictError(_CHANGED_MEANWHILE))
    if why is None or not form.is_good:
        return _question(found, form).page(request)
    by = Decision(caller.actor, why, payer.clock())
    try:
        await desk.waive(payer.ledger, baker_id, deduction_id, by)
    except ConflictError as error:
        return _question(found, form.with_trouble(error)).page(request)
    return done(f"/bakers/{baker_id}/deductions", Notice.DEDUCTION_WAIVED)


def _question(deduction: Deduction, form: FilledForm) -> Question:
    base = f"/bakers/{deduction.baker_id}/deductions"
    return Question(
        title="Waive a deduction",
        warning="Nothing more of it is deducted. What cycles took of it already stays taken.",
        button="Waive what is left",
        action=f"{base}/{deduction.id}/waive",
        back=base,
        things=[
            (f"From {deduction.owed_to}", f"{format_tez(deduction.left)} tez left"),
            (f"For: {deduction.why}", f"of {format_tez(deduction.amount)} tez"),
        ],
        hidden=[("seen", str(deduction.left))],
        asks_why=True,
        form=form,
    )


async def _form(
    request: Request, services: WebServices, baker_id: str, form: FilledForm
) -> Response:
    async with services.workshop.payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
    return renderer_of(request).page(
        request,
        "deduction_new.html",
        status=HTTPStatus.OK if form.is_good else HTTPStatus.UNPROCESSABLE_ENTITY,
        baker=baker,
        form=form,
    )
