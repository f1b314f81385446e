"""Rules of single delegators: found, set, removed, imported, exported; and what changed."""

from collections.abc import AsyncIterator
from functools import partial
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from bakehouse.desk import rules as desk
from bakehouse.desk.address_history import AddressChange
from bakehouse.desk.rule_text import RULE_FIELDS, parse_field, rule_cells, rule_document
from bakehouse.errors import InputError
from bakehouse.ledger import bakers
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.delegator_rules import RuleOf
from bakehouse.ledger.page import LIMIT_MAX, Slice
from bakehouse.ledger.roles import Role
from bakehouse.payments.export import csv_line
from bakehouse.rewards.payout_rules import DelegatorRule
from bakehouse.tezos.address import parse_recipient
from bakehouse.web.caller import CallerOf
from bakehouse.web.form import read_form
from bakehouse.web.pages.delegator_table import (
    ADDRESSES_SHOWN,
    CHANGES_SHOWN,
    ROWS,
    ShownChange,
    TableForms,
    TableQuery,
    change_words,
    file_answer,
    import_wanted,
    imported_text,
    json_object,
    ledger_of,
    paging_of,
)
from bakehouse.web.pages.filled_form import FilledForm, optional_reason
from bakehouse.web.pages.notice import Notice, done, notice_of
from bakehouse.web.pages.question import Question
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.pages.rule_words import (
    EXCLUDED_SHARES,
    LISTINGS,
    PAYERS,
    told_words,
    words_of,
)
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False)

_PATH: Final = "/bakers/{baker_id}/rules"
_SAYS_NOTHING: Final = "nothing would be different: say something, or remove the rule"


@router.get(_PATH, dependencies=[needs(Role.VIEWER)])
async def rules_page(
    request: Request, services: Services, baker_id: str, query: Annotated[TableQuery, Query()]
) -> Response:
    """Show a page of rules, and how they came to be."""
    entered = {"address": query.address} if query.address else {}
    if query.address:
        ledger = services.workshop.payer.ledger
        known = await desk.find_rule(ledger, baker_id, query.address)
        entered |= rule_cells(known) if known else {}
    return await _page(
        request, services, baker_id, query, TableForms(FilledForm(entered), FilledForm())
    )


@router.post(_PATH, dependencies=[needs(Role.ADMINISTRATOR)])
async def set_rule(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Set what is different for one delegator; what contradicts is told beside its field."""
    form = FilledForm(await read_form(request))
    address = form.read("address", parse_recipient)
    said = {name: form.read(name, partial(parse_field, name)) for name in RULE_FIELDS}
    why = form.read("why", optional_reason)
    if form.is_good and not any(value is not None for value in said.values()):
        form = form.with_trouble(InputError(_SAYS_NOTHING))
    if form.is_good and address is not None:
        try:
            rule = DelegatorRule(**said)
            payer = services.workshop.payer
            await desk.set_rule(payer, baker_id, address, rule, actor=caller.actor, why=why)
        except InputError as error:
            form = form.with_refusal(error, RULE_FIELDS)
    if not form.is_good:
        forms = TableForms(form, FilledForm())
        return await _page(request, services, baker_id, TableQuery(), forms)
    return done(f"/bakers/{baker_id}/rules", Notice.RULE_SET)


@router.get(f"{_PATH}/remove", dependencies=[needs(Role.ADMINISTRATOR)])
async def ask_to_remove(
    request: Request,
    services: Services,
    baker_id: str,
    address: Annotated[str, Query(max_length=100)],
) -> Response:
    """Ask once more."""
    known = await desk.find_rule(services.workshop.payer.ledger, baker_id, address)
    words = ", ".join(words_of(known)) if known else "it has no rule"
    question = Question(
        title="Remove a rule",
        warning=f"From the next plan on this delegator is treated as everybody. Now: {words}.",
        button="Remove the rule",
        action=f"/bakers/{baker_id}/rules/remove",
        back=f"/bakers/{baker_id}/rules",
        things=[(address, "")],
        hidden=[("address", address)],
        may_leave_why=True,
    )
    return question.page(request)


@router.post(f"{_PATH}/remove", dependencies=[needs(Role.ADMINISTRATOR)])
async def remove_rule(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Treat a delegator as everybody again."""
    form, payer = await read_form(request), services.workshop.payer
    address, why = form.get("address", ""), form.get("why")
    await desk.remove_rule(payer, baker_id, address, actor=caller.actor, why=why)
    return done(f"/bakers/{baker_id}/rules", Notice.RULE_REMOVED)


@router.post(f"{_PATH}/import", dependencies=[needs(Role.ADMINISTRATOR)])
async def import_rules(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Take in rules that were pasted or uploaded: all of them, or none."""
    form = FilledForm(await read_form(request))
    payer = services.workshop.payer
    try:
        text, why = imported_text(form), form.entered.get("why")
        how = import_wanted(form)
        await desk.import_rules(payer, baker_id, text, how, actor=caller.actor, why=why)
    except InputError as error:
        form = form.with_import_refusal(error)
        forms = TableForms(FilledForm(), form)
        return await _page(request, services, baker_id, TableQuery(), forms)
    return done(f"/bakers/{baker_id}/rules", Notice.RULES_IMPORTED)


@router.get(f"{_PATH}.csv", dependencies=[needs(Role.VIEWER)])
async def export_csv(services: Services, baker_id: str) -> Response:
    """Give every rule as CSV, in the form that an import takes."""
    ledger = await ledger_of(services, baker_id)
    return file_answer(_csv(ledger, baker_id), "rules.csv", "text/csv; charset=utf-8")


@router.get(f"{_PATH}.json", dependencies=[needs(Role.VIEWER)])
async def export_json(services: Services, baker_id: str) -> Response:
    """Give every rule as JSON, in the form that an import takes."""
    ledger = await ledger_of(services, baker_id)
    return file_answer(json_object(_documents(ledger, baker_id)), "rules.json", "application/json")


async def _page(
    request: Request, services: WebServices, baker_id: str, query: TableQuery, forms: TableForms
) -> Response:
    ledger = services.workshop.payer.ledger
    search = query.search.strip()
    found = await desk.list_rules(ledger, baker_id, Slice(query.offset, ROWS), search=search)
    history = await desk.history(ledger, baker_id, limit=CHANGES_SHOWN)
    async with ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
    return renderer_of(request).page(
        request,
        "rules.html",
        status=HTTPStatus.OK if forms.is_good else HTTPStatus.UNPROCESSABLE_ENTITY,
        baker=baker,
        rows=[(each.address, words_of(each.rule)) for each in found.page.rows],
        total=found.count,
        search=search,
        searched=FilledForm({"search": search}),
        paging=paging_of(f"/bakers/{baker_id}/rules", found.page, query, search, found.count),
        one=forms.one,
        many=forms.many,
        listings=LISTINGS,
        payers=PAYERS,
        excluded_shares=EXCLUDED_SHARES,
        history=[_shown(each) for each in history.changes],
        notice=notice_of(request),
    )


def _shown(change: AddressChange) -> ShownChange[tuple[str, str]]:
    touched = sorted({*(change.before or {}), *change.after})
    rows = [
        (each, "; ".join(told_words(change.after.get(each, {}))))
        for each in touched[:ADDRESSES_SHOWN]
    ]
    words = change_words("rule", change.before, change.after)
    more = len(touched) - len(rows)
    return ShownChange(change.at, change.actor, words, change.why, rows, more)


async def _rows(ledger: Ledger, baker_id: str) -> AsyncIterator[list[RuleOf]]:
    offset: int | None = 0
    while offset is not None:
        found = await desk.list_rules(ledger, baker_id, Slice(offset, LIMIT_MAX))
        yield list(found.page.rows)
        offset = found.page.next_offset


async def _csv(ledger: Ledger, baker_id: str) -> AsyncIterator[str]:
    yield csv_line(("address", *RULE_FIELDS))
    async for rows in _rows(ledger, baker_id):
        yield "".join(csv_line((row.address, *rule_cells(row.rule).values())) for row in rows)


async def _documents(ledger: Ledger, baker_id: str) -> AsyncIterator[dict[str, dict[str, str]]]:
    async for rows in _rows(ledger, baker_id):
        yield {row.address: _said(row.rule) for row in rows}


def _said(rule: DelegatorRule) -> dict[str, str]:
    return {name: value for name, value in rule_document(rule).items() if value}
