"""Simulations: what a cycle would pay, by the baker's rules or by others, kept under a hash."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from bakehouse.desk import simulation
from bakehouse.desk.changes import Change, ChangeKind
from bakehouse.desk.simulation import Simulation
from bakehouse.ledger.page import Page, Slice
from bakehouse.ledger.roles import Role
from bakehouse.ledger.simulations import SimulationHead
from bakehouse.ledger.states import Mode
from bakehouse.payments.what_if import OtherRules
from bakehouse.web.api.fields import (
    EXAMPLE_RECIPIENT,
    EXAMPLE_SHA256,
    EXAMPLE_TIME,
    BakerOfPath,
    Body,
    FeeSent,
    MutezSent,
    MutezText,
    NextOffset,
    PageQuery,
)
from bakehouse.web.api.security import EXAMPLE_BAKER, TOKEN
from bakehouse.web.caller import CallerOf
from bakehouse.web.cycle_records import CYCLE_MAX
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api/bakers/{baker_id}/simulations",
    tags=["simulations"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)

_MAKING: Final = refusals(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE)

Sha256OfPath = Annotated[
    str,
    Path(
        pattern="^[0-9a-f]{64}$",
        description="The hash of the simulation's document.",
        examples=[EXAMPLE_SHA256],
    ),
]


class SimulationBody(Body):
    """What to work out; rules that are left out are the baker's own."""

    cycle: Annotated[
        int | None,
        Field(
            ge=0,
            le=CYCLE_MAX,
            description="By default the newest that is over.",
            examples=[750],
        ),
    ] = None
    default_fee_basis_points: FeeSent | None = None
    minimum_payout: MutezSent | None = None


class SimulationHeadView(BaseModel):
    """A simulation that is kept, and who had it made first."""

    sha256: Annotated[str, Field(examples=[EXAMPLE_SHA256])]
    baker_id: Annotated[str, Field(examples=[EXAMPLE_BAKER])]
    cycle: Annotated[int, Field(examples=[750])]
    made_by: Annotated[str, Field(examples=["user:anna"])]
    made_at: Annotated[datetime, Field(examples=[EXAMPLE_TIME])]


class SimulationList(BaseModel):
    """A page of simulations, newest first."""

    simulations: list[SimulationHeadView]
    next_offset: NextOffset


class ChangeCounts(BaseModel):
    """How many recipients changed in which way against the cycle compared with."""

    new: Annotated[int, Field(examples=[2])]
    left: Annotated[int, Field(examples=[1])]
    changed: Annotated[int, Field(examples=[140])]
    same: Annotated[int, Field(examples=[7])]


class SimulationView(SimulationHeadView):
    """What would be paid, in sums; recipients and changes are read by page."""

    network: Annotated[str, Field(examples=["NetXdQprcVkpaWU"])]
    mode: Mode
    is_final: Annotated[
        bool, Field(description="False while the cycle runs: the plan will still change.")
    ]
    default_fee_basis_points: Annotated[int, Field(examples=[1000])]
    minimum_payout: MutezText
    share_block_fees: bool
    pool: MutezText
    own_part: MutezText
    total_fees: MutezText
    dust: MutezText
    baker_share: MutezText
    total_net: MutezText
    total_due_now: Annotated[
        str,
        Field(description="In mutez, amounts carried from before included.", examples=["150000"]),
    ]
    zero_payouts: Annotated[int, Field(examples=[3])]
    payouts: Annotated[int, Field(description="How many recipients there are.", examples=[150])]
    over_payout_cap: Annotated[
        list[str], Field(description="Who would be held for getting too much.")
    ]
    is_over_cycle_cap: bool
    compared_with: Annotated[
        int | None, Field(description="The cycle compared with, if any.", examples=[749])
    ]
    changes: ChangeCounts
    difference: Annotated[
        str, Field(description="Of all together, in mutez; may be negative.", examples=["-1200"])
    ]


class SimulatedPayoutView(BaseModel):
    """What one recipient would get, and why."""

    owed_to: Annotated[str, Field(examples=[EXAMPLE_RECIPIENT])]
    delegated_balance: MutezText
    gross: MutezText
    fee_basis_points: Annotated[int, Field(examples=[995])]
    fee: MutezText
    net: MutezText
    carried_in: MutezText
    is_carried: Annotated[bool, Field(description="Still below the minimum: nothing is paid now.")]
    due: MutezText


class SimulatedPayoutList(BaseModel):
    """A page of what would be paid."""

    payouts: list[SimulatedPayoutView]
    next_offset: NextOffset


class ChangeView(BaseModel):
    """One recipient, against the cycle compared with."""

    owed_to: Annotated[str, Field(examples=[EXAMPLE_RECIPIENT])]
    kind: ChangeKind
    before: MutezText
    now: MutezText
    difference: Annotated[str, Field(description="In mutez; may be negative.", examples=["-1200"])]
    per_mille: Annotated[
        int | None,
        Field(description="Of what it was, in parts per thousand.", examples=[-12]),
    ]


class ChangeList(BaseModel):
    """A page of changes, the largest first."""

    changes: list[ChangeView]
    next_offset: NextOffset


class ChangeQuery(PageQuery):
    """Which changes are wanted."""

    kind: Annotated[ChangeKind | None, Field(description="Only these.")] = None


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Simulate a cycle",
    dependencies=[needs(Role.OPERATOR)],
    responses=_MAKING,
)
async def simulate(
    baker_id: BakerOfPath, body: SimulationBody, services: Services, caller: CallerOf
) -> SimulationView:
    """Work out what a cycle would pay and keep it; no payout is entered by this.

    The same rules and rewards give the same document and hash, however often they are asked for.
    The newest 50 of a baker are kept.
    """
    made = await simulation.simulate(
        services.workshop.payer,
        baker_id,
        body.cycle,
        OtherRules(body.default_fee_basis_points, body.minimum_payout),
        actor=caller.actor,
    )
    return _simulation(made)


@router.get("", summary="Simulations of a baker")
async def list_simulations(
    baker_id: BakerOfPath, services: Services, wanted: Annotated[PageQuery, Query()]
) -> SimulationList:
    """List the simulations that are kept."""
    page = await simulation.list_simulations(services.workshop.payer.ledger, baker_id, wanted.part)
    return SimulationList(
        simulations=[SimulationHeadView(**_head(each)) for each in page.rows],
        next_offset=page.next_offset,
    )


@router.get("/{sha256}", summary="One simulation")
async def get_simulation(
    baker_id: BakerOfPath, sha256: Sha256OfPath, services: Services
) -> SimulationView:
    """Give a simulation's sums; under its hash it never changes."""
    return _simulation(await _stored(services, baker_id, sha256))


@router.get("/{sha256}/payouts", summary="What would be paid")
async def list_simulated_payouts(
    baker_id: BakerOfPath,
    sha256: Sha256OfPath,
    services: Services,
    wanted: Annotated[PageQuery, Query()],
) -> SimulatedPayoutList:
    """List what each recipient would get, and why."""
    found = await _stored(services, baker_id, sha256)
    page = _cut(found.document["payouts"], wanted.part)
    return SimulatedPayoutList(
        payouts=[SimulatedPayoutView(**each) for each in page.rows], next_offset=page.next_offset
    )


@router.get("/{sha256}/changes", summary="What would change")
async def list_changes(
    baker_id: BakerOfPath,
    sha256: Sha256OfPath,
    services: Services,
    wanted: Annotated[ChangeQuery, Query()],
) -> ChangeList:
    """List what changes for each recipient against the last cycle that was planned."""
    found = await _stored(services, baker_id, sha256)
    fitting = [each for each in found.changes if wanted.kind in {None, each.kind}]
    page = _cut(fitting, wanted.part)
    return ChangeList(changes=[_change(each) for each in page.rows], next_offset=page.next_offset)


async def _stored(services: Services, baker_id: str, sha256: str) -> Simulation:
    return await simulation.get_simulation(services.workshop.payer.ledger, baker_id, sha256)


def _cut(rows: list[Any], part: Slice) -> Page[Any]:
    return Page.of(rows[part.offset : part.offset + part.limit_and_one], part)


def _head(head: SimulationHead) -> dict[str, Any]:
    return {
        "sha256": head.sha256,
        "baker_id": head.baker_id,
        "cycle": head.cycle,
        "made_by": head.made_by,
        "made_at": head.made_at,
    }


def _simulation(made: Simulation) -> SimulationView:
    document, rules = made.document, made.document["rules"]
    same = {name: document[name] for name in _SAME}
    return SimulationView(
        **_head(made.head),
        **same,
        default_fee_basis_points=rules["default_fee_basis_points"],
        minimum_payout=rules["minimum_payout"],
        share_block_fees=rules["share_block_fees"],
        payouts=len(document["payouts"]),
        changes=ChangeCounts(**{kind.value: made.summary.counts[kind] for kind in ChangeKind}),
        difference=str(made.summary.difference),
    )


#: Fields that are told as the document has them.
_SAME: Final = (
    "network",
    "mode",
    "is_final",
    "pool",
    "own_part",
    "total_fees",
    "dust",
    "baker_share",
    "total_net",
    "total_due_now",
    "zero_payouts",
    "over_payout_cap",
    "is_over_cycle_cap",
    "compared_with",
)


def _change(change: Change) -> ChangeView:
    return ChangeView(
        owed_to=change.owed_to,
        kind=change.kind,
        before=str(change.before),
        now=str(change.now),
        difference=str(change.difference),
        per_mille=change.per_mille,
    )
