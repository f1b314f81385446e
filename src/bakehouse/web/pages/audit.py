"""The audit trail: filtered by address, so that a view is a bookmark; as a page and as CSV."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from bakehouse.desk.reading import read_audit
from bakehouse.errors import ForbiddenError, InputError
from bakehouse.ledger import audit, bakers
from bakehouse.ledger.audit_search import AuditFilter, AuditPage, NumberedEvent
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.roles import Role
from bakehouse.payments.export import csv_line
from bakehouse.web.caller import Caller, CallerOf
from bakehouse.web.pages.filled_form import FilledForm
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.pages.wording import brief, iso, short
from bakehouse.web.permission import needs
from bakehouse.web.services import Services

router: Final = APIRouter(include_in_schema=False, dependencies=[needs(Role.VIEWER)])

PATH: Final = "/audit"
_ROWS: Final = 50
_EXPORT_ROWS: Final = 1_000
_ID_MAX: Final = 2**62
_DETAIL_LENGTH_MAX: Final = 100_000
_LAST_DAY: Final = date(9999, 12, 30)
_COLUMNS: Final = ("number", "at", "actor", "action", "subject", "detail")
_FIELDS: Final = ("actor", "action", "baker", "since", "until")
#: Beginnings that people look for; any other can be typed.
_ACTIONS: Final = (
    *("baker.", "bond_pool.", "distribution.", "fees.", "operation.", "payout."),
    *("alert.", "token.", "user."),
)


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """What recomputing the chain of hashes gave: the first event that does not fit, or None."""

    broken: int | None


@router.get(PATH)
async def audit_page(
    request: Request,
    services: Services,
    caller: CallerOf,
    before: Annotated[int | None, Query(ge=0, le=_ID_MAX)] = None,
) -> Response:
    """Show a page of events, newest first; on demand, whether the chain of hashes verifies."""
    ledger = services.workshop.payer.ledger
    form = FilledForm(_asked(request))
    wanted = _filter(form, caller)
    async with ledger.read() as tx:
        seen = [each for each in await bakers.everyone(tx) if caller.may_see(each.baker_id)]
    page = await read_audit(ledger, wanted, limit=_ROWS, before=before)
    query = dict(form.entered)
    return renderer_of(request).page(
        request,
        "audit.html",
        status=200 if form.is_good else 422,
        form=form,
        bakers=[("", "every baker"), *((each.baker_id, _name(each)) for each in seen)],
        actions=_ACTIONS,
        page=page if form.is_good else AuditPage([], None),
        chain=await _chain(ledger, caller) if request.query_params.get("verify") else None,
        is_older=before is not None,
        newest_path=_path(PATH, query),
        older_path=_path(PATH, {**query, "before": str(page.next_before)}),
        export_path=_path(f"{PATH}.csv", query),
        verify_path=_path(PATH, {**query, "verify": "yes"}),
    )


@router.get(f"{PATH}.csv")
async def audit_csv(request: Request, services: Services, caller: CallerOf) -> Response:
    """Give every event that fits, newest first, as CSV."""
    form = FilledForm(_asked(request))
    wanted = _filter(form, caller)
    if not form.is_good:
        raise InputError("; ".join(form.errors.values()))
    lines = _csv(services.workshop.payer.ledger, wanted)
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


async def _csv(ledger: Ledger, wanted: AuditFilter) -> AsyncIterator[str]:
    yield csv_line(_COLUMNS)
    before: int | None = _ID_MAX
    while before is not None:
        page = await read_audit(ledger, wanted, limit=_EXPORT_ROWS, before=before)
        for each in page.events:
            yield csv_line(_cells(each))
        before = page.next_before


def _cells(each: NumberedEvent) -> list[str]:
    event = each.event
    detail = brief(dict(event.detail), _DETAIL_LENGTH_MAX)
    return [str(each.id), iso(event.at), event.actor, event.action, event.subject, detail]


async def _chain(ledger: Ledger, caller: Caller) -> ChainCheck:
    if not caller.sees_all:
        raise ForbiddenError("the chain goes through the events of every baker, not of yours only")
    async with ledger.read() as tx:
        return ChainCheck(await audit.first_broken_link(tx))


def _asked(request: Request) -> Mapping[str, str]:
    asked = {name: request.query_params.get(name, "").strip() for name in _FIELDS}
    return {name: value for name, value in asked.items() if value}


def _filter(form: FilledForm, caller: Caller) -> AuditFilter:
    asked = form.entered
    until = form.read("until", _day)
    return AuditFilter(
        actor=asked.get("actor", ""),
        action=asked.get("action", ""),
        since=form.read("since", _day),
        until=until + timedelta(days=1) if until else None,
        bakers=_bakers(caller, asked.get("baker")),
    )


def _bakers(caller: Caller, chosen: str | None) -> frozenset[str] | None:
    """Give whose events may be shown; None for everything, users and tokens included."""
    if chosen is not None:
        return frozenset({chosen}) if caller.may_see(chosen) else frozenset()
    return caller.visible_bakers


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        # The day after is asked for, too.
        return datetime.combine(min(day, _LAST_DAY), time(), UTC)
    except ValueError as error:
        raise InputError(f"{text!r} is no day: write it as 2026-11-24") from error


def _name(baker: Baker) -> str:
    return baker.alias or short(baker.baker_id)


def _path(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
