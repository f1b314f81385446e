"""Hooks of a baker: to see, to enter webhooks, to switch, try and remove.

A program is entered at the command line alone: it would let whoever has a token run what they like.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from bakehouse.desk.hooks import (
    SECONDS_MAX,
    EnteredHook,
    HookDesk,
    Refusal,
    Trial,
    WantedHook,
)
from bakehouse.ledger.hooks import SECONDS_DEFAULT, Hook
from bakehouse.ledger.roles import Role
from bakehouse.ledger.states import DistributionKind, HookKind, HookPoint, Mode, Verdict
from bakehouse.web.api.fields import EXAMPLE_TIME, BakerOfPath, Body
from bakehouse.web.api.security import TOKEN
from bakehouse.web.caller import CallerOf
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services, WebServices

router = APIRouter(
    prefix="/api/bakers/{baker_id}/hooks",
    tags=["hooks"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)

#: A hook makes this machine call an address, and decides whether people are paid.
_OF_THE_HOUSE: Final = needs(Role.ADMINISTRATOR, all_bakers=True)
_CHANGING: Final = refusals(HTTPStatus.FORBIDDEN)

HookName = Annotated[str, Path(min_length=1, max_length=100, description="The hook's name.")]


class WebhookBody(Body):
    """A webhook to be entered."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["limits"])]
    url: Annotated[
        str,
        Field(
            max_length=500,
            description="https://, without password and query; it is shown.",
            examples=["https://hooks.example.com/bakehouse"],
        ),
    ]
    points: Annotated[
        tuple[HookPoint, ...], Field(min_length=1, max_length=len(HookPoint), description="When.")
    ]
    seconds_max: Annotated[
        int, Field(ge=1, le=SECONDS_MAX, description="How long it may take to answer.")
    ] = SECONDS_DEFAULT


class SwitchBody(Body):
    """Whether a hook is asked and told."""

    enabled: bool


class HookView(BaseModel):
    """A hook as it is."""

    name: Annotated[str, Field(examples=["limits"])]
    kind: HookKind
    place: Annotated[
        str,
        Field(description="Its URL, or its command.", examples=["https://hooks.example.com/b"]),
    ]
    points: list[HookPoint]
    seconds_max: Annotated[int, Field(description="How long it may take.", examples=[10])]
    enabled: bool
    created_at: Annotated[datetime, Field(description="When it was entered.")]


class RefusalView(BaseModel):
    """A hook keeps a cycle waiting."""

    hook: Annotated[str, Field(examples=["limits"])]
    point: HookPoint
    verdict: Verdict
    reason: Annotated[str | None, Field(examples=["the sum is over 500 tez"])]
    cycle: Annotated[int, Field(examples=[750])]
    kind: DistributionKind
    mode: Mode
    asked_at: Annotated[datetime, Field(examples=[EXAMPLE_TIME])]
    ask_again_at: Annotated[datetime | None, Field(examples=[EXAMPLE_TIME])]


class HookList(BaseModel):
    """A baker's hooks by name, and what they keep waiting."""

    hooks: list[HookView]
    refusals: list[RefusalView]


class EnteredHookView(BaseModel):
    """A hook that was entered."""

    hook: HookView
    secret: Annotated[
        str | None,
        Field(
            description="What its requests are signed with; told this once.", examples=["whsec_…"]
        ),
    ]


class TrialView(BaseModel):
    """What came of trying a hook at one point."""

    point: HookPoint
    says: Annotated[str | None, Field(examples=["lets it be paid"])]
    error: Annotated[str | None, Field(description="Why its answer cannot be accepted.")]


class TrialList(BaseModel):
    """What came of trying a hook."""

    trials: list[TrialView]


class RemovedHook(BaseModel):
    """What was done."""

    removed: bool


@router.get("", summary="Hooks")
async def list_hooks(baker_id: BakerOfPath, services: Services) -> HookList:
    """List a baker's hooks, and what they keep waiting."""
    hooks = desk_of(services)
    return HookList(
        hooks=[view_of(each) for each in await hooks.of_baker(baker_id)],
        refusals=[refusal_view(each) for each in await hooks.refusals(baker_id)],
    )


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="Enter a webhook",
    dependencies=[_OF_THE_HOUSE],
    responses=_CHANGING | refusals(HTTPStatus.CONFLICT),
)
async def add_hook(
    baker_id: BakerOfPath, body: WebhookBody, services: Services, caller: CallerOf
) -> EnteredHookView:
    """Enter a webhook; its secret is in this answer alone."""
    wanted = WantedHook(
        name=body.name,
        points=frozenset(body.points),
        url=body.url,
        seconds_max=body.seconds_max,
    )
    return entered_view(await desk_of(services).add(baker_id, wanted, actor=caller.actor))


@router.put("/{name}", summary="Switch a hook", dependencies=[_OF_THE_HOUSE], responses=_CHANGING)
async def switch_hook(
    baker_id: BakerOfPath, name: HookName, body: SwitchBody, services: Services, caller: CallerOf
) -> HookView:
    """Have a hook be asked and told, or go on without it."""
    hooks = desk_of(services)
    return view_of(await hooks.switch(baker_id, name, enabled=body.enabled, actor=caller.actor))


@router.delete(
    "/{name}", summary="Remove a hook", dependencies=[_OF_THE_HOUSE], responses=_CHANGING
)
async def remove_hook(
    baker_id: BakerOfPath, name: HookName, services: Services, caller: CallerOf
) -> RemovedHook:
    """Take a hook away; what it answered and changed stays on record."""
    await desk_of(services).remove(baker_id, name, actor=caller.actor)
    return RemovedHook(removed=True)


@router.post(
    "/{name}/test", summary="Try a hook", dependencies=[_OF_THE_HOUSE], responses=_CHANGING
)
async def test_hook(baker_id: BakerOfPath, name: HookName, services: Services) -> TrialList:
    """Send a made-up document for each of its points now, and tell what it says."""
    trials = await desk_of(services).test(baker_id, name)
    return TrialList(trials=[trial_view(each) for each in trials])


def desk_of(services: WebServices) -> HookDesk:
    """Give what hooks are managed with."""
    payer = services.workshop.payer
    return HookDesk(payer.ledger, services.secret_key, payer.hooks, payer.clock)


def view_of(hook: Hook) -> HookView:
    """Write a hook as programs read it."""
    return HookView(
        name=hook.name,
        kind=hook.kind,
        place=hook.place,
        points=sorted(hook.points),
        seconds_max=hook.seconds_max,
        enabled=hook.enabled,
        created_at=hook.created_at,
    )


def entered_view(entered: EnteredHook) -> EnteredHookView:
    """Write a hook that was just entered, with its secret."""
    return EnteredHookView(hook=view_of(entered.hook), secret=entered.secret)


def refusal_view(refusal: Refusal) -> RefusalView:
    """Write what a hook keeps waiting."""
    key, answer = refusal.distribution.key, refusal.answer
    return RefusalView(
        hook=answer.hook,
        point=answer.point,
        verdict=answer.verdict,
        reason=answer.reason,
        cycle=key.cycle,
        kind=key.kind,
        mode=key.mode,
        asked_at=answer.asked_at,
        ask_again_at=answer.ask_again_at,
    )


def trial_view(trial: Trial) -> TrialView:
    """Write what came of trying a hook."""
    return TrialView(point=trial.point, says=trial.words, error=trial.error)
