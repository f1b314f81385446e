"""What a distribution refuses, or waits for, is told in an alert until it is over."""

import pytest

from bakehouse.alerts.codes import AlertCode
from bakehouse.errors import GuardRefusedError
from bakehouse.payments import controls
from bakehouse.payments.guard import Guard
from bakehouse.sandbox.hostile.fault import Fault
from tests.jobs.hostile_work import Work
from tests.payments.hostile_baker import BAD_GATEWAY
from tests.payments.lives import SHORT_LIVES, stuck
from tests.payments.provocations import REASONS, REFUSALS


@pytest.mark.parametrize("guard", set(REFUSALS) - {Guard.BALANCE_COVERS})
async def test_a_refusal_raises_one_alert_with_the_guards_name_and_reason(
    work: Work, guard: Guard
) -> None:
    await REFUSALS[guard](work.baker)

    for _ in range(2):
        with pytest.raises(GuardRefusedError, match=REASONS[guard]) as refused:
            await work.run()

    told = [each for each in await work.alerts() if each.code == AlertCode.GUARD_REFUSED]
    [alert] = told
    assert alert.subject == f"{work.baker.key()}/{guard}"
    assert (alert.message, alert.times) == (refused.value.message, 2)
    assert alert.baker_id == work.baker.baker_id


async def test_a_wallet_that_does_not_cover_is_waited_for_and_told_of_until_it_does(
    work: Work,
) -> None:
    before = work.baker.balance(work.baker.payout_address)
    await REFUSALS[Guard.BALANCE_COVERS](work.baker)

    for _ in range(2):
        await work.run()

    [alert] = await work.alerts()
    assert (alert.code, alert.subject, alert.times) == (
        AlertCode.GUARD_REFUSED,
        f"{work.baker.key()}/{Guard.BALANCE_COVERS}",
        2,
    )
    work.baker.set_balance(work.baker.payout_address, before)
    work.baker.bake()
    # Closed as soon as it goes on, long before the cycle is settled.
    await work.run()
    assert await work.alerts() == []
    await work.run_to_the_end()


async def test_a_refusal_is_taken_back_when_the_cycle_is_paid_after_all(work: Work) -> None:
    await REFUSALS[Guard.CYCLE_CAP](work.baker)
    with pytest.raises(GuardRefusedError):
        await work.run()
    await work.baker.change(cycle_cap=None)

    await work.run_to_the_end()

    assert await work.alerts() == []


async def test_a_first_cycle_that_needs_a_go_says_so_until_it_has_it(work: Work) -> None:
    await work.baker.change(confirm_first_cycle=True)

    await work.run()
    await work.run()

    [alert] = await work.alerts()
    assert (alert.code, alert.subject) == (AlertCode.GO_NEEDED, str(work.baker.key()))
    assert f"bakehouse go {work.baker.baker_id} {work.baker.first_cycle}" in alert.message
    async with work.baker.payer.ledger.write() as tx:
        await controls.approve(tx, work.baker.key(), work.decision())
    await work.run()
    assert await work.alerts() == []


async def test_held_payouts_are_told_until_a_person_has_decided(work: Work) -> None:
    await work.baker.plan_only()
    largest, second, *_ = await work.baker.payouts()
    await work.baker.change(payout_cap=second.net)
    await work.run_to_the_end()
    [alert] = await work.alerts()
    assert (alert.code, alert.subject) == (AlertCode.PAYOUT_HELD, str(work.baker.key()))
    assert alert.message.startswith("1 payouts of cycle")
    async with work.baker.payer.ledger.write() as tx:
        await controls.release(tx, work.baker.key(), work.decision(), owed_to=largest.owed_to)

    await work.run_to_the_end()

    assert await work.alerts() == []
    assert work.baker.paid_on_chain()[largest.address] == largest.net


async def test_a_quarantined_operation_is_told_until_its_fate_is_proven(work: Work) -> None:
    operation = await stuck(work.baker)
    work.baker.way.treat("indexer .*", BAD_GATEWAY)
    late = operation.last_includable_level + SHORT_LIVES.proof_patience_blocks + 3
    while work.baker.chain.head.level < late:
        work.baker.bake()
        await work.run()
    await work.run()
    [alert] = await work.alerts()
    assert (alert.code, alert.subject) == (AlertCode.OPERATION_QUARANTINED, operation.hash)
    assert "nothing new is signed" in alert.message
    work.baker.heal()

    await work.run_to_the_end()

    assert await work.alerts() == []
    assert work.baker.sandbox.struck[Fault.STUCK_UNTIL_EXPIRY]
