"""A baker's cycles, with what each paid. To read; amounts are strings of mutez."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from bakehouse.desk import approval, reading
from bakehouse.desk.decisions import CycleOf
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode
from bakehouse.web.api.fields import (
    EXAMPLE_SHA256,
    EXAMPLE_TIME,
    BakerOfPath,
    Body,
    MutezText,
    NextOffset,
    PageQuery,
)
from bakehouse.web.api.security import TOKEN
from bakehouse.web.api.views import (
    OperationView,
    PayoutView,
    operation_view,
    payout_view,
)
from bakehouse.web.cycle_records import CycleNumber, Wanted, read_cycle
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api/bakers/{baker_id}/cycles",
    tags=["cycles"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)


class CycleView(BaseModel):
    """One cycle's payment, to delegators or to the bond pool, live or simulated."""

    cycle: Annotated[int, Field(examples=[750])]
    kind: DistributionKind
    mode: Mode
    state: DistributionState
    message: Annotated[
        str | None, Field(description="Why it failed.", examples=["cycle-cap: more than the cap"])
    ]
    pool: MutezText
    own_part: MutezText
    total_fees: MutezText
    total_net: MutezText
    dust: MutezText
    excluded_kept: Annotated[
        str,
        Field(
            description="In mutez: shares of excluded delegators that the baker keeps.",
            examples=["0"],
        ),
    ]
    zero_payouts: Annotated[
        int, Field(description="Delegators whose share came to nothing.", examples=[3])
    ]
    snapshot_sha256: Annotated[
        str | None,
        Field(
            description="Hash of what the plan was computed from; none is planned.",
            examples=[EXAMPLE_SHA256],
        ),
    ]
    created_at: Annotated[datetime, Field(examples=[EXAMPLE_TIME])]
    updated_at: Annotated[datetime, Field(examples=[EXAMPLE_TIME])]


class CycleList(BaseModel):
    """A page of a baker's cycles, newest first."""

    cycles: list[CycleView]
    next_offset: NextOffset


class CycleDetail(BaseModel):
    """A cycle's payment, how far it has come, and the hash by which its plan is approved."""

    distribution: CycleView
    paid: Annotated[int, Field(description="Payouts that are paid.", examples=[120])]
    total: Annotated[int, Field(description="Payouts that it pays in all.", examples=[150])]
    paid_mutez: MutezText
    approved_at: Annotated[
        datetime | None,
        Field(description="When a person let it go, if that was needed.", examples=[EXAMPLE_TIME]),
    ]
    verified_at: Annotated[
        datetime | None,
        Field(description="When the chain was read again after paying.", examples=[EXAMPLE_TIME]),
    ]
    plan_sha256: Annotated[
        str | None,
        Field(description="What `approve` wants; none is planned.", examples=[EXAMPLE_SHA256]),
    ]


class CycleQuery(PageQuery):
    """Which cycles are wanted."""

    limit: Annotated[int, Field(ge=1, le=500, description="Rows at most.")] = 50
    mode: Annotated[Mode | None, Field(description="Only this mode.")] = None


class DistributionQuery(Body):
    """Which payment of a cycle is wanted."""

    kind: DistributionKind = DistributionKind.DELEGATORS
    mode: Mode = Mode.ON


class PayoutQuery(PageQuery):
    """Which payouts of a cycle are wanted."""

    kind: DistributionKind = DistributionKind.DELEGATORS
    mode: Mode = Mode.ON
    limit: Annotated[int, Field(ge=1, le=1000, description="Rows at most.")] = 500


class PayoutList(BaseModel):
    """A page of a cycle's payouts, largest first, and the cycle's operations."""

    payouts: list[PayoutView]
    operations: list[OperationView]
    next_offset: NextOffset


@router.get("", summary="A baker's cycles")
async def list_cycles(
    baker_id: BakerOfPath, services: Services, wanted: Annotated[CycleQuery, Query()]
) -> CycleList:
    """List the newest cycles with their states and sums."""
    page = await reading.list_cycles(
        services.workshop.payer.ledger, baker_id, wanted.part, mode=wanted.mode
    )
    return CycleList(cycles=[_cycle(each) for each in page.rows], next_offset=page.next_offset)


@router.get("/{cycle}", summary="One cycle")
async def get_cycle(
    baker_id: BakerOfPath,
    cycle: CycleNumber,
    services: Services,
    wanted: Annotated[DistributionQuery, Query()],
) -> CycleDetail:
    """Give one payment of a cycle, with its progress and the hash of its plan."""
    ledger = services.workshop.payer.ledger
    which = CycleOf(baker_id, cycle, wanted.kind, wanted.mode)
    found = await reading.get_cycle(ledger, which)
    distribution = found.distribution
    async with ledger.read() as tx:
        is_planned = distribution.is_planned
        sha256 = await approval.plan_sha256(tx, distribution) if is_planned else None
    return CycleDetail(
        distribution=_cycle(distribution),
        paid=found.paid,
        total=found.total,
        paid_mutez=str(found.paid_mutez),
        approved_at=distribution.approved_at,
        verified_at=distribution.verified_at,
        plan_sha256=sha256,
    )


@router.get("/{cycle}/payouts", summary="A cycle's payouts")
async def list_payouts(
    baker_id: BakerOfPath,
    cycle: CycleNumber,
    services: Services,
    wanted: Annotated[PayoutQuery, Query()],
) -> PayoutList:
    """List a cycle's payouts with what became of each, and the operations that pay them."""
    records = await read_cycle(
        services.workshop.payer.ledger,
        Wanted(baker_id, cycle, wanted.kind, wanted.mode, wanted.part),
    )
    return PayoutList(
        payouts=[payout_view(payout, operation) for payout, operation in records.payouts.rows],
        operations=[operation_view(signed, sums) for signed, sums in records.operations],
        next_offset=records.payouts.next_offset,
    )


def _cycle(distribution: Distribution) -> CycleView:
    key, figures = distribution.key, distribution.figures
    return CycleView(
        cycle=key.cycle,
        kind=key.kind,
        mode=key.mode,
        state=distribution.state,
        message=distribution.message,
        pool=str(figures.pool),
        own_part=str(figures.own_part),
        total_fees=str(figures.total_fees),
        total_net=str(figures.total_net),
        dust=str(figures.dust),
        excluded_kept=str(figures.excluded_kept),
        zero_payouts=figures.zero_payouts,
        snapshot_sha256=distribution.snapshot_sha256,
        created_at=distribution.created_at,
        updated_at=distribution.updated_at,
    )
