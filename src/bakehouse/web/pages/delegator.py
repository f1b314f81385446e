"""One delegator (or bond-pool member) of a baker: owed, paid, carried, cycle by cycle."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from bakehouse.ledger import bakers, delegator_fees, delegator_rules
from bakehouse.ledger.roles import Role
from bakehouse.tezos.address import parse_implicit, parse_recipient
from bakehouse.web.pages.person import PersonQuery, read_person
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.pages.rule_words import words_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services

router: Final = APIRouter(include_in_schema=False, dependencies=[needs(Role.VIEWER)])


@router.get("/bakers/{baker_id}/delegators/{address}")
async def delegator_page(
    request: Request,
    services: Services,
    baker_id: str,
    address: str,
    query: Annotated[PersonQuery, Query()],
) -> HTMLResponse:
    """Show what an address is owed by a baker, whether or not it delegates now."""
    baker_id, address = parse_implicit(baker_id), parse_recipient(address)
    async with services.workshop.payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
        view = await read_person(tx, baker, address, query.offset)
        own_fee = await delegator_fees.find(tx, baker_id, address)
        rule = await delegator_rules.find(tx, baker_id, address)
    return renderer_of(request).page(
        request,
        "delegator.html",
        baker=baker,
        view=view,
        own_fee=own_fee,
        rule=words_of(rule) if rule else [],
        path_of_page=f"/bakers/{baker_id}/delegators/{address}?offset=",
    )
