"""How a cycle was planned: by which rules, and who is not paid. To read."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from bakehouse.desk import plan_reading
from bakehouse.desk.decisions import CycleOf
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import Mode
from bakehouse.rewards.eligibility import ExclusionReason
from bakehouse.rewards.payout_rules import ExcludedShare
from bakehouse.web.api.cycles import DistributionQuery
from bakehouse.web.api.fields import (
    EXAMPLE_RECIPIENT,
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
    prefix="/api/bakers/{baker_id}/cycles/{cycle}",
    tags=["cycles"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)


class PlanRulesView(BaseModel):
    """By what a plan was made, as it was kept with it."""

    rules: Annotated[
        dict[str, Any] | None,
        Field(
            description="Every rule by its name, amounts as strings of mutez; null for the bond "
            "pool, and for plans older than that."
        ),
    ]
    expected_fee: Annotated[
        str | None,
        Field(description="Of a plain transfer, in mutez; 0 if nothing depends on it."),
    ]
    expected_burn: Annotated[
        str | None, Field(description="Of a transfer to a new account, in mutez; likewise.")
    ]


class ExclusionView(BaseModel):
    """A delegator who is not paid, and why."""

    owed_to: Annotated[str, Field(examples=[EXAMPLE_RECIPIENT])]
    delegated_balance: MutezText
    gross: Annotated[
        str, Field(description="Its share, which goes elsewhere, in mutez.", examples=["28056"])
    ]
    reason: ExclusionReason
    share_goes_to: ExcludedShare


class ExclusionSumView(BaseModel):
    """How many are excluded for one reason, and what their shares add up to."""

    reason: ExclusionReason
    share_goes_to: ExcludedShare
    count: Annotated[int, Field(examples=[12])]
    gross: MutezText


class ExclusionList(BaseModel):
    """A page of whom a plan excludes, the largest balance first, with the sums of all."""

    exclusions: list[ExclusionView]
    sums: list[ExclusionSumView]
    next_offset: NextOffset


class ExclusionQuery(PageQuery):
    """Whose exclusions are wanted."""

    mode: Mode = Mode.ON


@router.get("/rules", summary="The rules of a cycle's plan")
async def get_plan_rules(
    baker_id: BakerOfPath,
    cycle: CycleNumber,
    services: Services,
    wanted: Annotated[DistributionQuery, Query()],
) -> PlanRulesView:
    """Give the rules by which a cycle was planned, whatever is set now."""
    which = CycleOf(baker_id, cycle, wanted.kind, wanted.mode)
    found = await plan_reading.plan_rules(services.workshop.payer.ledger, which)
    costs = found.expected_costs
    return PlanRulesView(
        rules=None if found.rules is None else dict(found.rules),
        expected_fee=None if costs is None else str(costs.fee),
        expected_burn=None if costs is None else str(costs.burn),
    )


@router.get("/exclusions", summary="Who is not paid")
async def list_exclusions(
    baker_id: BakerOfPath,
    cycle: CycleNumber,
    services: Services,
    wanted: Annotated[ExclusionQuery, Query()],
) -> ExclusionList:
    """List the delegators whom a cycle's plan excludes: why, and where their shares went."""
    which = CycleOf(baker_id, cycle, mode=wanted.mode)
    found = await plan_reading.list_excluded(services.workshop.payer.ledger, which, wanted.part)
    return ExclusionList(
        exclusions=[
            ExclusionView(
                owed_to=each.recipient,
                delegated_balance=str(each.delegated_balance),
                gross=str(each.gross),
                reason=each.reason,
                share_goes_to=each.share_goes_to,
            )
            for each in found.page.rows
        ],
        sums=[
            ExclusionSumView(
                reason=each.reason,
                share_goes_to=each.share_goes_to,
                count=each.count,
                gross=str(each.gross),
            )
            for each in found.sums
        ],
        next_offset=found.page.next_offset,
    )
