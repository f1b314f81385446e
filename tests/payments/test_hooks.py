"""A baker's hooks before paying: what they change is in the plan, what they refuse is not paid."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bakehouse.errors import ConflictError
from bakehouse.failpoints import Failpoint, hooked
from bakehouse.ledger import hook_consultations, hooks, leases, plan_adjustments
from bakehouse.ledger.hook_consultations import Consultation
from bakehouse.ledger.plan_adjustments import AcceptedAdjustment
from bakehouse.ledger.states import (
    DistributionKind,
    DistributionState,
    HookPoint,
    Mode,
    PayoutState,
    Verdict,
)
from bakehouse.payments import controls
from bakehouse.payments.advance import fail
from bakehouse.payments.controls import Decision
from tests.payments.conftest import OpenHostileBaker
from tests.payments.hostile_baker import HostileBaker, assert_paid_once
from tests.payments.lives import SHORT_LIVES
from tests.payments.scripted_hooks import (
    ScriptedHooks,
    add_hook,
    adjustments,
    go,
    veto,
    with_hooks,
)
from tests.payments.surroundings import owed

PLAN_MADE, BEFORE_PAYING = HookPoint.PLAN_MADE, HookPoint.BEFORE_PAYING


@pytest.fixture
async def watched(hostile: HostileBaker) -> tuple[HostileBaker, ScriptedHooks]:
    return with_hooks(hostile)


@pytest.fixture
async def nets(open_hostile: OpenHostileBaker) -> dict[str, int]:
    """What the same cycle pays without any hook."""
    twin = await open_hostile(limits=SHORT_LIVES)
    await twin.plan_only()
    return {row.owed_to: row.net for row in await twin.payouts()}


async def answers(baker: HostileBaker) -> list[Consultation]:
    distribution = await baker.distribution()
    async with baker.payer.ledger.read() as tx:
        return await hook_consultations.of_distribution(tx, distribution.id)


async def listed(baker: HostileBaker) -> list[AcceptedAdjustment]:
    distribution = await baker.distribution()
    async with baker.payer.ledger.read() as tx:
        return await plan_adjustments.of_distribution(tx, distribution.id)


def later(baker: HostileBaker, by: timedelta) -> HostileBaker:
    """The same, so much later by its clock."""
    clock = baker.payer.clock
    return replace(baker, payer=replace(baker.payer, clock=lambda: clock() + by))


async def retry(baker: HostileBaker) -> None:
    async with baker.payer.ledger.write() as tx:
        by = Decision("cli:ann", "looked at it", baker.payer.clock())
        await controls.retry(tx, baker.key(), by)


def nothing_sent(baker: HostileBaker) -> bool:
    return not baker.way.injected and not baker.paid_on_chain()


# What a plan becomes


async def test_accepted_adjustments_are_paid_and_listed_with_their_hook(
    watched: tuple[HostileBaker, ScriptedHooks], nets: dict[str, int]
) -> None:
    baker, scripted = watched
    first, second, third, *_ = nets
    await add_hook(baker, "friends", PLAN_MADE)
    scripted.says["friends"] = adjustments(
        {"recipient": first, "amount": "7", "to": second, "why": "shared"},
        {"recipient": third, "amount": 5, "why": "paid in cash"},
    )

    await assert_paid_once(baker)

    expected = {**nets, first: nets[first] - 7, second: nets[second] + 7, third: nets[third] - 5}
    assert baker.paid_on_chain() == expected
    assert owed(await baker.payouts()) == expected
    changes = [(each.hook, each.adjustment) for each in await listed(baker)]
    assert [(hook, one.recipient, one.why) for hook, one in changes] == [
        ("friends", first, "shared"),
        ("friends", third, "paid in cash"),
    ]
    figures = (await baker.distribution()).figures
    parts = figures.own_part + figures.total_fees + figures.total_net + figures.dust
    assert (parts, figures.total_net) == (figures.pool, sum(nets.values()) - 5)
    [document] = scripted.documents("friends")
    assert {row["recipient"]: int(row["net"]) for row in document["plan"]["payouts"]} == nets
    assert (document["point"], document["cycle"]) == ("plan-made", baker.first_cycle)


async def test_each_hook_sees_what_the_one_before_it_left(
    watched: tuple[HostileBaker, ScriptedHooks], nets: dict[str, int]
) -> None:
    baker, scripted = watched
    first, *_ = nets
    await add_hook(baker, "b", PLAN_MADE)
    await add_hook(baker, "a", PLAN_MADE)
    for name in ("a", "b"):
        scripted.says[name] = adjustments({"recipient": first, "amount": 1, "why": name})

    await baker.step()

    [seen] = scripted.documents("b")
    assert {row["recipient"]: row["net"] for row in seen["plan"]["payouts"]}[first] == str(
        nets[first] - 1
    )
    assert [each.hook for each in await listed(baker)] == ["a", "b"]
    planned = {row.owed_to: row.net for row in await baker.payouts()}
    assert planned == {**nets, first: nets[first] - 2}


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"recipient": "FIRST", "amount": 10**15, "why": "w"}, "would be taken from"),
        ({"recipient": "tz1-nobody", "amount": 1, "why": "w"}, "tz1-nobody is not in the plan"),
        ({"recipient": "FIRST", "amount": 1, "to": "tz1-x", "why": "w"}, "tz1-x is not in"),
        ({"recipient": "FIRST", "amount": -1, "why": "w"}, "amount must be a whole number"),
    ],
)
async def test_adjustments_that_break_the_plan_are_refused_and_nothing_is_planned(
    watched: tuple[HostileBaker, ScriptedHooks],
    nets: dict[str, int],
    entry: dict[str, Any],
    complaint: str,
) -> None:
    baker, scripted = watched
    await add_hook(baker, "friends", PLAN_MADE)
    first = next(iter(nets))
    named = {**entry, "recipient": first if entry["recipient"] == "FIRST" else entry["recipient"]}
    scripted.says["friends"] = adjustments(named)

    step = await baker.step()

    assert step.hook_stop is not None
    assert not step.hook_stop.is_veto
    assert complaint in step.waiting_for
    assert (await baker.distribution()).state is DistributionState.REWARDS_PENDING
    assert await baker.payouts() == []
    assert await listed(baker) == []


async def test_a_hook_that_was_heard_before_a_crash_is_not_applied_twice(
    watched: tuple[HostileBaker, ScriptedHooks], nets: dict[str, int]
) -> None:
    baker, scripted = watched
    first, *_ = nets
    await add_hook(baker, "friends", PLAN_MADE)
    scripted.says["friends"] = adjustments({"recipient": first, "amount": 3, "why": "w"})

    class DiedError(Exception):
        pass

    deaths = [Failpoint.HOOK_ANSWERED, Failpoint.MID_PLAN_WRITE, Failpoint.AFTER_PLAN]

    def die(place: Failpoint) -> None:
        if deaths and place is deaths[0]:
            deaths.pop(0)
            raise DiedError

    with hooked(die):
        for _ in range(3):
            with pytest.raises(DiedError):
                await baker.step()

    await assert_paid_once(baker)
    assert baker.paid_on_chain() == {**nets, first: nets[first] - 3}
    assert len(await listed(baker)) == 1
    # Only the answer that nobody had stored was asked for again: under the same id.
    ids = [request.id for _, request in scripted.asked]
    assert len(ids) == 2
    assert len(set(ids)) == 1


async def test_a_hook_that_hangs_at_planning_costs_nothing_but_time_and_is_asked_again(
    watched: tuple[HostileBaker, ScriptedHooks],
) -> None:
    baker, scripted = watched
    await add_hook(baker, "friends", PLAN_MADE)
    scripted.says["friends"] = lambda _: "it did not answer within 10 s"

    for _ in range(3):
        step = await baker.step()
        assert step.waiting_for == (
            "the hook friends gave no answer that can be accepted (plan-made): "
            "it did not answer within 10 s"
        )
    assert len(scripted.asked) == 1
    requests = len(baker.way.requests)
    await baker.step()
    # Nothing is read for a plan that cannot be made yet, but how long a block takes.
    assert len(baker.way.requests) - requests <= 1

    after = later(baker, timedelta(seconds=31))
    again = await after.step()
    assert again.hook_stop is not None
    assert (again.hook_stop.failures, len(scripted.asked)) == (2, 2)
    # Each failure doubles the wait.
    await later(baker, timedelta(seconds=70)).step()
    assert len(scripted.asked) == 2
    del scripted.says["friends"]
    await later(baker, timedelta(seconds=100)).step()
    assert await baker.payouts()


# Whether it is paid


async def test_a_veto_keeps_a_cycle_from_being_paid_until_a_person_has_it_asked_again(
    watched: tuple[HostileBaker, ScriptedHooks],
) -> None:
    baker, scripted = watched
    await add_hook(baker, "limits", BEFORE_PAYING)
    scripted.says["limits"] = veto("the sum is over 500 tez")

    for _ in range(3):
        step = await baker.step()
        baker.bake()

    assert step.hook_stop is not None
    assert (step.hook_stop.hook, step.hook_stop.is_veto) == ("limits", True)
    assert step.waiting_for == ("the hook limits vetoes (before-paying): the sum is over 500 tez")
    assert nothing_sent(baker)
    assert len(scripted.asked) == 1
    [answer] = await answers(baker)
    assert (answer.verdict, answer.reason) == (Verdict.VETOED, "the sum is over 500 tez")
    assert "hook.vetoed" in await baker.audit_actions(str(baker.key()))

    scripted.says["limits"] = go
    await retry(baker)
    await baker.step()
    assert len(await baker.operations()) == 1
    assert [each.verdict for each in await answers(baker)] == [Verdict.ALLOWED]
    [_, document] = scripted.documents("limits")
    assert document["owed"]["total"] == str((await baker.distribution()).figures.total_net)


async def test_a_veto_is_asked_again_after_a_pause(
    watched: tuple[HostileBaker, ScriptedHooks],
) -> None:
    baker, scripted = watched
    await add_hook(baker, "limits", BEFORE_PAYING)
    scripted.says["limits"] = veto("not today")
    await baker.step()
    await later(baker, timedelta(seconds=590)).step()
    assert len(scripted.asked) == 1

    await later(baker, timedelta(seconds=601)).step()

    assert len(scripted.asked) == 2
    assert nothing_sent(baker)


@pytest.mark.parametrize(
    "said", ["it ended with code 1: no words", b"OK", b"", b'{"version":1,"verdict":"yes"}']
)
async def test_silence_and_junk_close_the_gate(
    watched: tuple[HostileBaker, ScriptedHooks], said: bytes | str
) -> None:
    baker, scripted = watched
    await add_hook(baker, "limits", BEFORE_PAYING)
    scripted.says["limits"] = lambda _: said

    for minutes in (0, 1, 60):
        step = await later(baker, timedelta(minutes=minutes)).step()
        assert step.hook_stop is not None
        assert not step.hook_stop.is_veto

    assert nothing_sent(baker)
    assert (await baker.distribution()).state is DistributionState.PAYING
    assert step.hook_stop is not None
    assert step.hook_stop.failures == len(scripted.asked) > 1


async def test_every_hook_has_to_agree(watched: tuple[HostileBaker, ScriptedHooks]) -> None:
    baker, scripted = watched
    for name in ("a", "b", "c"):
        await add_hook(baker, name, BEFORE_PAYING)
    scripted.says["b"] = veto("no")

    await baker.step()

    assert [name for name, _ in scripted.asked] == ["a", "b"]
    assert nothing_sent(baker)
    scripted.says["b"] = go
    await retry(baker)
    await assert_paid_once(baker)
    # Who has agreed is not asked for each group: once for the whole cycle.
    assert [name for name, _ in scripted.asked] == ["a", "b", "b", "c"]
    assert len(await baker.operations()) > 1


async def test_a_cycle_that_failed_and_is_taken_up_again_is_asked_about_anew(
    watched: tuple[HostileBaker, ScriptedHooks],
) -> None:
    baker, scripted = watched
    await add_hook(baker, "limits", BEFORE_PAYING)
    await baker.step()
    await fail(baker.payer, baker.key(), "the wallet was empty")
    # The clock is the chain's: a person takes longer than nothing.
    baker.bake()
    await retry(baker)

    await baker.step()

    assert len(scripted.asked) == 2
    assert len(await baker.operations()) == 2


async def test_without_the_hook_that_refuses_payments_go_on(
    watched: tuple[HostileBaker, ScriptedHooks],
) -> None:
    baker, scripted = watched
    hook = await add_hook(baker, "limits", BEFORE_PAYING)
    scripted.says["limits"] = veto("no")
    await baker.step()
    async with baker.payer.ledger.write() as tx:
        await hooks.switch(tx, hook.id, enabled=False, actor="cli:ann", at=baker.payer.clock())
        assert await hook_consultations.refusing_baker(tx, baker.baker_id) == []

    await baker.step()

    assert len(await baker.operations()) == 1


async def test_a_hook_entered_under_the_name_of_another_is_asked_itself(
    watched: tuple[HostileBaker, ScriptedHooks],
) -> None:
    baker, scripted = watched
    first = await add_hook(baker, "limits", BEFORE_PAYING)
    await baker.step()
    async with baker.payer.ledger.write() as tx:
        await hooks.remove(tx, first.id, actor="cli:ann", at=baker.payer.clock())
    await add_hook(baker, "limits", BEFORE_PAYING)
    scripted.says["limits"] = veto("I am another")
    baker.bake()
    step = await baker.step()

    assert step.hook_stop is not None
    assert step.hook_stop.reason == "I am another"
    assert len(await baker.operations()) == 1


async def test_nobody_holds_the_wallet_while_a_hook_is_asked(
    watched: tuple[HostileBaker, ScriptedHooks],
) -> None:
    baker, scripted = watched
    for name, point in (("plan", PLAN_MADE), ("limits", BEFORE_PAYING)):
        await add_hook(baker, name, point)
    free: list[bool] = []

    async def look() -> None:
        async with baker.payer.ledger.write() as tx:
            lease = await leases.acquire(
                tx,
                baker.key().network,
                baker.payout_address,
                holder="another",
                at=baker.payer.clock(),
                seconds=9,
            )
            free.append(lease is not None)
            if lease is not None:
                await leases.release(tx, lease, at=baker.payer.clock())

    scripted.meanwhile.append(look)
    await baker.step()

    assert free == [True, True]


async def test_a_retry_of_a_cycle_that_nothing_keeps_waiting_is_refused(
    watched: tuple[HostileBaker, ScriptedHooks],
) -> None:
    baker, _ = watched
    await baker.step()

    with pytest.raises(ConflictError, match="there is nothing to retry"):
        await retry(baker)


# What is asked about


async def test_a_simulation_is_asked_about_its_plan_and_never_about_paying(
    open_hostile: OpenHostileBaker,
) -> None:
    baker, scripted = with_hooks(await open_hostile(limits=SHORT_LIVES, mode=Mode.SIMULATION))
    await add_hook(baker, "all", *HookPoint)

    step = await baker.step(baker.key(mode=Mode.SIMULATION))

    assert step.is_settled
    assert [request.point for _, request in scripted.asked] == [PLAN_MADE]
    assert scripted.documents("all")[0]["mode"] == "simulation"


async def test_the_bond_pool_is_asked_about_before_paying_only(
    open_hostile: OpenHostileBaker,
) -> None:
    baker, scripted = with_hooks(await open_hostile(limits=SHORT_LIVES, bond_pool_enabled=True))
    await baker.set_bond_pool({baker.payout_address: 10})
    await add_hook(baker, "all", PLAN_MADE, BEFORE_PAYING)
    # Nobody is owed anything but the pool, so that it is its turn at once.
    await baker.change(minimum_payout=10**15)
    assert (await baker.step()).is_settled
    scripted.asked.clear()

    await baker.step(baker.key(kind=DistributionKind.BOND_POOL))

    assert [request.point for _, request in scripted.asked] == [BEFORE_PAYING]
    assert scripted.documents("all")[0]["kind"] == "bond_pool"


async def test_a_cycle_that_owes_nobody_asks_nobody(
    watched: tuple[HostileBaker, ScriptedHooks],
) -> None:
    baker, scripted = watched
    await baker.change(minimum_payout=10**15)
    await add_hook(baker, "limits", BEFORE_PAYING)

    step = await baker.step()

    assert step.is_settled
    assert scripted.asked == []
    assert {row.state for row in await baker.payouts()} == {PayoutState.CARRIED}
