"""What hooks are told: noted with what happened, told until they have it, once for each event."""

import json
from datetime import timedelta

import pytest

from bakehouse.errors import HookFailedError, NotFoundError
from bakehouse.failpoints import Failpoint, hooked
from bakehouse.ledger import hook_deliveries, hooks
from bakehouse.ledger.deliveries import ATTEMPTS_MAX
from bakehouse.ledger.hook_deliveries import HookDelivery
from bakehouse.ledger.hooks import Hook
from bakehouse.ledger.states import DeliveryState, HookPoint, PayoutState
from bakehouse.payments import controls
from bakehouse.payments.controls import Decision
from bakehouse.payments.hook_notices import tell_hook
from tests.payments.hostile_baker import HostileBaker
from tests.payments.scripted_hooks import ScriptedHooks, add_hook, with_hooks


@pytest.fixture
async def watched(hostile: HostileBaker) -> tuple[HostileBaker, ScriptedHooks]:
    return with_hooks(hostile)


async def told(baker: HostileBaker, hook: Hook) -> list[HookDelivery]:
    """The oldest first."""
    async with baker.payer.ledger.read() as tx:
        return (await hook_deliveries.of_hook(tx, hook.id))[::-1]


async def release(baker: HostileBaker) -> None:
    async with baker.payer.ledger.write() as tx:
        by = Decision("cli:ann", "it is fine", baker.payer.clock())
        await controls.release(tx, baker.key(), by)


async def hold_the_largest(baker: HostileBaker) -> str:
    """Have the cycle paid but for the largest payout, which is over the cap; gives whose it is."""
    await baker.plan_only()
    largest, second, *_ = await baker.payouts()
    await baker.change(payout_cap=second.net)
    assert (await baker.pay()).held == 1
    return largest.owed_to


async def test_a_hook_is_told_of_what_is_held_and_of_what_is_paid(
    watched: tuple[HostileBaker, ScriptedHooks],
) -> None:
    baker, scripted = watched
    hook = await add_hook(baker, "books", HookPoint.PAID, HookPoint.HELD)
    whose = await hold_the_largest(baker)

    held, paid = await told(baker, hook)
    assert (held.point, paid.point) == (HookPoint.HELD, HookPoint.PAID)
    [named] = json.loads(held.document)["held"]["payouts"]
    assert (named["recipient"], "payout-cap" in named["reason"]) == (whose, True)
    document = json.loads(paid.document)
    rows = [row for row in await baker.payouts() if row.state is PayoutState.PAID]
    assert document["paid"] == {
        "payouts": len(rows),
        "total": str(sum(row.net for row in rows)),
    }
    assert document["operations"] == [each.hash for each in await baker.operations()]

    await release(baker)
    await baker.pay()

    # What was released is told of with the rest once that is paid too; nothing is held any more.
    assert [each.point for each in await told(baker, hook)][2:] == [HookPoint.PAID]
    for delivery in await told(baker, hook):
        assert (await tell_hook(baker.payer, delivery.id)).state is DeliveryState.SENT
    assert [request.id for _, request in scripted.asked] == ["held-1", "paid-2", "paid-3"]


async def test_a_cycle_that_is_looked_at_again_and_again_is_told_of_once(
    watched: tuple[HostileBaker, ScriptedHooks],
) -> None:
    baker, _ = watched
    hook = await add_hook(baker, "books", HookPoint.HELD)
    await hold_the_largest(baker)

    for _ in range(3):
        await baker.step()

    assert len(await told(baker, hook)) == 1


async def test_without_a_hook_for_it_nothing_is_noted(
    watched: tuple[HostileBaker, ScriptedHooks],
) -> None:
    baker, _ = watched
    hook = await add_hook(baker, "limits", HookPoint.BEFORE_PAYING)

    await baker.pay()

    assert await told(baker, hook) == []


@pytest.fixture
async def noted(watched: tuple[HostileBaker, ScriptedHooks]) -> HookDelivery:
    """A delivery that is about to be told."""
    baker, _ = watched
    hook = await add_hook(baker, "books", HookPoint.PAID)
    distribution = await baker.distribution()
    async with baker.payer.ledger.write() as tx:
        for _ in range(2):
            await hook_deliveries.enter(
                tx,
                hook.id,
                distribution.id,
                point=HookPoint.PAID,
                subject="cycle",
                document={"version": 1},
                at=baker.payer.clock(),
            )
    [delivery] = await told(baker, hook)
    return delivery


async def test_what_is_not_taken_is_tried_again_after_waits_that_double(
    watched: tuple[HostileBaker, ScriptedHooks], noted: HookDelivery
) -> None:
    baker, scripted = watched
    scripted.says["books"] = lambda _: "it answered with HTTP 500"
    waits = []
    for attempt in range(1, ATTEMPTS_MAX + 1):
        with pytest.raises(HookFailedError, match=r"^books: it answered with HTTP 500$"):
            await tell_hook(baker.payer, noted.id)
        async with baker.payer.ledger.read() as tx:
            now = await hook_deliveries.get(tx, noted.id)
        assert now.attempts == attempt
        waits.append((now.next_at - baker.payer.clock()) // timedelta(seconds=1))

    assert waits[:3] == [30, 60, 120]
    assert (now.state, now.last_error) == (DeliveryState.FAILED, "it answered with HTTP 500")
    del scripted.says["books"]
    assert (await tell_hook(baker.payer, noted.id)).state is DeliveryState.SENT


async def test_who_is_told_twice_after_a_crash_can_tell_by_the_id(
    watched: tuple[HostileBaker, ScriptedHooks], noted: HookDelivery
) -> None:
    baker, scripted = watched

    class DiedError(Exception):
        pass

    def die(place: Failpoint) -> None:
        if place is Failpoint.HOOK_TOLD:
            raise DiedError

    with hooked(die), pytest.raises(DiedError):
        await tell_hook(baker.payer, noted.id)
    await tell_hook(baker.payer, noted.id)
    await tell_hook(baker.payer, noted.id)

    assert [request.id for _, request in scripted.asked] == [f"paid-{noted.id}"] * 2


async def test_a_hook_that_is_off_or_gone_is_told_nothing(
    watched: tuple[HostileBaker, ScriptedHooks], noted: HookDelivery
) -> None:
    baker, scripted = watched
    at = baker.payer.clock()
    async with baker.payer.ledger.write() as tx:
        await hooks.switch(tx, noted.hook_id, enabled=False, actor="cli:ann", at=at)

    assert (await tell_hook(baker.payer, noted.id)).state is DeliveryState.FAILED

    async with baker.payer.ledger.write() as tx:
        await hooks.remove(tx, noted.hook_id, actor="cli:ann", at=at)
    with pytest.raises(NotFoundError):
        await tell_hook(baker.payer, noted.id)
    assert scripted.asked == []
