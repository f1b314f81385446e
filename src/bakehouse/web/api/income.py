"""Where a baker's income goes: to read and to replace."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from bakehouse.desk import income
from bakehouse.ledger.roles import Role
from bakehouse.rewards.money import NO_SHARE
from bakehouse.rewards.payout_rules import IncomeShare
from bakehouse.web.api.etag import NOT_MODIFIED, tagged
from bakehouse.web.api.fields import (
    EXAMPLE_RECIPIENT,
    BakerOfPath,
    Body,
    FeeSent,
    OptionalWhy,
    RecipientSent,
)
from bakehouse.web.api.security import TOKEN
from bakehouse.web.caller import CallerOf
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services, WebServices

router = APIRouter(
    prefix="/api/bakers/{baker_id}/income",
    tags=["income"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)


class IncomeShareView(BaseModel):
    """What one address has of a baker's income, in basis points."""

    address: Annotated[str, Field(examples=[EXAMPLE_RECIPIENT])]
    of_bonds_basis_points: Annotated[
        int, Field(description="Of the baker's own part.", examples=[2500])
    ]
    of_fees_basis_points: Annotated[int, Field(description="Of all fees.", examples=[2500])]
    of_excluded_basis_points: Annotated[
        int, Field(description="Of excluded shares that go to named addresses.", examples=[10000])
    ]


class IncomeView(BaseModel):
    """Every share, ordered by address; what is left of each stays with the baker."""

    shares: list[IncomeShareView]


class IncomeShareBody(Body):
    """A share to be; at least one of the three is more than 0."""

    address: RecipientSent
    of_bonds_basis_points: FeeSent = NO_SHARE
    of_fees_basis_points: FeeSent = NO_SHARE
    of_excluded_basis_points: FeeSent = NO_SHARE


class IncomeBody(Body):
    """All shares; of each part they are 100 % at most together."""

    shares: Annotated[list[IncomeShareBody], Field(max_length=400)]
    why: OptionalWhy = None


@router.get("", summary="Where the income goes", response_model=IncomeView, responses=NOT_MODIFIED)
async def list_income(request: Request, baker_id: BakerOfPath, services: Services) -> Response:
    """List who has which share of the baker's own part, fees and excluded shares, with an ETag."""
    return tagged(request, await _income(services, baker_id))


@router.put(
    "",
    summary="Replace the income shares",
    dependencies=[needs(Role.ADMINISTRATOR)],
    responses=refusals(HTTPStatus.FORBIDDEN),
)
async def replace_income(
    baker_id: BakerOfPath, body: IncomeBody, services: Services, caller: CallerOf
) -> IncomeView:
    """Set the shares to exactly these; sending them again changes nothing further."""
    shares = [
        IncomeShare(
            each.address,
            of_bonds=each.of_bonds_basis_points,
            of_fees=each.of_fees_basis_points,
            of_excluded=each.of_excluded_basis_points,
        )
        for each in body.shares
    ]
    payer = services.workshop.payer
    await income.replace_income(payer, baker_id, shares, actor=caller.actor, why=body.why)
    return await _income(services, baker_id)


async def _income(services: WebServices, baker_id: str) -> IncomeView:
    found = await income.list_income(services.workshop.payer.ledger, baker_id)
    return IncomeView(
        shares=[
            IncomeShareView(
                address=share.address,
                of_bonds_basis_points=share.of_bonds,
                of_fees_basis_points=share.of_fees,
                of_excluded_basis_points=share.of_excluded,
            )
            for share in found.shares
        ]
    )
