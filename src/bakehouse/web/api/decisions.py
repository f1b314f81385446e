"""What a person decides about a baker's cycles and payouts, each decision with its reason."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from bakehouse.desk import approval, decisions
from bakehouse.desk.decisions import CycleOf
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import DistributionKind
from bakehouse.web.api.bakers import BakerView, baker_view
from bakehouse.web.api.fields import BakerOfPath, Body, RecipientSent, Sha256, Why
from bakehouse.web.api.security import TOKEN
from bakehouse.web.caller import CallerOf
from bakehouse.web.cycle_records import CycleNumber
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api/bakers/{baker_id}",
    tags=["decisions"],
    dependencies=[TOKEN, needs(Role.OPERATOR)],
    responses=refusals(HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)

_BY_STATE: Final = refusals(HTTPStatus.CONFLICT)


class PauseBody(Body):
    """Why the baker is paused."""

    why: Why


class CycleDecisionBody(Body):
    """Which payment of the cycle is meant, and why it is decided."""

    why: Why
    kind: DistributionKind = DistributionKind.DELEGATORS


class ApprovalBody(CycleDecisionBody):
    """The plan that was seen."""

    plan_sha256: Sha256


class HoldBody(CycleDecisionBody):
    """Whose payouts are meant."""

    owed_to: RecipientSent


class HeldDecisionBody(CycleDecisionBody):
    """Whose held payouts are meant; left out, all that are held of the cycle."""

    owed_to: RecipientSent | None = None


class Decided(BaseModel):
    """What was decided about."""

    cycle: Annotated[int, Field(examples=[750])]
    kind: DistributionKind
    payouts: Annotated[
        int | None,
        Field(description="How many payouts; null for a whole cycle.", examples=[1]),
    ]


@router.post("/pause", summary="Switch a baker off at once")
async def pause(
    baker_id: BakerOfPath, body: PauseBody, services: Services, caller: CallerOf
) -> BakerView:
    """Sign and send nothing for a baker from now on, neither again; repeating it is harmless.

    What is in a block already stays there, and what was sent before may still come into one.
    """
    paused = await decisions.pause(
        services.workshop.payer, baker_id, actor=caller.actor, why=body.why
    )
    return baker_view(paused)


@router.post("/cycles/{cycle}/approve", summary="Let a cycle go", responses=_BY_STATE)
async def approve(
    baker_id: BakerOfPath,
    cycle: CycleNumber,
    body: ApprovalBody,
    services: Services,
    caller: CallerOf,
) -> Decided:
    """Let the first live cycle of a baker be paid, by the hash of the plan that was seen.

    409 when the plan is another than that, or when the cycle needs no go (any more).
    """
    await approval.approve(
        services.workshop.payer,
        CycleOf(baker_id, cycle, body.kind),
        expected_sha256=body.plan_sha256,
        actor=caller.actor,
        why=body.why,
    )
    return Decided(cycle=cycle, kind=body.kind, payouts=None)


@router.post("/cycles/{cycle}/retry", summary="Retry a failed cycle", responses=_BY_STATE)
async def retry(
    baker_id: BakerOfPath,
    cycle: CycleNumber,
    body: CycleDecisionBody,
    services: Services,
    caller: CallerOf,
) -> Decided:
    """Have a failed cycle taken up again within a minute; only what is not paid yet will be paid.

    409 for a cycle that did not fail, so a second time is harmless.
    """
    which = CycleOf(baker_id, cycle, body.kind)
    await decisions.retry(services.workshop.payer, which, actor=caller.actor, why=body.why)
    return Decided(cycle=cycle, kind=body.kind, payouts=None)


@router.post("/cycles/{cycle}/hold", summary="Hold a payout", responses=_BY_STATE)
async def hold(
    baker_id: BakerOfPath,
    cycle: CycleNumber,
    body: HoldBody,
    services: Services,
    caller: CallerOf,
) -> Decided:
    """Keep back what the cycle owes one recipient; 409 for what is signed, paid or held already."""
    count = await decisions.hold(
        services.workshop.payer,
        CycleOf(baker_id, cycle, body.kind),
        owed_to=body.owed_to,
        actor=caller.actor,
        why=body.why,
    )
    return Decided(cycle=cycle, kind=body.kind, payouts=count)


@router.post("/cycles/{cycle}/release", summary="Release held payouts", responses=_BY_STATE)
async def release(
    baker_id: BakerOfPath,
    cycle: CycleNumber,
    body: HeldDecisionBody,
    services: Services,
    caller: CallerOf,
) -> Decided:
    """Let held payouts be paid after all; 404 when none is held (any more)."""
    count = await decisions.release(
        services.workshop.payer,
        CycleOf(baker_id, cycle, body.kind),
        owed_to=body.owed_to,
        actor=caller.actor,
        why=body.why,
    )
    return Decided(cycle=cycle, kind=body.kind, payouts=count)


@router.post("/cycles/{cycle}/drop", summary="Drop held payouts", responses=_BY_STATE)
async def drop(
    baker_id: BakerOfPath,
    cycle: CycleNumber,
    body: HeldDecisionBody,
    services: Services,
    caller: CallerOf,
) -> Decided:
    """Never pay held payouts, because they were settled otherwise, say; 404 when none is held."""
    count = await decisions.drop(
        services.workshop.payer,
        CycleOf(baker_id, cycle, body.kind),
        owed_to=body.owed_to,
        actor=caller.actor,
        why=body.why,
    )
    return Decided(cycle=cycle, kind=body.kind, payouts=count)
