"""What a payout wallet lacks, and its address as a QR code. To read."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from bakehouse.desk.funding import funding
from bakehouse.ledger.roles import Role
from bakehouse.tezos.address import Address
from bakehouse.tezos.qr import qr_svg
from bakehouse.web.api.fields import EXAMPLE_TIME, BakerOfPath, MutezText
from bakehouse.web.api.security import EXAMPLE_BAKER, TOKEN
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api/bakers/{baker_id}",
    tags=["by hand"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)


class FundingView(BaseModel):
    """A payout wallet, what it should hold and what is missing."""

    address: Annotated[str, Field(examples=[EXAMPLE_BAKER])]
    balance: Annotated[
        str | None, Field(description="In mutez, as read last.", examples=["28056046"])
    ]
    read_at: Annotated[datetime | None, Field(examples=[EXAMPLE_TIME])]
    wanted: MutezText
    missing: Annotated[
        str | None,
        Field(description="In mutez; null while the balance is not known.", examples=["0"]),
    ]
    qr_svg: Annotated[str, Field(description="The address as a QR code.", examples=["<svg/>"])]


@router.get("/funding", summary="What the wallet lacks")
async def get_funding(baker_id: BakerOfPath, services: Services) -> FundingView:
    """Tell the payout address, what should be sent to it, and give the address as a QR code."""
    found = await funding(services.workshop, baker_id)
    known = found.balance
    return FundingView(
        address=found.baker.payout_address,
        balance=None if known is None else str(known.balance),
        read_at=None if known is None else datetime.fromisoformat(known.at),
        wanted=str(found.wanted),
        missing=None if found.missing is None else str(found.missing),
        qr_svg=qr_svg(Address(found.baker.payout_address)),
    )
