"""Everything that waits for a person, over all bakers of the caller; decided one by one or many."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from bakehouse.desk.waiting import Waiting, WaitingKind, WaitingList, waiting_list
from bakehouse.errors import BakehouseError, ConflictError, InputError, NotFoundError
from bakehouse.ledger import alerts, bakers
from bakehouse.ledger.page import LIMIT_MAX, OFFSET_MAX, Slice
from bakehouse.ledger.roles import Role
from bakehouse.web.caller import Caller, CallerOf
from bakehouse.web.form import read_fields
from bakehouse.web.pages.filled_form import FilledForm, reason, whole_number
from bakehouse.web.pages.notice import Notice, done, notice_of
from bakehouse.web.pages.paging import Paging
from bakehouse.web.pages.question import Question
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.pages.waiting_decisions import DECISIONS, WaitingDecision
from bakehouse.web.pages.waiting_item import WaitingItem, item_of, read_item
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False)

PATH: Final = "/waiting"
_ROWS: Final = 100
_ALERT_ID_MAX: Final = 2**63 - 1
_SECTIONS: Final[Mapping[str, WaitingKind]] = {
    "failed": WaitingKind.FAILED,
    "held": WaitingKind.HELD,
    "operations": WaitingKind.QUARANTINED,
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A form of the page as it was sent."""

    section: str
    #: What was ticked, as the boxes name it.
    ticked: Sequence[str]
    everything: bool
    #: How many there were when the page was made.
    count: str
    decision: str
    is_confirmed: bool
    form: FilledForm

    @property
    def chosen(self) -> Collection[str]:
        """Which boxes are ticked when the page is shown again."""
        return {*self.ticked, *(["everything"] if self.everything else [])}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is shown above the list when something could not be done."""

    sent: Sent | None = None
    problems: Sequence[str] = field(default_factory=tuple)

    @property
    def status(self) -> HTTPStatus:
        """Tell what could not be done from a form that could not be understood."""
        if self.problems:
            return HTTPStatus.CONFLICT
        is_good = self.sent is None or self.sent.form.is_good
        return HTTPStatus.OK if is_good else HTTPStatus.UNPROCESSABLE_ENTITY


@router.get(PATH, dependencies=[needs(Role.VIEWER)])
async def waiting_page(
    request: Request,
    services: Services,
    caller: CallerOf,
    offset: Annotated[int, Query(ge=0, le=OFFSET_MAX)] = 0,
) -> Response:
    """Show all that waits, each with its reason."""
    return await _page(request, services, caller, Outcome(), offset)


@router.post(f"{PATH}/failed", dependencies=[needs(Role.OPERATOR)])
async def decide_failed(request: Request, services: Services, caller: CallerOf) -> Response:
    """Have failed cycles taken up again."""
    return await _decide(request, services, caller, "failed")


@router.post(f"{PATH}/held", dependencies=[needs(Role.OPERATOR)])
async def decide_held(request: Request, services: Services, caller: CallerOf) -> Response:
    """Release or drop held payouts."""
    return await _decide(request, services, caller, "held")


@router.post(f"{PATH}/operations", dependencies=[needs(Role.OPERATOR)])
async def decide_operations(request: Request, services: Services, caller: CallerOf) -> Response:
    """Cancel operations whose fate is not proven, or declare them dead."""
    return await _decide(request, services, caller, "operations")


@router.post(f"{PATH}/alerts", dependencies=[needs(Role.OPERATOR)])
async def acknowledge(request: Request, services: Services, caller: CallerOf) -> Response:
    """Note that somebody saw alerts: they stay open, and are told to nobody again."""
    sent = _sent("alerts", await read_fields(request))
    try:
        await _acknowledge(services, caller, sent.ticked)
    except (InputError, NotFoundError) as error:
        sent = replace(sent, form=sent.form.with_trouble(error))
        return await _page(request, services, caller, Outcome(sent))
    return done(PATH, Notice.ACKNOWLEDGED)


async def _acknowledge(services: WebServices, caller: Caller, ticked: Sequence[str]) -> None:
    if not ticked:
        raise InputError("tick what you have seen")
    ids = [whole_number(text, _ALERT_ID_MAX) for text in ticked]
    payer = services.workshop.payer
    async with payer.ledger.write() as tx:
        for alert_id in ids:
            alert = await alerts.get(tx, alert_id)
            if not caller.may_see(alert.baker_id):
                raise NotFoundError(f"there is no alert {alert_id}")
            # One whose cause is gone by now needs nobody any more.
            if alert.is_open:
                await alerts.acknowledge(tx, alert_id, actor=caller.actor, at=payer.clock())


async def _decide(
    request: Request, services: WebServices, caller: Caller, section: str
) -> Response:
    """Decide about what was ticked; ask once more where it cannot be taken back."""
    sent = _sent(section, await read_fields(request))
    decision = DECISIONS[section].get(sent.decision)
    if decision is None:
        raise InputError("there is no such decision: use one of the buttons")
    try:
        items = await _items(services, caller, sent)
    except (InputError, ConflictError) as error:
        sent = replace(sent, form=sent.form.with_trouble(error))
        return await _page(request, services, caller, Outcome(sent))
    why = sent.form.read("why", reason)
    if why is None or (decision.asks_again and not sent.is_confirmed):
        return _question(sent, decision, items).page(request)
    problems = await _do(services, caller, decision, items, why)
    if problems:
        return await _page(request, services, caller, Outcome(sent, problems))
    return done(PATH, decision.notice)


def _sent(section: str, fields: Sequence[tuple[str, str]]) -> Sent:
    entered = dict(fields)
    return Sent(
        section=section,
        ticked=[value for name, value in fields if name == "item"],
        everything=entered.get("everything") == "yes",
        count=entered.get("count", ""),
        decision=entered.get("decision", ""),
        is_confirmed=entered.get("confirmed") == "yes",
        form=FilledForm({"why": entered.get("why", "")}),
    )


async def _items(services: WebServices, caller: Caller, sent: Sent) -> list[WaitingItem]:
    if not sent.everything:
        if not sent.ticked:
            raise InputError("tick what your decision is about")
        return [read_item(text) for text in sent.ticked]
    found = await _everything(services, caller, _SECTIONS[sent.section])
    if str(len(found)) != sent.count:
        raise ConflictError(
            f"there are {len(found)} now, not {sent.count} as you saw: look at them again"
        )
    items = [item_of(each) for each in found]
    if sent.section == "held":
        # A cycle at once, not each of its thousands of payouts.
        items = [replace(item, owed_to=None) for item in items]
    return list(dict.fromkeys(items))


async def _everything(services: WebServices, caller: Caller, kind: WaitingKind) -> list[Waiting]:
    found: list[Waiting] = []
    offset: int | None = 0
    while offset is not None:
        part = await _list(services, caller, Slice(offset, LIMIT_MAX))
        if kind is not WaitingKind.HELD:
            return [each for each in part.pressing if each.kind is kind]
        found += part.held.rows
        offset = part.held.next_offset
    return found


async def _do(
    services: WebServices,
    caller: Caller,
    decision: WaitingDecision,
    items: Sequence[WaitingItem],
    why: str,
) -> list[str]:
    """Decide about each; what could not be done is told, and the others are done."""
    problems = []
    for item in items:
        try:
            caller.require(Role.OPERATOR, item.cycle.baker_id)
            await decision.do(services.workshop.payer, item, caller.actor, why)
        except BakehouseError as error:
            problems.append(error.message)
    return problems


def _question(sent: Sent, decision: WaitingDecision, items: Sequence[WaitingItem]) -> Question:
    ticked = [("everything", "yes")] if sent.everything else [("item", str(each)) for each in items]
    return Question(
        title=decision.title,
        warning=decision.warning,
        button=decision.button,
        action=f"{PATH}/{sent.section}",
        back=PATH,
        things=[(item.words, "") for item in items],
        hidden=[
            *ticked,
            ("count", sent.count),
            ("decision", sent.decision),
            ("confirmed", "yes"),
        ],
        asks_why=True,
        form=sent.form,
    )


async def _page(
    request: Request, services: WebServices, caller: Caller, outcome: Outcome, offset: int = 0
) -> Response:
    found = await _list(services, caller, Slice(offset, _ROWS))
    async with services.workshop.payer.ledger.read() as tx:
        names = {each.baker_id: each.alias for each in await bakers.everyone(tx) if each.alias}
        raised = [each for each in await alerts.still_open(tx) if caller.may_see(each.baker_id)]
    sent = outcome.sent
    return renderer_of(request).page(
        request,
        "waiting.html",
        status=outcome.status,
        go=_of(found, WaitingKind.GO_NEEDED),
        failed=_of(found, WaitingKind.FAILED),
        operations=_of(found, WaitingKind.QUARANTINED),
        held=_named(found.held.rows),
        held_count=found.held_count,
        held_total=found.held_total,
        alerts=raised,
        count=len(found.pressing)
        + found.held_count
        + sum(each.acknowledged_at is None for each in raised),
        names=names,
        paging=Paging(
            path=PATH,
            offset=offset,
            shown=len(found.held.rows),
            limit=_ROWS,
            next_offset=found.held.next_offset,
            total=found.held_count,
            anchor="#held",
        ),
        forms={sent.section: sent.form} if sent else {},
        chosen=sent.chosen if sent else (),
        problems=outcome.problems,
        notice=notice_of(request),
    )


async def _list(services: WebServices, caller: Caller, part: Slice) -> WaitingList:
    ledger = services.workshop.payer.ledger
    return await waiting_list(ledger, part, of=caller.visible_bakers)


def _of(found: WaitingList, kind: WaitingKind) -> list[tuple[str, Waiting]]:
    return _named([each for each in found.pressing if each.kind is kind])


def _named(several: Sequence[Waiting]) -> list[tuple[str, Waiting]]:
    return [(str(item_of(each)), each) for each in several]
