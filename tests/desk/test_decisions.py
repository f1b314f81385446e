"""Decisions name a cycle as people do, and reach only what is of that baker."""

import pytest

from bakehouse.desk import decisions
from bakehouse.desk.decisions import CycleOf
from bakehouse.desk.waiting import WaitingKind, waiting_list
from bakehouse.errors import ConflictError, InputError, NotFoundError
from bakehouse.ledger.page import Slice
from bakehouse.ledger.states import DistributionKind, Mode, PayoutState
from bakehouse.payments.advance import fail
from tests.payments.hostile_baker import BAD_GATEWAY, HostileBaker
from tests.payments.test_controls import quarantined

WHY = {"actor": "user:ann", "why": "looked at it"}


@pytest.fixture
async def which(baker: HostileBaker) -> CycleOf:
    await baker.change(confirm_first_cycle=False)
    return CycleOf(baker.baker_id, baker.first_cycle)


async def test_a_payout_is_held_released_held_again_and_dropped(
    baker: HostileBaker, which: CycleOf
) -> None:
    await baker.plan_only()
    largest, second, *_ = await baker.payouts()
    for held in (largest, second):
        assert await decisions.hold(baker.payer, which, owed_to=held.owed_to, **WHY) == 1

    found = await waiting_list(baker.payer.ledger, Slice(0, 1))
    assert (found.held_count, found.held_total) == (2, largest.net + second.net)
    (waiting,) = found.held.rows
    assert (waiting.kind, waiting.owed_to, waiting.amount) == (
        WaitingKind.HELD,
        largest.owed_to,
        largest.net,
    )
    assert waiting.reason == "looked at it (user:ann)"

    assert await decisions.release(baker.payer, which, owed_to=largest.owed_to, **WHY) == 1
    assert await decisions.drop(baker.payer, which, **WHY) == 1
    step = await baker.pay()
    assert step.is_settled
    states = {row.owed_to: row.state for row in await baker.payouts()}
    assert (states[largest.owed_to], states[second.owed_to]) == (
        PayoutState.PAID,
        PayoutState.DROPPED,
    )
    with pytest.raises(NotFoundError, match="is held"):
        await decisions.release(baker.payer, which, **WHY)
    with pytest.raises(ConflictError, match="can be held"):
        await decisions.hold(baker.payer, which, owed_to=largest.owed_to, **WHY)


async def test_a_failed_cycle_waits_with_its_message_until_it_is_retried(
    baker: HostileBaker, which: CycleOf
) -> None:
    await fail(baker.payer, baker.key(), "the wallet is empty")
    found = await waiting_list(baker.payer.ledger, Slice())
    (waiting,) = found.pressing
    assert (waiting.kind, waiting.reason) == (WaitingKind.FAILED, "the wallet is empty")

    await decisions.retry(baker.payer, which, **WHY)

    assert (await waiting_list(baker.payer.ledger, Slice())).pressing == []
    with pytest.raises(ConflictError, match="nothing to retry"):
        await decisions.retry(baker.payer, which, **WHY)


async def test_the_first_cycle_waits_for_a_go(baker: HostileBaker) -> None:
    await baker.plan_only()

    (waiting,) = (await waiting_list(baker.payer.ledger, Slice())).pressing

    assert (waiting.kind, waiting.cycle) == (WaitingKind.GO_NEEDED, baker.first_cycle)
    assert waiting.amount == (await baker.distribution()).figures.total_net


async def test_an_operation_is_cancelled_only_under_its_own_baker(
    baker: HostileBaker, which: CycleOf
) -> None:
    baker.way.treat(r"node-. POST /injection/operation", BAD_GATEWAY)
    await baker.step()
    (operation,) = await baker.operations()

    with pytest.raises(NotFoundError):
        await decisions.cancel(baker.payer, "tz1other", operation.hash, **WHY)
    with pytest.raises(NotFoundError):
        await decisions.cancel(baker.payer, baker.baker_id, "oonothing", **WHY)
    await decisions.cancel(baker.payer, baker.baker_id, operation.hash, **WHY)

    (operation,) = await baker.operations()
    assert operation.cancel_requested_at is not None


async def test_a_quarantined_operation_waits_and_is_declared_dead(
    baker: HostileBaker, which: CycleOf
) -> None:
    lost = await quarantined(baker)
    (waiting,) = (await waiting_list(baker.payer.ledger, Slice())).pressing
    assert (waiting.kind, waiting.operation) == (WaitingKind.QUARANTINED, lost)

    with pytest.raises(NotFoundError):
        await decisions.declare_dead(baker.payer, "tz1other", lost, **WHY)
    held = await decisions.declare_dead(baker.payer, baker.baker_id, lost, **WHY)

    assert held > 0
    found = await waiting_list(baker.payer.ledger, Slice())
    assert (found.pressing, found.held_count) == ([], held)


async def test_a_paused_baker_is_off_and_the_reason_is_kept(baker: HostileBaker) -> None:
    paused = await decisions.pause(baker.payer, baker.baker_id, **WHY)

    assert paused.mode is Mode.OFF
    assert await baker.audit_actions(baker.baker_id) == [
        "baker.added",
        "baker.changed",
        "baker.paused",
    ]


@pytest.mark.parametrize("why", ["", "  \n"])
async def test_no_decision_is_taken_without_a_reason(
    baker: HostileBaker, which: CycleOf, why: str
) -> None:
    with pytest.raises(InputError, match="say why"):
        await decisions.pause(baker.payer, baker.baker_id, actor="user:ann", why=why)
    with pytest.raises(InputError, match="say why"):
        await decisions.retry(baker.payer, which, actor="user:ann", why=why)


async def test_a_cycle_that_is_not_there_is_not_found(baker: HostileBaker) -> None:
    for unknown in (
        CycleOf("tz1nobody", baker.first_cycle),
        CycleOf(baker.baker_id, 4711),
        CycleOf(baker.baker_id, baker.first_cycle, DistributionKind.BOND_POOL),
        CycleOf(baker.baker_id, baker.first_cycle, mode=Mode.SIMULATION),
    ):
        with pytest.raises(NotFoundError):
            await decisions.retry(baker.payer, unknown, **WHY)
