"""Operations signed for a baker: what became of each, and what a person may decide about one."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from bakehouse.desk import decisions, reading
from bakehouse.ledger.operation_search import FoundOperation, OperationFilter
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import Death, DistributionKind, OperationKind, OperationState
from bakehouse.web.api.fields import (
    EXAMPLE_OPERATION,
    EXAMPLE_TIME,
    BakerOfPath,
    Body,
    NextOffset,
    PageQuery,
    Why,
)
from bakehouse.web.api.security import EXAMPLE_BAKER, TOKEN
from bakehouse.web.api.views import OperationView, operation_view
from bakehouse.web.caller import CallerOf
from bakehouse.web.cycle_records import CYCLE_MAX
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api/bakers/{baker_id}/operations",
    tags=["operations"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)

_DECIDING: Final = refusals(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT)

OperationHash = Annotated[
    str, Path(description="The operation's hash.", max_length=64, examples=[EXAMPLE_OPERATION])
]


class SignedOperationView(OperationView):
    """An operation, and what it is for."""

    cycle: Annotated[
        int | None, Field(description="Null for what belongs to no cycle.", examples=[750])
    ]
    distribution_kind: DistributionKind | None
    kind: OperationKind
    source: Annotated[str, Field(description="The wallet that pays.", examples=[EXAMPLE_BAKER])]
    counter_first: Annotated[int, Field(examples=[123_456])]
    last_includable_level: Annotated[int, Field(examples=[6_543_300])]
    death: Annotated[Death | None, Field(description="Why it can be in no block any more.")]
    cancel_requested_at: Annotated[datetime | None, Field(examples=[EXAMPLE_TIME])]
    created_at: Annotated[datetime, Field(examples=[EXAMPLE_TIME])]


class OperationList(BaseModel):
    """A page of operations, newest first."""

    operations: list[SignedOperationView]
    next_offset: NextOffset


class AttemptView(BaseModel):
    """What a node answered when the operation was sent to it: evidence, never proof."""

    at: Annotated[datetime, Field(examples=[EXAMPLE_TIME])]
    node: Annotated[str, Field(examples=["https://node.example"])]
    answer: Annotated[str, Field(examples=["accepted"])]


class OperationDetail(BaseModel):
    """An operation, and every attempt to send it."""

    operation: SignedOperationView
    attempts: list[AttemptView]


class OperationQuery(PageQuery):
    """Which operations are wanted; what is left out makes no difference."""

    cycle: Annotated[int | None, Field(ge=0, le=CYCLE_MAX, examples=[750])] = None
    state: Annotated[tuple[OperationState, ...], Field(description="One or several.")] = ()


class OperationDecisionBody(Body):
    """Why it is decided."""

    why: Why


class PayoutsHeld(BaseModel):
    """How many payouts wait for a second word now."""

    held: Annotated[int, Field(examples=[12])]


@router.get("", summary="Operations of a baker")
async def list_operations(
    baker_id: BakerOfPath, services: Services, wanted: Annotated[OperationQuery, Query()]
) -> OperationList:
    """List every operation group that was signed, with the sums of its transfers."""
    page = await reading.list_operations(
        services.workshop.payer.ledger,
        OperationFilter(baker_id=baker_id, cycle=wanted.cycle, states=frozenset(wanted.state)),
        wanted.part,
    )
    return OperationList(
        operations=[_signed(each) for each in page.rows], next_offset=page.next_offset
    )


@router.get("/{operation_hash}", summary="One operation")
async def get_operation(
    baker_id: BakerOfPath, operation_hash: OperationHash, services: Services
) -> OperationDetail:
    """Give an operation with what nodes answered to it."""
    found, attempts = await reading.get_operation(
        services.workshop.payer.ledger, baker_id, operation_hash
    )
    return OperationDetail(
        operation=_signed(found),
        attempts=[AttemptView(at=each.at, node=each.node, answer=each.answer) for each in attempts],
    )


@router.post(
    "/{operation_hash}/cancel",
    status_code=HTTPStatus.ACCEPTED,
    summary="Cancel an operation",
    dependencies=[needs(Role.OPERATOR)],
    responses=_DECIDING,
)
async def cancel_operation(
    baker_id: BakerOfPath,
    operation_hash: OperationHash,
    body: OperationDecisionBody,
    services: Services,
    caller: CallerOf,
) -> OperationDetail:
    """Ask for an operation that is in no block yet to be made impossible.

    The wallet pays itself with the same counters; whichever is in a block first, counts. Asking
    again changes nothing further; 409 once the operation is decided.
    """
    await decisions.cancel(
        services.workshop.payer, baker_id, operation_hash, actor=caller.actor, why=body.why
    )
    return await get_operation(baker_id, operation_hash, services)


@router.post(
    "/{operation_hash}/declare-dead",
    summary="Declare an operation dead",
    dependencies=[needs(Role.OPERATOR)],
    responses=_DECIDING,
)
async def declare_dead(
    baker_id: BakerOfPath,
    operation_hash: OperationHash,
    body: OperationDecisionBody,
    services: Services,
    caller: CallerOf,
) -> PayoutsHeld:
    """Take it on oneself that a quarantined operation is in no block; its payouts are held.

    Each waits for a second word, to be released or dropped. A second time is a 409.
    """
    held = await decisions.declare_dead(
        services.workshop.payer, baker_id, operation_hash, actor=caller.actor, why=body.why
    )
    return PayoutsHeld(held=held)


def _signed(found: FoundOperation) -> SignedOperationView:
    operation = found.operation
    return SignedOperationView(
        **operation_view(operation, found.transfers).model_dump(),
        cycle=found.cycle,
        distribution_kind=found.kind,
        kind=operation.kind,
        source=operation.source,
        counter_first=operation.counter_first,
        last_includable_level=operation.last_includable_level,
        death=operation.death,
        cancel_requested_at=operation.cancel_requested_at,
        created_at=operation.created_at,
    )
