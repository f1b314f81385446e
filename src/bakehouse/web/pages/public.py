"""What a baker shows to everybody, if it wants to: last cycles paid, and anybody's own payouts.

Nothing else of the house is shown here, and nothing of a baker that did not ask for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import AddressError, NotFoundError
from bakehouse.ledger import bakers, distributions, operations, payout_sums
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.overview import payout_counts
from bakehouse.ledger.states import (
    DistributionKind,
    DistributionState,
    Mode,
    PayoutState,
)
from bakehouse.rewards.money import NO_MUTEZ, Mutez
from bakehouse.tezos.address import parse_implicit, parse_recipient
from bakehouse.web.pages.person import PersonQuery, PersonView, read_person
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import open_to_all
from bakehouse.web.services import Services

router: Final = APIRouter(include_in_schema=False, dependencies=[open_to_all()])

_CYCLES_SHOWN: Final = 10
#: Enough to find that many among bond pools and simulations.
_LOOKED_THROUGH: Final = 4 * _CYCLES_SHOWN


class PublicQuery(PersonQuery):
    """Whose payouts are looked up."""

    address: Annotated[str, Field(max_length=64)] = ""


@dataclass(frozen=True, slots=True)
class PaidCycle:
    """A cycle that was paid, how many payouts that were, and by which operations."""

    distribution: Distribution
    paid: int
    #: What has arrived, in mutez: of this cycle, and of earlier ones that was carried to it.
    paid_mutez: Mutez
    hashes: Sequence[str]


@router.get("/public/{baker_id}")
async def public_page(
    request: Request, services: Services, baker_id: str, query: Annotated[PublicQuery, Query()]
) -> HTMLResponse:
    """Show what is public of a baker; one that is not public is not there."""
    address, trouble = _address(query.address.strip())
    async with services.workshop.payer.ledger.read() as tx:
        baker = await public_baker(tx, baker_id)
        cycles = await _paid_cycles(tx, baker)
        view: PersonView | None = None
        if address:
            view = await read_person(tx, baker, address, query.offset)
    return renderer_of(request).page(
        request,
        "public.html",
        baker=baker,
        cycles=cycles,
        asked=query.address.strip(),
        trouble=trouble,
        view=view,
        path_of_page=f"/public/{baker.baker_id}?address={address}&offset=",
    )


def _address(asked: str) -> tuple[str, str | None]:
    """Give the address that was asked for, or what is wrong with it."""
    if not asked:
        return "", None
    try:
        return parse_recipient(asked), None
    except AddressError as error:
        return "", error.message


async def public_baker(tx: AsyncConnection, baker_id: str) -> Baker:
    """Give a baker that wants to be looked up; raises NotFoundError for any other."""
    try:
        found = await bakers.find(tx, parse_implicit(baker_id))
    except AddressError:
        found = None
    if found is None or not found.public_page:
        raise NotFoundError("there is no public page at this address")
    return found


async def _paid_cycles(tx: AsyncConnection, baker: Baker) -> list[PaidCycle]:
    newest = await distributions.of_baker(tx, baker.baker_id, _LOOKED_THROUGH)
    paid = [each for each in newest if _is_shown(each)][:_CYCLES_SHOWN]
    ids = [each.id for each in paid]
    counts: Mapping[int, Mapping[PayoutState, int]] = await payout_counts(tx, ids)
    sums = await payout_sums.settled_sums(tx, ids)
    hashes = await operations.final_hashes(tx, ids)
    return [
        PaidCycle(
            each,
            paid=counts.get(each.id, {}).get(PayoutState.PAID, 0),
            paid_mutez=sums.get(each.id, NO_MUTEZ),
            hashes=hashes.get(each.id, []),
        )
        for each in paid
    ]


def _is_shown(distribution: Distribution) -> bool:
    key = distribution.key
    return (
        key.kind is DistributionKind.DELEGATORS
        and key.mode is Mode.ON
        and distribution.state is DistributionState.PAID
    )
