"""The members of a baker's bond pool: to read and to replace."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from bakehouse.desk import bond_pool
from bakehouse.desk.bond_pool import PoolMember
from bakehouse.ledger.roles import Role
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.web.api.etag import NOT_MODIFIED, tagged
from bakehouse.web.api.fields import (
    EXAMPLE_RECIPIENT,
    BakerOfPath,
    Body,
    FeeSent,
    MutezSent,
    MutezText,
    OptionalWhy,
    RecipientSent,
)
from bakehouse.web.api.security import TOKEN
from bakehouse.web.caller import CallerOf
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services, WebServices

router = APIRouter(
    prefix="/api/bakers/{baker_id}/bond-pool",
    tags=["bond pool"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)

_CHANGING: Final = refusals(HTTPStatus.FORBIDDEN)


class MemberView(BaseModel):
    """A member of the bond pool."""

    address: Annotated[str, Field(examples=[EXAMPLE_RECIPIENT])]
    name: Annotated[str, Field(examples=["Anna"])]
    amount: MutezText
    share_basis_points: Annotated[
        int, Field(description="Of all bonds; they add up to 10000.", examples=[2500])
    ]
    adm_charge_basis_points: Annotated[
        int, Field(description="What the manager takes of its share.", examples=[500])
    ]
    is_manager: bool


class MemberList(BaseModel):
    """The members, ordered by address."""

    members: list[MemberView]


class MemberBody(Body):
    """A member to be."""

    address: RecipientSent
    name: Annotated[str, Field(max_length=100, examples=["Anna"])] = ""
    amount: MutezSent
    adm_charge_basis_points: FeeSent
    is_manager: bool = False


class MembersBody(Body):
    """All members of the pool; exactly one of them manages it, or there are none."""

    members: Annotated[list[MemberBody], Field(max_length=1000)]
    why: OptionalWhy = None


class MemberImportBody(Body):
    """Members as CSV: bonds in tez, charges in percent, the first line naming the columns."""

    text: Annotated[
        str,
        Field(
            examples=[
                f"address,amount,adm_charge,is_manager,name\n{EXAMPLE_RECIPIENT},5000,0,yes,Anna\n"
            ]
        ),
    ]
    why: OptionalWhy = None


@router.get(
    "", summary="Members of the bond pool", response_model=MemberList, responses=NOT_MODIFIED
)
async def list_members(request: Request, baker_id: BakerOfPath, services: Services) -> Response:
    """List the members with their shares, with an ETag."""
    return tagged(request, await _members(services, baker_id))


@router.put(
    "",
    summary="Replace the members",
    dependencies=[needs(Role.ADMINISTRATOR)],
    responses=_CHANGING,
)
async def replace_members(
    baker_id: BakerOfPath, body: MembersBody, services: Services, caller: CallerOf
) -> MemberList:
    """Set the members to exactly these; sending them again changes nothing further."""
    members = [
        BondPoolMember(
            address=each.address,
            amount=each.amount,
            adm_charge=each.adm_charge_basis_points,
            is_manager=each.is_manager,
            name=each.name,
        )
        for each in body.members
    ]
    payer = services.workshop.payer
    await bond_pool.replace_members(payer, baker_id, members, actor=caller.actor, why=body.why)
    return await _members(services, baker_id)


@router.post(
    "/import",
    summary="Import members",
    dependencies=[needs(Role.ADMINISTRATOR)],
    responses=_CHANGING,
)
async def import_members(
    baker_id: BakerOfPath, body: MemberImportBody, services: Services, caller: CallerOf
) -> MemberList:
    """Set the members to those of a CSV text, all or none; a mistake is named by its line."""
    payer = services.workshop.payer
    await bond_pool.import_members(payer, baker_id, body.text, actor=caller.actor, why=body.why)
    return await _members(services, baker_id)


async def _members(services: WebServices, baker_id: str) -> MemberList:
    found = await bond_pool.list_members(services.workshop.payer.ledger, baker_id)
    return MemberList(members=[_member(each) for each in found])


def _member(found: PoolMember) -> MemberView:
    member = found.member
    return MemberView(
        address=member.address,
        name=member.name,
        amount=str(member.amount),
        share_basis_points=found.share,
        adm_charge_basis_points=member.adm_charge,
        is_manager=member.is_manager,
    )
