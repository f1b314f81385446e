"""Bakers, their cycles and payouts, to read. Amounts are strings of mutez."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from bakehouse.ledger import bakers, distributions
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import (
    DistributionKind,
    DistributionState,
    Mode,
    OperationState,
    PayoutState,
)
from bakehouse.tezos.address import parse_implicit
from bakehouse.web.api.security import EXAMPLE_BAKER, TOKEN
from bakehouse.web.caller import CallerOf
from bakehouse.web.cycle_records import (
    OFFSET_MAX,
    CycleNumber,
    OperationRecord,
    PayoutRecord,
    Wanted,
    read_cycle,
)
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api",
    tags=["bakers"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(),
)

_OF_BAKER = refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)

BakerId = Annotated[str, Path(description="The baker's address.", examples=[EXAMPLE_BAKER])]
Mutez = Annotated[str, Field(description="In mutez.", examples=["28056046"])]


class BakerView(BaseModel):
    """A baker and its settings."""

    baker_id: Annotated[str, Field(examples=[EXAMPLE_BAKER])]
    network: Annotated[str, Field(description="Id of the chain.", examples=["NetXdQprcVkpaWU"])]
    alias: str | None
    payout_address: Annotated[str, Field(description="The wallet that pays.")]
    mode: Mode
    default_fee_basis_points: int
    first_cycle: int
    payout_delay_cycles: int
    share_block_fees: bool
    minimum_payout: Mutez
    update_freq: Annotated[int, Field(description="Minutes between two looks at the chain.")]
    payment_retries: int
    minutes_between_retries: int
    num_blocks_wait: Annotated[int, Field(description="Blocks on top that make a block final.")]
    bond_pool_enabled: bool
    scheduled: bool


class BakerList(BaseModel):
    """Every baker registered here."""

    bakers: list[BakerView]


class CycleView(BaseModel):
    """One cycle's payment, to delegators or to the bond pool, live or simulated."""

    cycle: int
    kind: DistributionKind
    mode: Mode
    state: DistributionState
    message: Annotated[str | None, Field(description="Why it failed.")]
    pool: Mutez
    own_part: Mutez
    total_fees: Mutez
    total_net: Mutez
    dust: Mutez
    zero_payouts: Annotated[int, Field(description="Delegators whose share came to nothing.")]
    snapshot_sha256: Annotated[
        str | None, Field(description="Hash of what the plan was computed from; none is planned.")
    ]
    created_at: datetime
    updated_at: datetime


class CycleList(BaseModel):
    """A baker's cycles, newest first."""

    cycles: list[CycleView]


class CycleQuery(BaseModel):
    """How many cycles are wanted."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=500)] = 50


class PayoutQuery(BaseModel):
    """Which payouts of a cycle are wanted."""

    model_config = ConfigDict(extra="forbid")

    kind: DistributionKind = DistributionKind.DELEGATORS
    mode: Mode = Mode.ON
    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 500


class PayoutView(BaseModel):
    """What one recipient is owed for the cycle, and what became of it."""

    owed_to: str
    address: Annotated[str, Field(description="Where it is sent; most often the same.")]
    kind: Annotated[str, Field(examples=["delegator", "bond-member"])]
    delegated_balance: Mutez
    gross: Mutez
    fee_basis_points: int
    fee: Mutez
    net: Mutez
    state: PayoutState
    reason: Annotated[str | None, Field(description="Why it is held.")]
    operation: Annotated[
        str | None, Field(description="Hash of this cycle's operation that pays it, once signed.")
    ]


class OperationView(BaseModel):
    """One operation signed for the cycle."""

    hash: str
    state: OperationState
    level: Annotated[int | None, Field(description="Of the block it is in.")]
    transfers: int
    amount: Mutez
    fee: Mutez
    burn: Mutez


class PayoutList(BaseModel):
    """A page of a cycle's payouts, largest first, and the cycle's operations."""

    payouts: list[PayoutView]
    operations: list[OperationView]
    next_offset: Annotated[int | None, Field(description="Where the next page begins, if any.")]


@router.get("/bakers", summary="All bakers")
async def list_bakers(services: Services, caller: CallerOf) -> BakerList:
    """List the registered bakers with their settings."""
    async with services.workshop.payer.ledger.read() as tx:
        registered = await bakers.everyone(tx)
    return BakerList(bakers=[_baker(each) for each in registered if caller.may_see(each.baker_id)])


@router.get("/bakers/{baker_id}", summary="One baker", responses=_OF_BAKER)
async def get_baker(baker_id: BakerId, services: Services) -> BakerView:
    """Give a baker's settings."""
    async with services.workshop.payer.ledger.read() as tx:
        return _baker(await bakers.get(tx, parse_implicit(baker_id)))


@router.get("/bakers/{baker_id}/cycles", summary="A baker's cycles", responses=_OF_BAKER)
async def list_cycles(
    baker_id: BakerId, services: Services, wanted: Annotated[CycleQuery, Query()]
) -> CycleList:
    """List the newest cycles with their states and sums."""
    async with services.workshop.payer.ledger.read() as tx:
        baker = await bakers.get(tx, parse_implicit(baker_id))
        newest = await distributions.of_baker(tx, baker.baker_id, wanted.limit)
    return CycleList(cycles=[_cycle(each) for each in newest])


@router.get(
    "/bakers/{baker_id}/cycles/{cycle}/payouts",
    summary="A cycle's payouts",
    responses=_OF_BAKER,
)
async def list_payouts(
    baker_id: BakerId,
    cycle: CycleNumber,
    services: Services,
    wanted: Annotated[PayoutQuery, Query()],
) -> PayoutList:
    """List a cycle's payouts with what became of each, and the operations that pay them."""
    records = await read_cycle(
        services.workshop.payer.ledger,
        Wanted(baker_id, cycle, wanted.kind, wanted.mode, wanted.offset, wanted.limit),
    )
    return PayoutList(
        payouts=[_payout(each) for each in records.payouts],
        operations=[_operation(each) for each in records.operations],
        next_offset=records.next_offset,
    )


def _baker(baker: Baker) -> BakerView:
    return BakerView(
        baker_id=baker.baker_id,
        network=baker.network,
        alias=baker.alias,
        payout_address=baker.payout_address,
        mode=baker.mode,
        default_fee_basis_points=baker.default_fee,
        first_cycle=baker.first_cycle,
        payout_delay_cycles=baker.payout_delay_cycles,
        share_block_fees=baker.share_block_fees,
        minimum_payout=str(baker.minimum_payout),
        update_freq=baker.update_freq,
        payment_retries=baker.payment_retries,
        minutes_between_retries=baker.minutes_between_retries,
        num_blocks_wait=baker.num_blocks_wait,
        bond_pool_enabled=baker.bond_pool_enabled,
        scheduled=baker.scheduled,
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
        zero_payouts=figures.zero_payouts,
        snapshot_sha256=distribution.snapshot_sha256,
        created_at=distribution.created_at,
        updated_at=distribution.updated_at,
    )


def _payout(record: PayoutRecord) -> PayoutView:
    payout = record.payout
    return PayoutView(
        owed_to=payout.owed_to,
        address=payout.address,
        kind=payout.kind,
        delegated_balance=str(payout.delegated_balance),
        gross=str(payout.gross),
        fee_basis_points=payout.fee_basis_points,
        fee=str(payout.fee),
        net=str(payout.net),
        state=payout.state,
        reason=payout.reason,
        operation=record.operation_hash,
    )


def _operation(record: OperationRecord) -> OperationView:
    operation, transfers = record.operation, record.transfers
    return OperationView(
        hash=operation.hash,
        state=operation.state,
        level=operation.included_level,
        transfers=transfers.count,
        amount=str(transfers.amount),
        fee=str(operation.total_fee),
        burn=str(transfers.burn),
    )
