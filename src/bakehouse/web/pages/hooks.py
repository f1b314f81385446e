"""A baker's hooks: what they keep waiting, what they are, and webhooks entered, tried, removed."""

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Final, TypeVar

from fastapi import APIRouter, Path, Request, Response

from bakehouse.desk import decisions
from bakehouse.desk.decisions import CycleOf
from bakehouse.desk.hooks import SECONDS_MAX, EnteredHook, Trial, WantedHook
from bakehouse.errors import BakehouseError, InputError
from bakehouse.ledger import bakers
from bakehouse.ledger.hooks import SECONDS_DEFAULT
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import DistributionKind, HookPoint, Mode
from bakehouse.tezos.address import parse_implicit
from bakehouse.web.api.hooks import desk_of
from bakehouse.web.caller import CallerOf
from bakehouse.web.form import field, read_fields, read_form
from bakehouse.web.pages.filled_form import FilledForm, reason, whole_number
from bakehouse.web.pages.notice import Notice, done, notice_of
from bakehouse.web.pages.renderer import renderer_of
from bakehouse.web.permission import needs
from bakehouse.web.services import Services, WebServices

_Choice = TypeVar("_Choice", bound=StrEnum)

router: Final = APIRouter(include_in_schema=False)

_PATH: Final = "/bakers/{baker_id}/hooks"
_OF_THE_HOUSE: Final = needs(Role.ADMINISTRATOR, all_bakers=True)
_CYCLE_MAX: Final = 2**31 - 1

HookName = Annotated[str, Path(max_length=100)]


@router.get(_PATH, dependencies=[needs(Role.VIEWER)])
async def hooks_page(request: Request, services: Services, baker_id: str) -> Response:
    """Show a baker's hooks."""
    return await _page(request, services, baker_id)


@router.post(_PATH, dependencies=[_OF_THE_HOUSE])
async def add_webhook(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Enter a webhook, and show what its requests are signed with, this once."""
    fields = await read_fields(request)
    form = FilledForm(dict(fields))
    points = [value for name, value in fields if name == "point"]
    try:
        entered = await desk_of(services).add(
            parse_implicit(baker_id),
            _wanted(form.entered, points),
            actor=caller.actor,
        )
    except BakehouseError as error:
        shown = FilledForm({**form.entered, **dict.fromkeys(points, "yes")})
        return await _page(request, services, baker_id, form=shown.with_trouble(error))
    return await _page(request, services, baker_id, entered=entered)


@router.post(f"{_PATH}/ask-again", dependencies=[needs(Role.OPERATOR)])
async def ask_again(
    request: Request, services: Services, caller: CallerOf, baker_id: str
) -> Response:
    """Have the hooks that keep a cycle waiting asked at the next step."""
    entered = await read_form(request)
    try:
        which = CycleOf(
            parse_implicit(baker_id),
            whole_number(field(entered, "cycle"), _CYCLE_MAX),
            _one_of(DistributionKind, entered.get("kind", "")),
            _one_of(Mode, entered.get("mode", "")),
        )
        why = reason(entered.get("why", "").strip())
        await decisions.retry(services.workshop.payer, which, actor=caller.actor, why=why)
    except BakehouseError as error:
        return await _page(request, services, baker_id, form=FilledForm().with_trouble(error))
    return done(f"/bakers/{baker_id}/hooks", Notice.HOOKS_ASKED_AGAIN)


@router.post(f"{_PATH}/{{name}}/test", dependencies=[_OF_THE_HOUSE])
async def try_hook(request: Request, services: Services, baker_id: str, name: HookName) -> Response:
    """Send a hook made-up documents now, and show what it says."""
    trials = await desk_of(services).test(parse_implicit(baker_id), name)
    return await _page(request, services, baker_id, trials=trials, tried=name)


@router.post(f"{_PATH}/{{name}}/switch", dependencies=[_OF_THE_HOUSE])
async def switch_hook(
    services: Services, caller: CallerOf, baker_id: str, name: HookName
) -> Response:
    """Go on without a hook, or with it again."""
    desk, address = desk_of(services), parse_implicit(baker_id)
    hook = await desk.find(address, name)
    await desk.switch(address, name, enabled=not hook.enabled, actor=caller.actor)
    return done(f"/bakers/{baker_id}/hooks", Notice.HOOK_SWITCHED)


@router.post(f"{_PATH}/{{name}}/remove", dependencies=[_OF_THE_HOUSE])
async def remove_hook(
    services: Services, caller: CallerOf, baker_id: str, name: HookName
) -> Response:
    """Take a hook away."""
    await desk_of(services).remove(parse_implicit(baker_id), name, actor=caller.actor)
    return done(f"/bakers/{baker_id}/hooks", Notice.HOOK_REMOVED)


async def _page(  # noqa: PLR0913 - what happened, each with a default
    request: Request,
    services: WebServices,
    baker_id: str,
    *,
    form: FilledForm | None = None,
    entered: EnteredHook | None = None,
    trials: list[Trial] | None = None,
    tried: str = "",
) -> Response:
    desk, address = desk_of(services), parse_implicit(baker_id)
    async with desk.ledger.read() as tx:
        baker = await bakers.get(tx, address)
    shown = form or FilledForm({"seconds_max": str(SECONDS_DEFAULT)})
    return renderer_of(request).page(
        request,
        "hooks.html",
        status=HTTPStatus.OK if shown.is_good else HTTPStatus.UNPROCESSABLE_ENTITY,
        baker=baker,
        hooks=await desk.of_baker(address),
        refusals=await desk.refusals(address),
        points=_POINTS,
        form=shown,
        entered=entered,
        trials=trials,
        tried=tried,
        notice=notice_of(request),
    )


_POINTS: Final = (
    (HookPoint.PLAN_MADE.value, "plan-made: asked for adjustments of a plan"),
    (HookPoint.BEFORE_PAYING.value, "before-paying: asked whether a cycle may be paid"),
    (HookPoint.PAID.value, "paid: told that a cycle is paid"),
    (HookPoint.HELD.value, "held: told which payouts are held"),
)


def _wanted(form: Mapping[str, str], points: list[str]) -> WantedHook:
    return WantedHook(
        name=field(form, "name"),
        points=frozenset(_one_of(HookPoint, each) for each in points),
        url=field(form, "url"),
        seconds_max=whole_number(field(form, "seconds_max"), SECONDS_MAX),
    )


def _one_of(kind: type[_Choice], text: str) -> _Choice:
    try:
        return kind(text)
    except ValueError as error:
        raise InputError(f"{text!r} is none of {', '.join(kind)}") from error
