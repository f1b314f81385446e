"""A hook that keeps a cycle waiting is told to people, until it lets it go."""

from datetime import timedelta

import pytest

from bakehouse.alerts.raising import HOOK_FAILURES_TOLD, hook_refuses
from bakehouse.alerts.taking_back import close_what_is_over
from bakehouse.ledger import alerts, bakers, hook_consultations, hooks
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.hook_consultations import NewConsultation
from bakehouse.ledger.hooks import Hook, NewHook
from bakehouse.ledger.states import DistributionKind, HookPoint, Mode, Verdict
from bakehouse.payments.payer import Payer
from bakehouse.payments.step import HookStop
from tests.alerts.conftest import NOW
from tests.web.scenes import Scene

BAKER = "tz1-baker"
POINT = HookPoint.BEFORE_PAYING
VETO = HookStop("limits", POINT, is_veto=True, reason="too much", failures=0, wait_seconds=60)


@pytest.fixture
async def waiting(payer: Payer) -> tuple[Hook, Distribution]:
    """A cycle that a hook has vetoed."""
    new = NewHook(
        baker_id=BAKER, name="limits", points=frozenset({POINT}), arguments=("/bin/true",)
    )
    async with payer.ledger.write() as tx:
        baker = Baker(baker_id=BAKER, network="N", payout_address=BAKER, first_cycle=1)
        await bakers.add(tx, baker, actor="test", at=NOW)
        hook = await hooks.add(tx, new, actor="test", at=NOW)
        key = DistributionKey("N", BAKER, 7, DistributionKind.DELEGATORS, Mode.ON)
        distribution = await Scene(tx, key, NOW).plan({"tz1-anna": 60})
    await answer(payer, hook, distribution, Verdict.VETOED)
    return hook, distribution


async def answer(payer: Payer, hook: Hook, distribution: Distribution, verdict: Verdict) -> None:
    refuses = verdict is not Verdict.ALLOWED
    new = NewConsultation(
        distribution_id=distribution.id,
        hook_id=hook.id,
        point=POINT,
        question="q",
        verdict=verdict,
        reason="too much" if refuses else None,
        answer=None if refuses else "{}",
        failures=0,
        asked_at=NOW,
        ask_again_at=NOW + timedelta(minutes=10) if refuses else None,
    )
    async with payer.ledger.write() as tx:
        await hook_consultations.record(tx, new, distribution.key, hook.name)


async def raised(payer: Payer) -> dict[str, str]:
    async with payer.ledger.read() as tx:
        return {each.code: each.message for each in await alerts.still_open(tx)}


async def test_a_veto_is_told_at_once_with_who_and_why_and_is_over_when_it_is_taken_back(
    payer: Payer, waiting: tuple[Hook, Distribution]
) -> None:
    hook, distribution = waiting
    await hook_refuses(payer, distribution.key, VETO)
    await close_what_is_over(payer)
    words = "the hook limits vetoes (before-paying): too much"
    assert await raised(payer) == {"hook-vetoed": f"cycle 7 (delegators) waits: {words}"}

    await answer(payer, hook, distribution, Verdict.ALLOWED)
    await close_what_is_over(payer)

    assert await raised(payer) == {}


async def test_a_veto_of_a_hook_that_is_switched_off_is_over(
    payer: Payer, waiting: tuple[Hook, Distribution]
) -> None:
    hook, distribution = waiting
    await hook_refuses(payer, distribution.key, VETO)
    async with payer.ledger.write() as tx:
        await hooks.switch(tx, hook.id, enabled=False, actor="cli:ann", at=NOW)

    await close_what_is_over(payer)

    assert await raised(payer) == {}


async def test_a_hook_without_an_answer_is_told_once_that_lasts(
    payer: Payer, waiting: tuple[Hook, Distribution]
) -> None:
    hook, distribution = waiting
    await answer(payer, hook, distribution, Verdict.FAILED)
    for failures in range(1, HOOK_FAILURES_TOLD + 1):
        assert await raised(payer) == {}
        stop = HookStop("limits", POINT, False, "no answer", failures, 60)  # noqa: FBT003
        await hook_refuses(payer, distribution.key, stop)

    await close_what_is_over(payer)
    assert list(await raised(payer)) == ["hook-failing"]
