"""Hooks whose answers a test decides, without process or socket; what they are asked is kept."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from bakehouse.errors import HookFailedError
from bakehouse.hooks.caller import HookCaller
from bakehouse.hooks.question import Request
from bakehouse.ledger import hooks
from bakehouse.ledger.hooks import Hook, NewHook
from bakehouse.ledger.states import HookPoint
from tests.payments.registered_baker import RegisteredBaker

Baker = TypeVar("Baker", bound=RegisteredBaker)

#: What a hook says to a document; a string is raised as its failure, bytes are sent as they are.
Says = Callable[[dict[str, Any]], dict[str, Any] | bytes | str]


def go(_: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "verdict": "go"}


def veto(reason: str) -> Says:
    return lambda _: {"version": 1, "verdict": "veto", "reason": reason}


def adjustments(*entries: dict[str, Any]) -> Says:
    return lambda _: {"version": 1, "adjustments": list(entries)}


@dataclass(frozen=True, slots=True)
class ScriptedHooks(HookCaller):
    """What each hook says, by its name; those that are not named let everything be."""

    says: dict[str, Says] = field(default_factory=dict)
    asked: list[tuple[str, Request]] = field(default_factory=list)
    #: Called while a hook is asked, before it answers.
    meanwhile: list[Callable[[], Any]] = field(default_factory=list)

    async def call(self, hook: Hook, request: Request) -> bytes:
        self.asked.append((hook.name, request))
        for look in self.meanwhile:
            await look()
        document = json.loads(request.body)
        default = adjustments() if request.point is HookPoint.PLAN_MADE else go
        said = self.says.get(hook.name, default)(document)
        if isinstance(said, str):
            raise HookFailedError(said)
        return said if isinstance(said, bytes) else json.dumps(said).encode()

    def documents(self, name: str) -> list[dict[str, Any]]:
        """What a hook was sent, in order."""
        return [json.loads(request.body) for asked, request in self.asked if asked == name]


def with_hooks(baker: Baker) -> tuple[Baker, ScriptedHooks]:
    """Give the baker with a payer that reaches scripted hooks."""
    scripted = ScriptedHooks()
    return replace(baker, payer=replace(baker.payer, hooks=scripted)), scripted


async def add_hook(baker: RegisteredBaker, name: str, *points: HookPoint) -> Hook:
    """Enter a hook of the baker; where it leads is not looked at."""
    new = NewHook(
        baker_id=baker.baker_id,
        name=name,
        points=frozenset(points),
        arguments=("/usr/local/bin/hook",),
    )
    async with baker.payer.ledger.write() as tx:
        return await hooks.add(tx, new, actor="test", at=baker.payer.clock())
