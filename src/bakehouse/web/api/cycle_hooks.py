"""What a baker's hooks said about a cycle, and what they changed of its plan. To read."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from bakehouse.desk.decisions import CycleOf, find_cycle
from bakehouse.ledger import hook_consultations, plan_adjustments
from bakehouse.ledger.hook_consultations import Consultation
from bakehouse.ledger.page import Page
from bakehouse.ledger.plan_adjustments import AcceptedAdjustment
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import DistributionKind, HookPoint, Mode, Verdict
from bakehouse.web.api.fields import (
    EXAMPLE_RECIPIENT,
    EXAMPLE_SHA256,
    EXAMPLE_TIME,
    BakerOfPath,
    MutezText,
    NextOffset,
    PageQuery,
)
from bakehouse.web.api.security import TOKEN
from bakehouse.web.cycle_records import CycleNumber
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api/bakers/{baker_id}/cycles/{cycle}/hooks",
    tags=["hooks"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)


class CycleHooksQuery(PageQuery):
    """Which payment of a cycle is meant, and which part of the adjustments."""

    kind: DistributionKind = DistributionKind.DELEGATORS
    mode: Mode = Mode.ON


class HookAnswerView(BaseModel):
    """What a hook answered last."""

    hook: Annotated[str, Field(examples=["limits"])]
    point: HookPoint
    verdict: Verdict
    reason: Annotated[str | None, Field(examples=["the sum is over 500 tez"])]
    question_sha256: Annotated[
        str, Field(description="Hash of what it was asked.", examples=[EXAMPLE_SHA256])
    ]
    asked_at: Annotated[datetime, Field(examples=[EXAMPLE_TIME])]
    ask_again_at: Annotated[
        datetime | None, Field(description="When it is asked anew, unless it has allowed.")
    ]


class AdjustmentView(BaseModel):
    """One change of the plan."""

    hook: Annotated[str, Field(examples=["limits"])]
    recipient: Annotated[str, Field(description="From whom.", examples=[EXAMPLE_RECIPIENT])]
    amount: MutezText
    to: Annotated[str | None, Field(description="Who gets it; none: it stays with the baker.")]
    why: Annotated[str, Field(examples=["lent the baker's node last month"])]


class CycleHooks(BaseModel):
    """What hooks said and changed."""

    answers: list[HookAnswerView]
    adjustments: list[AdjustmentView]
    next_offset: NextOffset


@router.get("", summary="What hooks said and changed")
async def get_cycle_hooks(
    baker_id: BakerOfPath,
    cycle: CycleNumber,
    services: Services,
    wanted: Annotated[CycleHooksQuery, Query()],
) -> CycleHooks:
    """List the last answer of each hook about a payment, and the adjustments of its plan."""
    which = CycleOf(baker_id, cycle, wanted.kind, wanted.mode)
    async with services.workshop.payer.ledger.read() as tx:
        distribution = await find_cycle(tx, which)
        answers = await hook_consultations.of_distribution(tx, distribution.id)
        adjustments = await plan_adjustments.of_distribution(
            tx, distribution.id, offset=wanted.offset, limit=wanted.part.limit_and_one
        )
    page = Page.of(adjustments, wanted.part)
    return CycleHooks(
        answers=[_answer(each) for each in answers],
        adjustments=[_adjustment(each) for each in page.rows],
        next_offset=page.next_offset,
    )


def _answer(answer: Consultation) -> HookAnswerView:
    return HookAnswerView(
        hook=answer.hook,
        point=answer.point,
        verdict=answer.verdict,
        reason=answer.reason,
        question_sha256=answer.question,
        asked_at=answer.asked_at,
        ask_again_at=answer.ask_again_at,
    )


def _adjustment(accepted: AcceptedAdjustment) -> AdjustmentView:
    adjustment = accepted.adjustment
    return AdjustmentView(
        hook=accepted.hook,
        recipient=adjustment.recipient,
        amount=str(adjustment.amount),
        to=adjustment.to,
        why=adjustment.why,
    )
