"""What a person decides: its effect, its limits, and who and why in the audit trail."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import ConflictError, InputError, NotFoundError
from bakehouse.ledger import audit
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.states import (
    Death,
    DistributionState,
    Mode,
    OperationState,
    PayoutState,
)
from bakehouse.payments import controls
from bakehouse.payments.advance import fail
from bakehouse.payments.controls import Decision
from bakehouse.tezos.node import FINALITY_BLOCKS
from tests.payments.conftest import OpenHostileBaker
from tests.payments.hostile_baker import BAD_GATEWAY, HostileBaker, assert_paid_once
from tests.payments.lives import SHORT_LIVES, stuck
from tests.payments.surroundings import owed

Decide = Callable[[AsyncConnection, Decision], Awaitable[Any]]


async def decide(baker: HostileBaker, decision: Decide, why: str = "looked at it") -> Any:
    """Decide as a person of the name of Ann."""
    async with baker.payer.ledger.write() as tx:
        return await decision(tx, Decision("cli:ann", why, baker.payer.clock()))


async def events(baker: HostileBaker, action: str) -> list[AuditEvent]:
    async with baker.payer.ledger.read() as tx:
        found = await audit.latest(tx, limit=10_000)
    return [event for event in found if event.action == action]


async def assert_on_record(baker: HostileBaker, action: str, *subjects: str) -> None:
    found = await events(baker, action)
    assert sorted(each.subject for each in found) == sorted(subjects)
    assert {each.actor for each in found} == {"cli:ann"}
    assert {each.detail["why"] for each in found} == {"looked at it"}
    assert await baker.audit_is_unbroken()


async def with_one_held(baker: HostileBaker) -> str:
    """Have a cycle paid but for the largest payout, which is over the cap; gives whose that is."""
    await baker.plan_only()
    largest, second, *_ = await baker.payouts()
    await baker.change(payout_cap=second.net)
    assert (await baker.pay()).held == 1
    return largest.owed_to


async def quarantined(baker: HostileBaker) -> str:
    """Have the first group's fate unknown; gives its hash."""
    operation = await stuck(baker)
    baker.way.treat("indexer .*", BAD_GATEWAY)
    last = operation.last_includable_level + SHORT_LIVES.proof_patience_blocks
    baker.bake_to(last + FINALITY_BLOCKS + 1)
    assert (await baker.step()).quarantined == (operation.hash,)
    return operation.hash


@pytest.mark.parametrize(
    ("actor", "why", "missing"), [("", "because", "who"), ("ann", "", "why"), ("ann", " \t", "why")]
)
def test_a_decision_of_nobody_or_for_no_reason_is_refused(
    actor: str, why: str, missing: str
) -> None:
    with pytest.raises(InputError, match=f"say .*{missing}.*: it is kept in the audit trail"):
        Decision(actor, why, datetime.now(UTC))


async def test_a_pause_is_on_record_and_stops_what_follows(hostile: HostileBaker) -> None:
    await hostile.step()
    await decide(hostile, lambda tx, by: controls.pause(tx, hostile.baker_id, by))
    hostile.bake()

    for _ in range(4):
        await hostile.step()
        hostile.bake()

    assert len(await hostile.operations()) == 1
    await assert_on_record(hostile, "baker.paused", hostile.baker_id)
    await hostile.change(mode=Mode.ON)
    await assert_paid_once(hostile)


async def test_a_pause_of_a_baker_that_is_not_there_is_refused(hostile: HostileBaker) -> None:
    with pytest.raises(NotFoundError):
        await decide(hostile, lambda tx, by: controls.pause(tx, "tz1-nobody", by))

    assert await events(hostile, "baker.paused") == []


async def test_a_go_is_given_once_and_is_on_record(open_hostile: OpenHostileBaker) -> None:
    baker = await open_hostile(confirm_first_cycle=True)
    await baker.step()
    await decide(baker, lambda tx, by: controls.approve(tx, baker.key(), by))

    with pytest.raises(ConflictError, match="needs no go"):
        await decide(baker, lambda tx, by: controls.approve(tx, baker.key(), by))

    await assert_on_record(baker, "distribution.approved", str(baker.key()))
    await assert_paid_once(baker)


async def test_a_cycle_that_did_not_fail_is_not_retried(hostile: HostileBaker) -> None:
    await hostile.step()

    with pytest.raises(ConflictError, match="is paying, not failed"):
        await decide(hostile, lambda tx, by: controls.retry(tx, hostile.key(), by))

    assert await events(hostile, "distribution.retried") == []


@pytest.mark.parametrize("is_planned", [True, False])
async def test_a_failed_cycle_that_is_retried_goes_on_where_it_was(
    hostile: HostileBaker, *, is_planned: bool
) -> None:
    if is_planned:
        await hostile.step()
    await fail(hostile.payer, hostile.key(), "the wallet was empty")

    await decide(hostile, lambda tx, by: controls.retry(tx, hostile.key(), by))

    distribution = await hostile.distribution()
    expected = DistributionState.PLANNED if is_planned else DistributionState.REWARDS_PENDING
    assert (distribution.state, distribution.message) == (expected, None)
    await assert_on_record(hostile, "distribution.retried", str(hostile.key()))
    await assert_paid_once(hostile)


async def test_a_payout_released_after_its_cycle_was_paid_reopens_it_and_is_paid(
    hostile: HostileBaker,
) -> None:
    whose = await with_one_held(hostile)
    assert (await hostile.distribution()).state is DistributionState.PAID

    count = await decide(hostile, lambda tx, by: controls.release(tx, hostile.key(), by))

    assert count == 1
    assert (await hostile.distribution()).state is DistributionState.PAYING
    subject = f"{hostile.baker_id}/{hostile.first_cycle}/delegator/{whose}"
    await assert_on_record(hostile, "payout.released", subject)
    await assert_paid_once(hostile)


async def test_only_whom_the_person_names_is_released_or_dropped(hostile: HostileBaker) -> None:
    await hostile.plan_only()
    first, second, *others = await hostile.payouts()
    await hostile.change(payout_cap=others[0].net)
    assert (await hostile.pay()).held == 2

    await decide(
        hostile, lambda tx, by: controls.release(tx, hostile.key(), by, owed_to=first.owed_to)
    )
    await decide(
        hostile, lambda tx, by: controls.drop(tx, hostile.key(), by, owed_to=second.owed_to)
    )

    step = await hostile.pay()
    assert (step.held, step.is_settled) == (0, True)
    rows = {row.owed_to: row for row in await hostile.payouts()}
    assert rows[first.owed_to].state is PayoutState.PAID
    assert rows[second.owed_to].state is PayoutState.DROPPED
    assert rows[second.owed_to].reason == "looked at it (cli:ann)"
    assert hostile.paid_on_chain() == owed([first, *others])


async def test_nothing_held_is_nothing_to_decide(hostile: HostileBaker) -> None:
    whose = await with_one_held(hostile)
    key = hostile.key()
    await decide(hostile, lambda tx, by: controls.drop(tx, key, by))

    for again in (controls.release, controls.drop):
        with pytest.raises(NotFoundError, match=r"no payout of .* is held"):
            await decide(hostile, lambda tx, by, again=again: again(tx, key, by))  # type: ignore[misc]
        with pytest.raises(NotFoundError, match=f"is held for {whose}"):
            await decide(
                hostile,
                lambda tx, by, again=again: again(tx, key, by, owed_to=whose),  # type: ignore[misc]
            )


async def test_a_quarantined_operation_that_is_declared_dead_has_its_payouts_held(
    open_hostile: OpenHostileBaker,
) -> None:
    baker = await open_hostile(limits=SHORT_LIVES, node_count=1)
    lost = await quarantined(baker)

    count = await decide(baker, lambda tx, by: controls.declare_dead(tx, lost, by))

    assert count == 3
    dead, *_ = await baker.operations()
    assert (dead.state, dead.death) == (OperationState.DEAD, Death.DECLARED)
    await assert_on_record(baker, "operation.declared_dead", lost)
    baker.heal()
    step = await baker.pay()
    assert (step.held, step.paid) == (3, step.total - 3)
    held = [row for row in await baker.payouts() if row.state is PayoutState.HELD]
    reason = f"its operation {lost} was declared dead: looked at it (cli:ann)"
    assert {row.reason for row in held} == {reason}
    await decide(baker, lambda tx, by: controls.release(tx, baker.key(), by))
    await assert_paid_once(baker)


async def test_an_operation_whose_fate_will_be_proven_is_not_declared_dead(
    hostile: HostileBaker,
) -> None:
    await hostile.step()
    (operation,) = await hostile.operations()

    with pytest.raises(ConflictError, match="is injected, not quarantined"):
        await decide(hostile, lambda tx, by: controls.declare_dead(tx, operation.hash, by))

    await assert_paid_once(hostile)


@pytest.mark.parametrize("decision", [controls.declare_dead, controls.request_cancel])
async def test_an_operation_that_was_not_signed_here_is_not_decided_about(
    hostile: HostileBaker, decision: Callable[..., Awaitable[Any]]
) -> None:
    with pytest.raises(NotFoundError, match="no operation 'oo' was signed here"):
        await decide(hostile, lambda tx, by: decision(tx, "oo", by))


async def test_a_person_can_hold_what_is_owed_until_a_person_lets_it_go(
    hostile: HostileBaker,
) -> None:
    await hostile.plan_only()
    whom, *others = await hostile.payouts()

    key = hostile.key()
    count = await decide(hostile, lambda tx, by: controls.hold(tx, key, by, owed_to=whom.owed_to))
    assert count == 1

    subject = f"{hostile.baker_id}/{hostile.first_cycle}/delegator/{whom.owed_to}"
    await assert_on_record(hostile, "payout.held", subject)
    step = await hostile.pay()
    assert (step.is_settled, step.held) == (True, 1)
    assert set(hostile.paid_on_chain()) == {row.address for row in others}
    [held] = [row for row in await hostile.payouts() if row.state is PayoutState.HELD]
    assert held.reason == "looked at it (cli:ann)"
    await decide(hostile, lambda tx, by: controls.release(tx, hostile.key(), by))
    await assert_paid_once(hostile)


async def test_what_is_signed_or_was_never_owed_cannot_be_held(hostile: HostileBaker) -> None:
    await hostile.step()
    signed = [row for row in await hostile.payouts() if row.state is PayoutState.ASSIGNED]

    for whom in (signed[0].owed_to, hostile.baker_id):

        async def hold(tx: AsyncConnection, by: Decision, owed_to: str = whom) -> int:
            return await controls.hold(tx, hostile.key(), by, owed_to=owed_to)

        with pytest.raises(ConflictError, match=f"can be held for {whom}"):
            await decide(hostile, hold)
