"""What a person does about hooks: enter, switch, remove, try, and see what they answered.

A webhook's secret is made here, told once, and stored sealed.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from bakehouse.errors import HookFailedError, SettingError
from bakehouse.hooks.answer import read_paying_answer, read_plan_answer
from bakehouse.hooks.caller import HookCaller
from bakehouse.hooks.program import check_program
from bakehouse.hooks.question import VERSION, Request, encode, sha256
from bakehouse.hooks.webhook import check_url, new_secret
from bakehouse.ledger import bakers, distributions, hook_consultations, hook_deliveries, hooks
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.hook_consultations import Consultation
from bakehouse.ledger.hook_deliveries import HookDelivery
from bakehouse.ledger.hooks import SECONDS_DEFAULT, Hook, NewHook
from bakehouse.ledger.states import HookPoint
from bakehouse.secret_box import SecretKeyFile

_NAME_LENGTH_MAX: Final = 100
SECONDS_MAX: Final = 60

#: Who stands in a document that is sent for a test.
_SAMPLE_RECIPIENT: Final = "tz1Ysx7W3sNGBijnkpjCvaaJSdKqSAAAiNz2"


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedHook:
    """A hook as a person enters it: a program with its arguments, or a URL."""

    name: str
    points: frozenset[HookPoint]
    arguments: tuple[str, ...] = ()
    url: str | None = None
    seconds_max: int = SECONDS_DEFAULT


@dataclass(frozen=True, slots=True)
class EnteredHook:
    """A hook that was entered, and what its requests are signed with: told this once."""

    hook: Hook
    secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A hook keeps a distribution waiting."""

    distribution: Distribution
    answer: Consultation


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of trying a hook at one point: what it said, and what is wrong with that."""

    point: HookPoint
    words: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class HookDesk:
    """The ledger, the key that seals secrets, how hooks are reached, and a clock, handed in."""

    ledger: Ledger
    secret_key: SecretKeyFile
    caller: HookCaller
    clock: Callable[[], datetime]

    async def add(self, baker_id: str, wanted: WantedHook, *, actor: str) -> EnteredHook:
        """Enter a hook, which is asked and told from now on.

        Raises SettingError for what cannot be called, ConflictError for a used name, NotFoundError
        for an unknown baker.
        """
        await asyncio.to_thread(_check, wanted)
        async with self.ledger.read() as tx:
            await bakers.get(tx, baker_id)
        secret = new_secret() if wanted.url is not None else None
        sealed = None if secret is None else await asyncio.to_thread(self.secret_key.seal, secret)
        new = NewHook(
            baker_id=baker_id,
            name=wanted.name,
            points=wanted.points,
            arguments=wanted.arguments,
            url=wanted.url,
            sealed_secret=sealed,
            seconds_max=wanted.seconds_max,
        )
        async with self.ledger.write() as tx:
            return EnteredHook(await hooks.add(tx, new, actor=actor, at=self.clock()), secret)

    async def of_baker(self, baker_id: str) -> list[Hook]:
        """Give a baker's hooks by name; raises NotFoundError for an unknown baker."""
        async with self.ledger.read() as tx:
            await bakers.get(tx, baker_id)
            return await hooks.of_baker(tx, baker_id)

    async def find(self, baker_id: str, name: str) -> Hook:
        """Give a baker's hook of a name; raises NotFoundError."""
        async with self.ledger.read() as tx:
            await bakers.get(tx, baker_id)
            return await hooks.named(tx, baker_id, name)

    async def refusals(self, baker_id: str) -> list[Refusal]:
        """Give what keeps distributions of a baker waiting, oldest first."""
        async with self.ledger.read() as tx:
            answers = await hook_consultations.refusing_baker(tx, baker_id)
            return [
                Refusal(await distributions.by_id(tx, each.distribution_id), each)
                for each in answers
            ]

    async def told(self, hook: Hook) -> list[HookDelivery]:
        """Give what a hook was and is to be told, newest first."""
        async with self.ledger.read() as tx:
            return await hook_deliveries.of_hook(tx, hook.id)

    async def switch(self, baker_id: str, name: str, *, enabled: bool, actor: str) -> Hook:
        """Have a hook be asked and told, or go on without it; raises NotFoundError."""
        async with self.ledger.write() as tx:
            hook = await hooks.named(tx, baker_id, name)
            return await hooks.switch(tx, hook.id, enabled=enabled, actor=actor, at=self.clock())

    async def remove(self, baker_id: str, name: str, *, actor: str) -> None:
        """Take a hook away; what it answered and changed stays on record. Raises NotFoundError."""
        async with self.ledger.write() as tx:
            hook = await hooks.named(tx, baker_id, name)
            await hooks.remove(tx, hook.id, actor=actor, at=self.clock())

    async def test(self, baker_id: str, name: str) -> list[Trial]:
        """Send a hook made-up documents, marked as tests, and tell what it says; nothing is kept.

        Raises NotFoundError.
        """
        async with self.ledger.read() as tx:
            baker = await bakers.get(tx, baker_id)
            hook = await hooks.named(tx, baker_id, name)
        return [
            await _try(self.caller, baker, hook, point)
            for point in HookPoint
            if point in hook.points
        ]


async def _try(caller: HookCaller, baker: Baker, hook: Hook, point: HookPoint) -> Trial:
    body = encode(_sample(baker, hook, point))
    request = Request(point, f"test-{hook.id}-{sha256(body)[:32]}", body)
    try:
        answer = await caller.call(hook, request)
        return Trial(point, _words(point, answer), None)
    except HookFailedError as error:
        return Trial(point, None, error.message)


def _words(point: HookPoint, answer: bytes) -> str:
    match point:
        case HookPoint.PLAN_MADE:
            proposed: Sequence[object] = read_plan_answer(answer)
            return f"proposes {len(proposed)} adjustments"
        case HookPoint.BEFORE_PAYING:
            veto = read_paying_answer(answer).veto
            return "lets it be paid" if veto is None else f"vetoes: {veto}"
        case _:
            return "has taken it"


def _sample(baker: Baker, hook: Hook, point: HookPoint) -> dict[str, Any]:
    figures = {
        "pool": "1000",
        "own_part": "0",
        "total_fees": "100",
        "total_net": "900",
        "dust": "0",
    }
    payout = {
        "recipient": _SAMPLE_RECIPIENT,
        "delegated_balance": "1000000",
        "gross": "1000",
        "fee_basis_points": 1000,
        "fee": "100",
        "net": "900",
        "carried_in": "0",
        "is_carried": False,
    }
    row = {
        "recipient": _SAMPLE_RECIPIENT,
        "address": _SAMPLE_RECIPIENT,
        "cycle": 0,
        "kind": "delegator",
        "net": "900",
    }
    parts: dict[HookPoint, dict[str, Any]] = {
        HookPoint.PLAN_MADE: {"plan": {**figures, "payouts": [payout]}},
        HookPoint.BEFORE_PAYING: {
            "plan": {**figures, "sha256": "0" * 64},
            "owed": {"total": "900", "payouts": [row]},
        },
        HookPoint.PAID: {"plan": figures, "paid": {"payouts": 1, "total": "900"}},
        HookPoint.HELD: {"held": {"count": 1, "total": "900", "payouts": [row]}},
    }
    return {
        "version": VERSION,
        "is_test": True,
        "point": point.value,
        "hook": hook.name,
        "network": baker.network,
        "baker": baker.baker_id,
        "alias": baker.alias,
        "cycle": 0,
        "kind": "delegators",
        "mode": "simulation",
        **parts[point],
    }


def _check(wanted: WantedHook) -> None:
    name = wanted.name
    if not name.strip() or len(name) > _NAME_LENGTH_MAX or not name.isprintable():
        raise SettingError(f"a hook's name is 1 to {_NAME_LENGTH_MAX} characters on one line")
    if "/" in name or not name.strip("."):
        # It is a part of addresses.
        raise SettingError("a hook's name has no slash in it, and is not made of dots alone")
    if not wanted.points:
        raise SettingError(f"say when the hook is called: {', '.join(HookPoint)}")
    if not 1 <= wanted.seconds_max <= SECONDS_MAX:
        raise SettingError(f"a hook answers within 1 to {SECONDS_MAX} seconds")
    if (wanted.url is None) == (not wanted.arguments):
        raise SettingError("a hook is a program or a webhook: name one of them")
    if wanted.url is not None:
        check_url(wanted.url)
    else:
        check_program(wanted.arguments)
