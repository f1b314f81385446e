"""One cycle: its plan with the proof that it adds up, its payouts and its operations."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from bakehouse.ledger import bakers, distributions, operations, payouts
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.operations import Operation, TransferSums
from bakehouse.ledger.states import SETTLED_DISTRIBUTIONS, DistributionKind, Mode
from bakehouse.tezos.address import parse_implicit
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.services import Services

router = APIRouter(include_in_schema=False)

_ROWS: Final = 500


@dataclass(frozen=True, slots=True)
class OperationRow:
    """An operation and the sums of its transfers."""

    operation: Operation
    transfers: TransferSums


@router.get("/bakers/{baker_id}/cycles/{cycle}")
async def cycle_page(  # noqa: PLR0913, PLR0917 - the path and the query
    request: Request,
    services: Services,
    baker_id: str,
    cycle: int,
    kind: DistributionKind = DistributionKind.DELEGATORS,
    mode: Mode = Mode.ON,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> HTMLResponse:
    """Show a distribution with a page of its payouts."""
    async with services.workshop.payer.ledger.read() as tx:
        baker = await bakers.get(tx, parse_implicit(baker_id))
        key = DistributionKey(baker.network, baker.baker_id, cycle, kind, mode)
        distribution = await distributions.get(tx, key)
        rows = await payouts.of_distribution(tx, distribution, offset=offset, limit=_ROWS + 1)
        counts = await payouts.count_by_state(tx, distribution)
        signed = await operations.of_distribution(tx, distribution.id)
        sums = await operations.transfer_sums(tx, distribution.id)
    return renderer_of(request).page(
        request,
        "cycle.html",
        is_live=distribution.state not in SETTLED_DISTRIBUTIONS,
        baker=baker,
        distribution=distribution,
        payouts=rows[:_ROWS],
        offset=offset,
        next_offset=offset + _ROWS if len(rows) > _ROWS else None,
        previous_offset=max(0, offset - _ROWS) if offset else None,
        counts=counts,
        operations=[OperationRow(each, sums[each.id]) for each in signed],
    )
