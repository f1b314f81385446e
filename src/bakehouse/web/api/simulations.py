"""Simulations: what a cycle would pay, by the baker's rules or by others, kept under a hash."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query

from bakehouse.desk import simulation
from bakehouse.desk.changes import Change, ChangeKind
from bakehouse.desk.simulation import Simulation
from bakehouse.ledger.page import Page, Slice
from bakehouse.ledger.roles import Role
from bakehouse.ledger.simulations import SimulationHead
from bakehouse.payments.what_if import OtherRules
from bakehouse.web.api.fields import (
    EXAMPLE_SHA256,
    BakerOfPath,
    PageQuery,
)
from bakehouse.web.api.plans import ExclusionView
from bakehouse.web.api.security import TOKEN
from bakehouse.web.api.simulation_models import (
    ChangeCounts,
    ChangeList,
    ChangeQuery,
    ChangeView,
    SimulatedExclusionList,
    SimulatedPayoutList,
    SimulatedPayoutView,
    SimulationBody,
    SimulationHeadView,
    SimulationList,
    SimulationView,
)
from bakehouse.web.caller import CallerOf
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


@router.get("/{sha256}/exclusions", summary="Who would not be paid")
async def list_simulated_exclusions(
    baker_id: BakerOfPath,
    sha256: Sha256OfPath,
    services: Services,
    wanted: Annotated[PageQuery, Query()],
) -> SimulatedExclusionList:
    """List who would be excluded, why, and where their shares would go."""
    found = await _stored(services, baker_id, sha256)
    page = _cut(found.document.get("exclusions", []), wanted.part)
    return SimulatedExclusionList(
        exclusions=[ExclusionView.model_validate(each) for each in page.rows],
        next_offset=page.next_offset,
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
        # Simulations that were kept before these rules were there have none of them.
        excluded_kept=document.get("excluded_kept", "0"),
        hooks_to_ask=document.get("hooks_to_ask", []),
        rules=rules,
        payouts=len(document["payouts"]),
        exclusions=len(document.get("exclusions", ())),
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
