"""Letting a baker's first live cycle go: by the hash of the plan that was seen, with a reason."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from bakehouse.desk import approval
from bakehouse.desk.decisions import CycleOf, find_cycle
from bakehouse.errors import ConflictError
from bakehouse.ledger import bakers, payouts
from bakehouse.ledger.page import OFFSET_MAX
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import DistributionKind
from bakehouse.web.caller import CallerOf
from bakehouse.web.cycle_records import CycleNumber
from bakehouse.web.form import read_form
from bakehouse.web.pages.filled_form import FilledForm, reason
from bakehouse.web.pages.notice import Notice, done
from bakehouse.web.pages.paging import Paging
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False, dependencies=[needs(Role.OPERATOR)])

_PATH: Final = "/bakers/{baker_id}/go/{cycle}"
_ROWS: Final = 100


def _cycle_of(
    baker_id: str, cycle: CycleNumber, kind: DistributionKind = DistributionKind.DELEGATORS
) -> CycleOf:
    return CycleOf(baker_id, cycle, kind)


Which = Annotated[CycleOf, Depends(_cycle_of)]


@router.get(_PATH)
async def go_form(
    request: Request,
    services: Services,
    which: Which,
    offset: Annotated[int, Query(ge=0, le=OFFSET_MAX)] = 0,
) -> Response:
    """Show the plan that waits, with its hash."""
    return await _page(request, services, which, FilledForm(), offset=offset)


@router.post(_PATH)
async def let_go(request: Request, services: Services, caller: CallerOf, which: Which) -> Response:
    """Let the cycle go, if its plan is still the one that was seen."""
    form = FilledForm(await read_form(request))
    why = form.read("why", reason)
    if why is None:
        return await _page(request, services, which, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        await approval.approve(
            services.workshop.payer,
            which,
            expected_sha256=form.entered.get("plan", ""),
            actor=caller.actor,
            why=why,
        )
    except ConflictError as error:
        form = form.with_trouble(error)
        return await _page(request, services, which, form, status=HTTPStatus.CONFLICT)
    return done("/waiting", Notice.APPROVED)


async def _page(  # noqa: PLR0913 - what the page shows, and how it went
    request: Request,
    services: WebServices,
    which: CycleOf,
    form: FilledForm,
    *,
    status: int = HTTPStatus.OK,
    offset: int = 0,
) -> Response:
    async with services.workshop.payer.ledger.read() as tx:
        baker = await bakers.get(tx, which.baker_id)
        distribution = await find_cycle(tx, which)
        sha256 = await approval.plan_sha256(tx, distribution)
        rows = await payouts.of_distribution(tx, distribution, offset=offset, limit=_ROWS + 1)
    return renderer_of(request).page(
        request,
        "go.html",
        status=status,
        baker=baker,
        distribution=distribution,
        sha256=sha256,
        rows=rows[:_ROWS],
        paging=Paging(
            path=f"/bakers/{which.baker_id}/go/{which.cycle}",
            query={"kind": which.kind.value},
            offset=offset,
            shown=len(rows[:_ROWS]),
            limit=_ROWS,
            next_offset=offset + _ROWS if len(rows) > _ROWS else None,
            anchor="#payouts",
        ),
        form=form,
    )
