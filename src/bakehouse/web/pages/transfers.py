"""Transfers by hand, reveals and top-ups: what became of each, and a new one, after a second look.

What is decided about one that is there: `transfer_decisions`.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final
from uuid import uuid4

from fastapi import APIRouter, Query, Request, Response

from bakehouse.desk import orders as desk
from bakehouse.desk.funding import Funding, funding
from bakehouse.errors import BakehouseError, InputError
from bakehouse.ledger import bakers
from bakehouse.ledger.page import OFFSET_MAX, Slice
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import ManualOrigin
from bakehouse.payments.controls import Decision
from bakehouse.payments.orders import checked_key, order_reveal, order_transfer
from bakehouse.rewards.money import NO_MUTEZ, Mutez, format_tez, parse_tez
from bakehouse.tezos.address import parse_implicit, parse_recipient
from bakehouse.web.caller import Caller, CallerOf
from bakehouse.web.form import read_form
from bakehouse.web.pages.filled_form import FilledForm, reason, unless_empty
from bakehouse.web.pages.notice import Notice, done, notice_of
from bakehouse.web.pages.paging import Paging
from bakehouse.web.pages.password_field import read_password_again
from bakehouse.web.pages.question import Question
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False)

_PATH: Final = "/bakers/{baker_id}/transfers"
_ROWS: Final = 50
_FIELDS: Final = ("to", "amount", "why", "origin", "name", "key", "spends_owed")
_ORIGINS: Final = (
    (ManualOrigin.TRANSFER.value, "a transfer"),
    (ManualOrigin.EXTRA.value, "an extra payment: somebody was paid too little"),
)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A transfer as it was typed; `amount` in mutez."""

    to: str
    amount: Mutez
    why: str
    origin: ManualOrigin
    key: str
    spends_owed: bool


@router.get(_PATH, dependencies=[needs(Role.VIEWER)])
async def transfers_page(
    request: Request,
    services: Services,
    baker_id: str,
    offset: Annotated[int, Query(ge=0, le=OFFSET_MAX)] = 0,
) -> Response:
    """Show every order with its state, and where to see it on the chain."""
    payer = services.workshop.payer
    page = await desk.list_orders(payer, baker_id, Slice(offset, _ROWS))
    async with payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
    return renderer_of(request).page(
        request,
        "transfers.html",
        is_live=True,
        baker=baker,
        orders=page.rows,
        paging=Paging(
            path=request.url.path,
            offset=offset,
            shown=len(page.rows),
            limit=_ROWS,
            next_offset=page.next_offset,
        ),
        notice=notice_of(request),
    )


@router.get(f"{_PATH}/new", dependencies=[needs(Role.ADMINISTRATOR)])
async def transfer_form(
    request: Request,
    services: Services,
    baker_id: str,
    to: Annotated[str, Query(max_length=100)] = "",
    origin: ManualOrigin = ManualOrigin.TRANSFER,
) -> Response:
    """Ask what is to be transferred to whom."""
    entered = {"to": to, "origin": origin.value, "key": str(uuid4())}
    return await _form(request, services, baker_id, FilledForm(entered))


@router.post(f"{_PATH}/new", dependencies=[needs(Role.ADMINISTRATOR)])
async def order(request: Request, services: Services, caller: CallerOf, baker_id: str) -> Response:
    """Show what was typed once more; order it once it is confirmed, with the password."""
    entered = await read_form(request)
    form = FilledForm({**entered, "key": entered.get("key") or str(uuid4())})
    wanted = _read(form)
    if wanted is None:
        return await _form(request, services, baker_id, form)
    found = await funding(services.workshop, baker_id)
    if form.entered.get("confirmed") != "yes":
        return _question(found, wanted, form).page(request)
    await read_password_again(request, services, caller, form)
    if form.is_good:
        try:
            await _order(services, caller, baker_id, wanted)
        except BakehouseError as error:
            form = form.with_trouble(error)
    if not form.is_good:
        return _question(found, wanted, form).page(request)
    return done(f"/bakers/{baker_id}/transfers", Notice.TRANSFER_ORDERED)


@router.post(f"{_PATH}/reveal", dependencies=[needs(Role.ADMINISTRATOR)])
async def reveal(services: Services, caller: CallerOf, baker_id: str) -> Response:
    """Order that the wallet's key is revealed, unless it is."""
    payer = services.workshop.payer
    by = Decision(caller.actor, "reveal", payer.clock())
    ordered = await order_reveal(payer, parse_implicit(baker_id), by)
    notice = Notice.REVEALED_ALREADY if ordered is None else Notice.REVEAL_ORDERED
    return done(f"/bakers/{baker_id}/transfers", notice)


async def _order(services: WebServices, caller: Caller, baker_id: str, wanted: _Wanted) -> None:
    payer = services.workshop.payer
    await order_transfer(
        payer,
        baker_id,
        wanted.to,
        wanted.amount,
        Decision(caller.actor, wanted.why, payer.clock()),
        key=wanted.key,
        origin=wanted.origin,
        spends_owed=wanted.spends_owed,
    )


def _read(form: FilledForm) -> _Wanted | None:
    """Read the form; None where something is wrong, which the form says."""
    to = form.read("to", parse_recipient)
    amount = form.read("amount", _some_tez)
    why = form.read("why", reason)
    origin = form.read("origin", _origin)
    name = form.read("name", unless_empty(checked_key))
    if to is None or amount is None or why is None or origin is None or not form.is_good:
        return None
    # Sent twice, by a second click say, it is the same order: its key was made with the form.
    key = name or checked_key(form.entered["key"])
    return _Wanted(to, amount, why, origin, key, form.entered.get("spends_owed") == "yes")


def _some_tez(text: str) -> Mutez:
    amount = parse_tez(text)
    if amount <= NO_MUTEZ:
        raise InputError("an amount of 0.000001 tez or more can be transferred")
    return amount


def _origin(text: str) -> ManualOrigin:
    if text not in dict(_ORIGINS):
        raise InputError("choose what it is")
    return ManualOrigin(text)


def _question(found: Funding, wanted: _Wanted, form: FilledForm) -> Question:
    baker = found.baker
    held = "not known" if found.balance is None else f"{format_tez(found.balance.balance)} tez"
    left = "may be used" if wanted.spends_owed else "stays in the wallet"
    return Question(
        title=f"Send {format_tez(wanted.amount)} tez",
        warning=(
            "Compare the address letter by letter. Until it is signed, within a minute, it can be "
            "taken back; what is in a block never can."
        ),
        button=f"Send {format_tez(wanted.amount)} tez",
        action=f"/bakers/{baker.baker_id}/transfers/new",
        back=f"/bakers/{baker.baker_id}/transfers",
        things=[
            (f"To {wanted.to}", f"{format_tez(wanted.amount)} tez"),
            (f"From {baker.payout_address}", f"holds {held}"),
            ("What is owed to delegators", f"{left}: {format_tez(found.owed)} tez"),
            (f"For: {wanted.why}", ""),
        ],
        hidden=[
            *((name, form.entered[name]) for name in _FIELDS if name in form.entered),
            ("confirmed", "yes"),
        ],
        asks_password=True,
        form=form,
    )


async def _form(
    request: Request, services: WebServices, baker_id: str, form: FilledForm
) -> Response:
    return renderer_of(request).page(
        request,
        "transfer_new.html",
        status=HTTPStatus.OK if form.is_good else HTTPStatus.UNPROCESSABLE_ENTITY,
        funding=await funding(services.workshop, parse_implicit(baker_id)),
        origins=_ORIGINS,
        form=form,
    )
