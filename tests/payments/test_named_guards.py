"""Each guard by its name: what it stops, what it says, and what lets the payment go on."""

import hashlib
import json

import pytest

from bakehouse.errors import GuardRefusedError
from bakehouse.ledger.states import DistributionState, Mode, OperationState, PayoutState
from bakehouse.payments import controls
from bakehouse.payments.advance import fail
from bakehouse.payments.controls import Decision
from bakehouse.payments.guard import Guard
from tests.payments.conftest import OpenHostileBaker
from tests.payments.hostile_baker import HostileBaker, altered, assert_paid_once
from tests.payments.lives import SHORT_LIVES
from tests.payments.provocations import REASONS, REFUSALS, cap_the_cycle, let_groups_expire, tamper
from tests.payments.surroundings import owed

#: Guards that hold a payout or make the job wait instead: the tests below, and of looking back.
GENTLE = {
    Guard.PAYOUT_CAP,
    Guard.CONTRACT_COST_CAP,
    Guard.NOT_PAID_ELSEWHERE,
    Guard.SOURCES_AGREE,
    Guard.FIRST_CYCLE,
}

#: Guards of what belongs to no cycle: see test_by_hand and test_top_up.
OF_ORDERS = {Guard.KEEPS_OWED, Guard.TOP_UP_CAP, Guard.NOT_DONE_ELSEWHERE}


def decision(baker: HostileBaker) -> Decision:
    return Decision("test", "looked at it", baker.payer.clock())


def test_every_guard_there_is_is_provoked() -> None:
    assert set(REFUSALS) == set(REASONS)
    assert set(REFUSALS) | GENTLE | OF_ORDERS == set(Guard)
    assert not set(REFUSALS) & GENTLE


@pytest.mark.parametrize("guard", REFUSALS)
async def test_a_guard_refuses_by_its_name_and_says_why_and_nothing_is_sent(
    hostile: HostileBaker, guard: Guard
) -> None:
    await REFUSALS[guard](hostile)
    signed = [each.hash for each in await hostile.operations()]
    sent = hostile.way.asked(".* POST /injection/operation")

    for _ in range(2):
        with pytest.raises(GuardRefusedError, match=f"^{guard}: .*{REASONS[guard]}") as refused:
            await hostile.step()

        assert refused.value.facts["guard"] == guard.value
    assert [each.hash for each in await hostile.operations()] == signed
    assert hostile.way.asked(".* POST /injection/operation") == sent
    assert hostile.paid_on_chain() == {}


async def test_a_counter_that_node_and_indexer_tell_differently_is_not_planned_upon(
    hostile: HostileBaker,
) -> None:
    hostile.way.treat(
        "indexer GET /v1/accounts/.*",
        altered(lambda account: {**account, "counter": account["counter"] + 1}),
    )

    step = await hostile.step()

    assert step.trouble is not None
    assert "the counter" in step.trouble
    assert not step.distribution.is_planned
    await assert_paid_once(hostile)


async def test_evidence_of_less_than_the_plan_pays_is_refused(hostile: HostileBaker) -> None:
    await hostile.plan_only()
    total = (await hostile.distribution()).figures.total_net
    evidence = json.dumps({"rewards": {"own_rewards": total - 1, "pool": 10**12}})
    digest = hashlib.sha256(evidence.encode()).hexdigest()
    tamper(
        hostile,
        f"UPDATE snapshots SET content = '{evidence}'",  # noqa: S608 - a test's own ledger
        f"UPDATE distributions SET snapshot_sha256 = '{digest}'",  # noqa: S608 - same
    )

    with pytest.raises(GuardRefusedError, match=r"^within-earned: .* but only .* were earned"):
        await hostile.step()

    assert await hostile.operations() == []


async def test_a_cycle_that_costs_just_the_cap_is_paid(hostile: HostileBaker) -> None:
    await hostile.plan_only()
    await hostile.change(cycle_cap=(await hostile.distribution()).figures.total_net)

    await assert_paid_once(hostile)


async def test_a_raised_cap_lets_a_refused_cycle_go(hostile: HostileBaker) -> None:
    await cap_the_cycle(hostile)
    with pytest.raises(GuardRefusedError, match="cycle-cap"):
        await hostile.step()
    await hostile.change(cycle_cap=None)

    await assert_paid_once(hostile)


async def test_who_is_owed_more_than_the_payout_cap_is_held_and_the_others_are_paid(
    hostile: HostileBaker,
) -> None:
    await hostile.plan_only()
    largest, second, *_ = await hostile.payouts()
    assert largest.net > second.net
    await hostile.change(payout_cap=second.net)

    step = await hostile.pay()

    assert (step.held, step.paid) == (1, step.total - 1)
    rows = await hostile.payouts()
    (held,) = [row for row in rows if row.state is PayoutState.HELD]
    assert held.id == largest.id
    assert held.reason is not None
    assert held.reason.startswith("payout-cap: ")
    assert hostile.paid_on_chain() == owed([row for row in rows if row is not held])
    async with hostile.payer.ledger.write() as tx:
        assert await controls.release(tx, hostile.key(), decision(hostile)) == 1
    await assert_paid_once(hostile)


async def test_small_payouts_that_come_to_more_than_the_cap_together_are_held_together(
    open_hostile: OpenHostileBaker,
) -> None:
    baker = await open_hostile(limits=SHORT_LIVES, minimum_payout=10**9)
    await baker.pay()
    carried = await baker.payouts()
    baker.finish_cycle()
    await baker.notice()
    await baker.change(minimum_payout=0, payout_cap=max(row.net for row in carried))
    second = baker.key(baker.first_cycle + 1)

    step = await baker.pay(second)

    both = [*await baker.payouts(), *await baker.payouts(second)]
    held = {row.address for row in both if row.state is PayoutState.HELD}
    assert step.held == sum(row.address in held for row in both)
    assert held
    cap = max(row.net for row in carried)
    assert held == {address for address, total in owed(both).items() if total > cap}
    assert baker.paid_on_chain() == owed([row for row in both if row.address not in held])


async def test_the_first_cycle_waits_for_a_go_and_the_second_does_not(
    open_hostile: OpenHostileBaker,
) -> None:
    baker = await open_hostile(limits=SHORT_LIVES, confirm_first_cycle=True)
    for _ in range(3):
        step = await baker.step()
        assert (step.awaits_go, step.wait_seconds) == (True, None)
        assert step.waiting_for == "a person's go"
        baker.bake()
    assert (await baker.distribution()).is_planned
    assert await baker.operations() == []

    async with baker.payer.ledger.write() as tx:
        await controls.approve(tx, baker.key(), decision(baker))

    await assert_paid_once(baker)
    baker.finish_cycle()
    await baker.notice()
    step = await baker.pay(baker.key(baker.first_cycle + 1))
    assert (step.awaits_go, step.paid) == (False, step.total)


async def test_a_simulation_needs_no_go(open_hostile: OpenHostileBaker) -> None:
    baker = await open_hostile(mode=Mode.SIMULATION, confirm_first_cycle=True)

    step = await baker.step(baker.key(mode=Mode.SIMULATION))

    assert step.distribution.state is DistributionState.SIMULATED


async def test_a_retry_by_a_person_after_three_expired_groups_starts_anew(
    hostile: HostileBaker,
) -> None:
    await let_groups_expire(hostile)
    with pytest.raises(GuardRefusedError, match="reaches-blocks") as refused:
        await hostile.step()
    await fail(hostile.payer, hostile.key(), refused.value.message)
    hostile.sandbox.sleep(60)
    async with hostile.payer.ledger.write() as tx:
        await controls.retry(tx, hostile.key(), decision(hostile))

    await assert_paid_once(hostile)

    states = [each.state for each in await hostile.operations()]
    assert states[:3] == [OperationState.DEAD] * 3
    assert set(states[3:]) == {OperationState.FINAL}
