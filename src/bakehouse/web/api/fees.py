"""Fees of single delegators: to read, to set, to remove, to import."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from bakehouse.desk import fees
from bakehouse.desk.address_history import AddressChange
from bakehouse.desk.address_table import Import
from bakehouse.ledger.roles import Role
from bakehouse.web.api.etag import NOT_MODIFIED, tagged
from bakehouse.web.api.fields import (
    EXAMPLE_RECIPIENT,
    EXAMPLE_TIME,
    BakerOfPath,
    Body,
    FeeSent,
    NextOffset,
    OptionalWhy,
    PageQuery,
)
from bakehouse.web.api.security import TOKEN
from bakehouse.web.caller import CallerOf
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api/bakers/{baker_id}/fees",
    tags=["fees"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)

_CHANGING: Final = refusals(HTTPStatus.FORBIDDEN)

Delegator = Annotated[
    str, Path(description="The delegator's address.", max_length=64, examples=[EXAMPLE_RECIPIENT])
]


class FeeView(BaseModel):
    """The fee of one delegator."""

    address: Annotated[str, Field(examples=[EXAMPLE_RECIPIENT])]
    fee_basis_points: Annotated[int, Field(examples=[995])]


class FeePage(BaseModel):
    """A page of fees by address; everybody who is not listed pays the default."""

    default_fee_basis_points: Annotated[int, Field(examples=[1000])]
    fees: list[FeeView]
    count: Annotated[int, Field(description="How many fit the search.", examples=[12])]
    next_offset: NextOffset


class FeeQuery(PageQuery):
    """Which fees are wanted."""

    search: Annotated[
        str,
        Field(max_length=64, description="Part of an address.", examples=[EXAMPLE_RECIPIENT[:8]]),
    ] = ""


class FeeBody(Body):
    """The fee to set."""

    fee_basis_points: FeeSent
    why: OptionalWhy = None


class FeeImportBody(Body):
    """Fees as CSV lines `address,percent`, or as one JSON object address → percent."""

    how: Annotated[
        Import, Field(description="Whether fees that are not named go, or stay as they are.")
    ]
    text: Annotated[str, Field(examples=[f"address,percent\n{EXAMPLE_RECIPIENT},9.95\n"])]
    why: OptionalWhy = None


class Imported(BaseModel):
    """How many were taken in."""

    count: Annotated[int, Field(examples=[12])]


class FeeRemoved(BaseModel):
    """What was done."""

    removed: bool


class FeeChangeView(BaseModel):
    """One change of fees, as the audit trail has it."""

    id: Annotated[int, Field(examples=[17])]
    at: Annotated[datetime, Field(examples=[EXAMPLE_TIME])]
    actor: Annotated[str, Field(examples=["user:anna"])]
    action: Annotated[str, Field(examples=["fees.changed"])]
    why: Annotated[str | None, Field(examples=["agreed with them on Monday"])]
    before: Annotated[
        dict[str, int] | None,
        Field(description="Basis points by address; null when all were replaced."),
    ]
    after: Annotated[dict[str, int], Field(description="Basis points by address.")]


class FeeHistoryPage(BaseModel):
    """Changes of fees, newest first."""

    changes: list[FeeChangeView]
    next_before: Annotated[
        int | None, Field(description="The `before` of the next page, if any.", examples=[17])
    ]


class WhyQuery(Body):
    """Why something is removed."""

    why: OptionalWhy = None


class HistoryQuery(Body):
    """Which changes are wanted."""

    before: Annotated[int | None, Field(ge=1, le=2**63 - 1, examples=[17])] = None
    limit: Annotated[int, Field(ge=1, le=100, description="Changes at most.")] = 20


@router.get("", summary="Fees of delegators", response_model=FeePage, responses=NOT_MODIFIED)
async def list_fees(
    request: Request,
    baker_id: BakerOfPath,
    services: Services,
    wanted: Annotated[FeeQuery, Query()],
) -> Response:
    """List the delegators with a fee of their own, with an ETag."""
    found = await fees.list_fees(
        services.workshop.payer.ledger, baker_id, wanted.part, search=wanted.search
    )
    view = FeePage(
        default_fee_basis_points=found.default_fee,
        fees=[FeeView(address=each.address, fee_basis_points=each.fee) for each in found.page.rows],
        count=found.count,
        next_offset=found.page.next_offset,
    )
    return tagged(request, view)


@router.get("/history", summary="How fees changed")
async def list_fee_changes(
    baker_id: BakerOfPath, services: Services, wanted: Annotated[HistoryQuery, Query()]
) -> FeeHistoryPage:
    """List who changed which fees and when."""
    found = await fees.history(
        services.workshop.payer.ledger, baker_id, limit=wanted.limit, before=wanted.before
    )
    return FeeHistoryPage(
        changes=[_change(each) for each in found.changes], next_before=found.next_before
    )


@router.post(
    "/import",
    summary="Import fees",
    dependencies=[needs(Role.ADMINISTRATOR)],
    responses=_CHANGING,
)
async def import_fees(
    baker_id: BakerOfPath, body: FeeImportBody, services: Services, caller: CallerOf
) -> Imported:
    """Take in many fees, all of them or none; a mistake is named by its line.

    Importing the same again changes nothing further. Up to 4 MiB are read.
    """
    count = await fees.import_fees(
        services.workshop.payer, baker_id, body.text, body.how, actor=caller.actor, why=body.why
    )
    return Imported(count=count)


@router.put(
    "/{address}",
    summary="Set a fee",
    dependencies=[needs(Role.ADMINISTRATOR)],
    responses=_CHANGING,
)
async def set_fee(
    baker_id: BakerOfPath,
    address: Delegator,
    body: FeeBody,
    services: Services,
    caller: CallerOf,
) -> FeeView:
    """Set the fee of one delegator; setting it again changes nothing further."""
    stored = await fees.set_fee(
        services.workshop.payer,
        baker_id,
        address,
        body.fee_basis_points,
        actor=caller.actor,
        why=body.why,
    )
    return FeeView(address=stored.address, fee_basis_points=stored.fee)


@router.delete(
    "/{address}",
    summary="Remove a fee",
    dependencies=[needs(Role.ADMINISTRATOR)],
    responses=_CHANGING,
)
async def remove_fee(
    baker_id: BakerOfPath,
    address: Delegator,
    services: Services,
    caller: CallerOf,
    wanted: Annotated[WhyQuery, Query()],
) -> FeeRemoved:
    """Have a delegator pay the default fee again; 404 when it does already."""
    payer = services.workshop.payer
    await fees.remove_fee(payer, baker_id, address, actor=caller.actor, why=wanted.why)
    return FeeRemoved(removed=True)


def _change(change: AddressChange) -> FeeChangeView:
    return FeeChangeView(
        id=change.id,
        at=change.at,
        actor=change.actor,
        action=change.action,
        why=change.why,
        before=None if change.before is None else dict(change.before),
        after=dict(change.after),
    )
