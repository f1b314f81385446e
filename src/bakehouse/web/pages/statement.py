"""What one person was paid, as a file for whoever does their taxes: that person alone.

For those who may see the baker, and for everybody where the baker has its public page on.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from bakehouse.desk.export import MEDIA_TYPES, ExportFormat, exported_statement
from bakehouse.ledger.roles import Role
from bakehouse.ledger.span import Span
from bakehouse.payments.export import Export
from bakehouse.tezos.address import Address, parse_implicit, parse_recipient
from bakehouse.web.pages.public import public_baker
from bakehouse.web.permission import needs, open_to_all
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False)


class YearQuery(BaseModel):
    """Of which year (UTC); of all without one."""

    year: Annotated[int | None, Field(ge=2018, le=9998)] = None


class PublicStatementQuery(YearQuery):
    """Whose statement is looked up."""

    address: Annotated[str, Field(max_length=64)]


@router.get(
    "/bakers/{baker_id}/delegators/{address}/statement.{form}", dependencies=[needs(Role.VIEWER)]
)
async def statement_file(
    services: Services,
    baker_id: str,
    address: str,
    form: ExportFormat,
    query: Annotated[YearQuery, Query()],
) -> StreamingResponse:
    """Give the statement of an address, whether or not it delegates now."""
    of_whom = parse_recipient(address)
    return await _statement(services, parse_implicit(baker_id), of_whom, form, query)


@router.get("/public/{baker_id}/statement.{form}", dependencies=[open_to_all()])
async def public_statement_file(
    services: Services,
    baker_id: str,
    form: ExportFormat,
    query: Annotated[PublicStatementQuery, Query()],
) -> StreamingResponse:
    """Give the statement of the address that is asked for; of a public baker only."""
    async with services.workshop.payer.ledger.read() as tx:
        baker = await public_baker(tx, baker_id)
    of_whom = parse_recipient(query.address.strip())
    return await _statement(services, baker.baker_id, of_whom, form, query)


async def _statement(
    services: WebServices, baker_id: str, of_whom: Address, form: ExportFormat, query: YearQuery
) -> StreamingResponse:
    ledger = services.workshop.payer.ledger
    wanted = Export(baker_id=baker_id, span=Span(year=query.year))
    parts = await exported_statement(ledger, wanted, of_whom, form)
    year = f"-{query.year}" if query.year is not None else ""
    headers = {"Content-Disposition": f'attachment; filename="statement-{of_whom}{year}.{form}"'}
    return StreamingResponse(parts, media_type=MEDIA_TYPES[form], headers=headers)
