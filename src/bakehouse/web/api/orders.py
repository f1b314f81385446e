"""Transfers by hand, and deductions: ordered by an administrator, read by whoever may see."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from bakehouse.desk import deductions as desk_of_deductions
from bakehouse.desk import orders as desk
from bakehouse.desk.orders import ShownOrder
from bakehouse.ledger.deductions import Deduction
from bakehouse.ledger.manual_transfers import ManualTransfer
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import ManualOrigin, ManualState
from bakehouse.payments.controls import Decision
from bakehouse.payments.orders import KEY_LENGTH_MAX, order_transfer
from bakehouse.web.api.fields import (
    EXAMPLE_OPERATION,
    EXAMPLE_RECIPIENT,
    EXAMPLE_TIME,
    BakerOfPath,
    Body,
    MutezSent,
    MutezText,
    NextOffset,
    PageQuery,
    RecipientSent,
    Why,
)
from bakehouse.web.api.security import EXAMPLE_BAKER, TOKEN
from bakehouse.web.caller import Caller, CallerOf
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api/bakers/{baker_id}",
    tags=["by hand"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)

_ORDERING: Final = refusals(
    HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE
)
_DECIDING: Final = refusals(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT)

RowId = Annotated[int, Path(ge=1, le=2**63 - 1, examples=[7])]

Key = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=KEY_LENGTH_MAX,
        description="The caller's name for it: sent again, it is not done again.",
        examples=["rent-2026-10"],
    ),
]


class TransferBody(Body):
    """A transfer to order; the same key and facts are the same transfer."""

    to: RecipientSent
    amount: MutezSent
    why: Why
    key: Key = None
    origin: Annotated[
        Literal["transfer", "extra-payment"],
        Field(description="An extra payment makes good that somebody was paid too little."),
    ] = "transfer"
    spends_owed: Annotated[
        bool, Field(description="Whether what is owed to delegators may be touched.")
    ] = False


class OrderView(BaseModel):
    """A transfer by hand, a reveal or a top-up, and what became of it."""

    id: Annotated[int, Field(examples=[7])]
    origin: ManualOrigin
    key: Annotated[str, Field(examples=["rent-2026-10"])]
    source: Annotated[str, Field(examples=[EXAMPLE_BAKER])]
    destination: Annotated[str, Field(examples=[EXAMPLE_RECIPIENT])]
    amount: MutezText
    state: ManualState
    reason: Annotated[str | None, Field(description="Why it failed.", examples=["keeps-owed"])]
    operation: Annotated[str | None, Field(examples=[EXAMPLE_OPERATION])]
    actor: Annotated[str, Field(examples=["cli:anna"])]
    why: Annotated[str, Field(examples=["rent of October"])]
    created_at: Annotated[datetime, Field(examples=[EXAMPLE_TIME])]


class OrderList(BaseModel):
    """A page of orders, the newest first."""

    orders: list[OrderView]
    next_offset: NextOffset


class DecisionBody(Body):
    """Why it is decided."""

    why: Why


class DeductionBody(Body):
    """What is deducted from whom, and who agreed to it."""

    owed_to: RecipientSent
    amount: MutezSent
    consent: Annotated[
        str,
        Field(
            min_length=1,
            max_length=500,
            description="Who agreed to it, and how.",
            examples=["the delegator, by mail of 3 October"],
        ),
    ]
    why: Why
    key: Key = None


class DeductionView(BaseModel):
    """A deduction, with what cycles took of it and what is left."""

    id: Annotated[int, Field(examples=[3])]
    owed_to: Annotated[str, Field(examples=[EXAMPLE_RECIPIENT])]
    amount: MutezText
    taken: MutezText
    left: MutezText
    key: Annotated[str, Field(examples=[EXAMPLE_OPERATION])]
    consent: Annotated[str, Field(examples=["the delegator, by mail of 3 October"])]
    why: Annotated[str, Field(examples=["paid twice in cycle 750"])]
    actor: Annotated[str, Field(examples=["cli:anna"])]
    created_at: Annotated[datetime, Field(examples=[EXAMPLE_TIME])]
    waived_at: Annotated[datetime | None, Field(examples=[EXAMPLE_TIME])]


class DeductionList(BaseModel):
    """Every deduction of a baker, the oldest first."""

    deductions: list[DeductionView]


@router.get("/transfers", summary="Transfers by hand")
async def list_transfers(
    baker_id: BakerOfPath, services: Services, wanted: Annotated[PageQuery, Query()]
) -> OrderList:
    """List transfers by hand, reveals and top-ups, the newest first."""
    page = await desk.list_orders(services.workshop.payer, baker_id, wanted.part)
    return OrderList(orders=[_order(each) for each in page.rows], next_offset=page.next_offset)


@router.post(
    "/transfers",
    status_code=HTTPStatus.ACCEPTED,
    summary="Order a transfer",
    dependencies=[needs(Role.ADMINISTRATOR)],
    responses=_ORDERING,
)
async def order(
    baker_id: BakerOfPath, body: TransferBody, services: Services, caller: CallerOf
) -> OrderView:
    """Order a transfer from the payout wallet, which is signed within a minute if guards let it.

    Read it again to see what became of it. The same key and facts give the same order; other facts
    under that key are a 409.
    """
    payer = services.workshop.payer
    ordered = await order_transfer(
        payer,
        baker_id,
        body.to,
        body.amount,
        _decision(services, caller, body.why),
        key=body.key,
        origin=ManualOrigin(body.origin),
        spends_owed=body.spends_owed,
    )
    return _view(ordered, None)


@router.post(
    "/transfers/{transfer_id}/give-up",
    summary="Give up a transfer",
    dependencies=[needs(Role.ADMINISTRATOR)],
    responses=_DECIDING,
)
async def give_up(
    baker_id: BakerOfPath,
    transfer_id: RowId,
    body: DecisionBody,
    services: Services,
    caller: CallerOf,
) -> OrderView:
    """Give up an order that is not signed yet; 409 once it is: cancel its operation then."""
    by = _decision(services, caller, body.why)
    return _view(await desk.give_up(services.workshop.payer, baker_id, transfer_id, by), None)


@router.post(
    "/transfers/{transfer_id}/again",
    status_code=HTTPStatus.ACCEPTED,
    summary="Give a failed transfer again",
    dependencies=[needs(Role.ADMINISTRATOR)],
    responses=_ORDERING,
)
async def give_again(
    baker_id: BakerOfPath,
    transfer_id: RowId,
    body: DecisionBody,
    services: Services,
    caller: CallerOf,
) -> OrderView:
    """Give a failed order once more, the same facts under the same key; 409 unless it failed."""
    by = _decision(services, caller, body.why)
    return _view(await desk.give_again(services.workshop.payer, baker_id, transfer_id, by), None)


@router.get("/deductions", summary="Deductions")
async def list_deductions(baker_id: BakerOfPath, services: Services) -> DeductionList:
    """List what is deducted from coming cycles, from whom, and by whose consent."""
    found = await desk_of_deductions.list_deductions(services.workshop.payer.ledger, baker_id)
    return DeductionList(deductions=[_deduction(each) for each in found])


@router.post(
    "/deductions",
    status_code=HTTPStatus.CREATED,
    summary="Agree on a deduction",
    dependencies=[needs(Role.ADMINISTRATOR)],
    responses=_DECIDING,
)
async def agree(
    baker_id: BakerOfPath, body: DeductionBody, services: Services, caller: CallerOf
) -> DeductionView:
    """Deduct what a delegator was paid too much from the cycles to come, with their consent.

    Each cycle's plan shows what it takes as a line of its own, and no payout becomes negative.
    """
    agreed = await desk_of_deductions.agree(
        services.workshop.payer.ledger,
        baker_id,
        body.owed_to,
        body.amount,
        _decision(services, caller, body.why),
        consent=body.consent,
        key=body.key,
    )
    return _deduction(agreed)


@router.post(
    "/deductions/{deduction_id}/waive",
    summary="Waive a deduction",
    dependencies=[needs(Role.ADMINISTRATOR)],
    responses=_DECIDING,
)
async def waive(
    baker_id: BakerOfPath,
    deduction_id: RowId,
    body: DecisionBody,
    services: Services,
    caller: CallerOf,
) -> DeductionView:
    """Give up what is left of a deduction; 409 when nothing is."""
    by = _decision(services, caller, body.why)
    ledger = services.workshop.payer.ledger
    return _deduction(await desk_of_deductions.waive(ledger, baker_id, deduction_id, by))


def _decision(services: Services, caller: Caller, why: str) -> Decision:
    return Decision(caller.actor, why.strip(), services.workshop.payer.clock())


def _order(shown: ShownOrder) -> OrderView:
    return _view(shown.transfer, shown.operation_hash)


def _view(transfer: ManualTransfer, operation: str | None) -> OrderView:
    return OrderView(
        id=transfer.id,
        origin=transfer.origin,
        key=transfer.idempotence_key,
        source=transfer.source,
        destination=transfer.destination,
        amount=str(transfer.amount),
        state=transfer.state,
        reason=transfer.reason,
        operation=operation,
        actor=transfer.actor,
        why=transfer.why,
        created_at=transfer.created_at,
    )


def _deduction(each: Deduction) -> DeductionView:
    return DeductionView(
        id=each.id,
        owed_to=each.owed_to,
        amount=str(each.amount),
        taken=str(each.taken),
        left=str(each.left),
        key=each.idempotence_key,
        consent=each.consent,
        why=each.why,
        actor=each.actor,
        created_at=each.created_at,
        waived_at=each.waived_at,
    )
