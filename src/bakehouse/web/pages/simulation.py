"""What a cycle would pay, and why; what another fee or minimum would change. Nothing is owed by it.

It is kept on the server, under its hash, when somebody asks; no amount comes back from a browser.
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from bakehouse.desk.simulation import Simulation, get_simulation, simulate, try_out
from bakehouse.errors import BakehouseError, InputError, RefusalError, SourceError
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.page import OFFSET_MAX
from bakehouse.ledger.roles import Role
from bakehouse.payments.what_if import OtherRules
from bakehouse.rewards.money import parse_percentage, parse_tez
from bakehouse.web.caller import Caller, CallerOf
from bakehouse.web.cycle_records import CYCLE_MAX
from bakehouse.web.form import read_form
from bakehouse.web.pages.filled_form import FilledForm, unless_empty, whole_number
from bakehouse.web.pages.notice import notice_of
from bakehouse.web.pages.paging import Paging
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.pages.shown_simulation import ShownSimulation, shown
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False, dependencies=[needs(Role.VIEWER)])

_PATH: Final = "/bakers/{baker_id}/simulation"
_ROWS: Final = 100
_ASKED: Final = ("cycle", "fee", "minimum")


class RowsQuery(BaseModel):
    """Which of the recipients are shown."""

    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)] = 0
    search: Annotated[str, Field(max_length=100)] = ""


@router.get(_PATH)
async def simulation_page(
    request: Request,
    services: Services,
    caller: CallerOf,
    baker_id: str,
    query: Annotated[RowsQuery, Query()],
) -> Response:
    """Work out what a cycle would pay: as it is set, or with another fee or minimum."""
    return await _tried(
        request, services, caller, baker_id, entered=request.query_params, query=query
    )


@router.post(_PATH, dependencies=[needs(Role.OPERATOR)])
async def keep_simulation(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Work it out once more and keep it: what is shown from then on is what was kept."""
    return await _tried(
        request, services, caller, baker_id, entered=await read_form(request), is_kept=True
    )


@router.get(_PATH + "/{sha256}")
async def kept_simulation(
    request: Request,
    services: Services,
    baker_id: str,
    sha256: str,
    query: Annotated[RowsQuery, Query()],
) -> Response:
    """Show a simulation that was worked out before, exactly as it was."""
    baker = await _baker(services, baker_id)
    found = await get_simulation(services.workshop.payer.ledger, baker_id, sha256)
    return await _page(request, baker, FilledForm(), found, query=query, is_kept=True)


async def _tried(  # noqa: PLR0913 - who asked for what, and whether to keep it
    request: Request,
    services: WebServices,
    caller: Caller,
    baker_id: str,
    *,
    entered: Mapping[str, str],
    query: RowsQuery | None = None,
    is_kept: bool = False,
) -> Response:
    baker = await _baker(services, baker_id)
    form = FilledForm(_asked(entered))
    cycle = form.read("cycle", unless_empty(lambda text: whole_number(text, CYCLE_MAX)))
    other = OtherRules(
        form.read("fee", unless_empty(parse_percentage)),
        form.read("minimum", unless_empty(parse_tez)),
    )
    if not form.is_good:
        return await _page(request, baker, form)
    work = simulate if is_kept else try_out
    try:
        found = await work(services.workshop.payer, baker_id, cycle, other, actor=caller.actor)
    except (InputError, RefusalError, SourceError) as error:
        return await _page(request, baker, form.with_trouble(error), status=_status_of(error))
    if is_kept:
        return RedirectResponse(_path(baker_id, found.head.sha256), HTTPStatus.SEE_OTHER)
    return await _page(request, baker, form, found, query=query)


async def _page(  # noqa: PLR0913 - what the page shows, and how it went
    request: Request,
    baker: Baker,
    form: FilledForm,
    found: Simulation | None = None,
    *,
    query: RowsQuery | None = None,
    is_kept: bool = False,
    status: int = HTTPStatus.UNPROCESSABLE_ENTITY,
) -> Response:
    # Sixty thousand recipients take a moment: not on the event loop.
    plan = await asyncio.to_thread(shown, found, baker) if found else None
    path = _path(baker.baker_id, plan.sha256 if plan and is_kept else None)
    return renderer_of(request).page(
        request,
        "simulation.html",
        status=HTTPStatus.OK if plan else status,
        baker=baker,
        form=form,
        plan=plan,
        plan_path=path,
        is_kept=is_kept,
        notice=notice_of(request),
        **_rows(path, plan, query or RowsQuery(), form.entered),
    )


def _path(baker_id: str, sha256: str | None = None) -> str:
    path = _PATH.format(baker_id=baker_id)
    return f"{path}/{sha256}" if sha256 else path


def _rows(
    path: str, plan: ShownSimulation | None, part: RowsQuery, asked: Mapping[str, str]
) -> dict[str, Any]:
    search = part.search.strip()
    fitting = [row for row in plan.rows if search.lower() in row.owed_to.lower()] if plan else []
    end = part.offset + _ROWS
    rows = fitting[part.offset : end]
    return {
        "rows": rows,
        "search": search,
        "searched": FilledForm({"search": search}),
        "paging": Paging(
            path=path,
            query={**asked, **({"search": search} if search else {})},
            offset=part.offset,
            shown=len(rows),
            limit=_ROWS,
            next_offset=end if end < len(fitting) else None,
            total=len(fitting),
            anchor="#recipients",
        ),
    }


def _asked(query: Mapping[str, str]) -> dict[str, str]:
    asked = {name: query.get(name, "").strip() for name in _ASKED}
    return {name: value for name, value in asked.items() if value}


def _status_of(error: BakehouseError) -> int:
    match error:
        case InputError():
            return HTTPStatus.UNPROCESSABLE_ENTITY
        case SourceError():
            return HTTPStatus.SERVICE_UNAVAILABLE
        case _:
            return HTTPStatus.CONFLICT


async def _baker(services: WebServices, baker_id: str) -> Baker:
    async with services.workshop.payer.ledger.read() as tx:
        return await bakers.get(tx, baker_id)
