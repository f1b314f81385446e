"""Funding a payout wallet: its address, what is missing, and a QR code for a phone."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from bakehouse.desk.funding import funding
from bakehouse.ledger.roles import Role
from bakehouse.tezos.address import Address, parse_implicit
from bakehouse.tezos.qr import qr_svg
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services

router: Final = APIRouter(include_in_schema=False, dependencies=[needs(Role.VIEWER)])


@router.get("/bakers/{baker_id}/fund")
async def fund_page(request: Request, services: Services, baker_id: str) -> HTMLResponse:
    """Show where funds go, and how much should."""
    found = await funding(services.workshop, parse_implicit(baker_id))
    baker = found.baker
    code = qr_svg(Address(baker.payout_address))
    return renderer_of(request).page(request, "fund.html", baker=baker, funding=found, code=code)
