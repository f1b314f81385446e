"""Schedules: when each baker's cycles and wallet are looked at, how that went; and to change it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response

from bakehouse.desk import settings as desk
from bakehouse.errors import ConflictError, QueueUnreachableError
from bakehouse.jobs.job_types import JSON, QueueName
from bakehouse.jobs.scheduler import ScheduleStatus
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import Mode
from bakehouse.web.caller import Caller, CallerOf
from bakehouse.web.form import read_form
from bakehouse.web.pages.filled_form import FilledForm
from bakehouse.web.pages.notice import Notice, done, notice_of
from bakehouse.web.pages.question import Question
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.pages.setting_fields import FIELDS
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

router: Final = APIRouter(include_in_schema=False)

PATH: Final = "/schedules"
_ONE: Final = PATH + "/{baker_id}"
_FREQUENCY: Final = "update_freq"

_TITLES: Final[Mapping[QueueName, str]] = {
    QueueName.CYCLE_MONITORING: "Look for finished cycles",
    QueueName.BLOCKCHAIN_POLLING: "Read the wallet",
}


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One schedule as it is shown."""

    id: str
    title: str
    every_seconds: int | None
    next_run_at: datetime | None
    last_run_at: datetime | None
    #: Why the last run failed; None when it did not.
    error: str | None


@dataclass(frozen=True, slots=True)
class BakerSchedules:
    """A baker, its schedules, and the form that changes how often it is looked at."""

    baker: Baker
    schedules: list[ScheduleRow]
    form: FilledForm


@router.get(PATH, dependencies=[needs(Role.VIEWER)])
async def schedules_page(request: Request, services: Services, caller: CallerOf) -> Response:
    """Show the schedules of every baker that the caller may see."""
    return await _page(request, services, caller)


@router.post(f"{_ONE}/check", dependencies=[needs(Role.OPERATOR)])
async def check_cycles(services: Services, baker_id: str) -> Response:
    """Look for finished cycles now, and take up again what failed."""
    # Says at once that the queue is away; the next call would wait for it.
    await services.workshop.engine.ping()
    await services.scheduler.trigger_cycle_check(baker_id)
    return done(PATH, Notice.CYCLE_CHECK_TRIGGERED)


@router.post(f"{_ONE}/poll", dependencies=[needs(Role.OPERATOR)])
async def poll_balance(services: Services, baker_id: str) -> Response:
    """Read the baker's wallet now."""
    await services.workshop.engine.ping()
    await services.scheduler.trigger_balance_poll(baker_id)
    return done(PATH, Notice.BALANCE_POLL_TRIGGERED)


@router.post(f"{_ONE}/initialize", dependencies=[needs(Role.OPERATOR)])
async def initialize(services: Services, caller: CallerOf, baker_id: str) -> Response:
    """Make the schedules, or make them anew."""
    async with services.workshop.payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
    if baker.mode is Mode.OFF:
        raise ConflictError(f"the mode of {baker_id} is off: start it again before scheduling")
    await _change(services, caller, baker_id, {"scheduled": True})
    return done(PATH, Notice.SCHEDULES_CREATED)


@router.get(f"{_ONE}/remove", dependencies=[needs(Role.OPERATOR)])
async def ask_to_remove(request: Request, services: Services, baker_id: str) -> Response:
    """Ask once more."""
    async with services.workshop.payer.ledger.read() as tx:
        baker = await bakers.get(tx, baker_id)
    question = Question(
        title="Remove the schedules",
        warning=(
            f"Nobody will look for finished cycles of {baker.alias or baker_id} any more, nor at "
            "its wallet, until the schedules are made again. What is under way goes on."
        ),
        button="Remove the schedules",
        action=f"{PATH}/{baker_id}/remove",
        back=PATH,
    )
    return question.page(request)


@router.post(f"{_ONE}/remove", dependencies=[needs(Role.OPERATOR)])
async def remove(services: Services, caller: CallerOf, baker_id: str) -> Response:
    """Remove the schedules; that is remembered, so that nothing makes them again."""
    await _change(services, caller, baker_id, {"scheduled": False})
    return done(PATH, Notice.SCHEDULES_REMOVED)


@router.post(f"{_ONE}/frequency", dependencies=[needs(Role.ADMINISTRATOR)])
async def change_frequency(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Change how often finished cycles are looked for, from now on."""
    async with services.workshop.payer.ledger.read() as tx:
        await bakers.get(tx, baker_id)
    form = FilledForm(await read_form(request))
    minutes = form.read(_FREQUENCY, FIELDS[_FREQUENCY].read_in_range)
    if not form.is_good:
        return await _page(request, services, caller, {baker_id: form})
    await _change(services, caller, baker_id, {_FREQUENCY: minutes})
    return done(PATH, Notice.FREQUENCY_CHANGED)


async def _change(
    services: WebServices, caller: Caller, baker_id: str, settings: Mapping[str, object]
) -> None:
    await desk.change(services.workshop, services.scheduler, baker_id, settings, actor=caller.actor)


async def _page(
    request: Request,
    services: WebServices,
    caller: Caller,
    wrong: Mapping[str, FilledForm] | None = None,
) -> Response:
    async with services.workshop.payer.ledger.read() as tx:
        seen = [each for each in await bakers.everyone(tx) if caller.may_see(each.baker_id)]
    found = await _found(services, seen)
    shown = [
        BakerSchedules(
            baker,
            found.get(baker.baker_id, []),
            (wrong or {}).get(baker.baker_id) or FilledForm({_FREQUENCY: str(baker.update_freq)}),
        )
        for baker in seen
    ]
    return renderer_of(request).page(
        request,
        "schedules.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
        bakers=shown,
        queue_is_silent=not found and bool(seen),
        notice=notice_of(request),
    )


async def _found(services: WebServices, several: list[Baker]) -> dict[str, list[ScheduleRow]]:
    """Give the schedules by baker; nothing at all while the queue does not answer."""
    try:
        await services.workshop.engine.ping()
        found = await services.scheduler.schedule_statuses(several)
        return {baker_id: [_row(each) for each in statuses] for baker_id, statuses in found.items()}
    except QueueUnreachableError:
        return {}


def _row(status: ScheduleStatus) -> ScheduleRow:
    at, error = _outcome(status.last_run)
    title = _TITLES[status.queue]
    return ScheduleRow(status.id, title, status.every_seconds, status.next_run_at, at, error)


def _outcome(run: JSON) -> tuple[datetime | None, str | None]:
    match run:
        case {"at": str(at), "ok": False, "error": str(error)}:
            return datetime.fromisoformat(at), error
        case {"at": str(at)}:
            return datetime.fromisoformat(at), None
        case _:
            return None, None
