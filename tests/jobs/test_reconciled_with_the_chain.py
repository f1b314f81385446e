"""The reconciler reads the chain again for what was paid, and tells a person of a difference."""

from bakehouse.alerts.codes import AlertCode
from bakehouse.jobs.reconciler import reconcile
from bakehouse.jobs.scheduler import Scheduler
from tests.jobs.hostile_work import Work
from tests.payments.hostile_baker import BAD_GATEWAY
from tests.payments.provocations import tamper


async def run(work: Work) -> None:
    await reconcile(work.workshop, Scheduler(work.workshop))


async def is_verified(work: Work) -> bool:
    return (await work.baker.distribution()).verified_at is not None


async def test_what_was_paid_is_verified_and_nobody_is_told_when_it_is_right(work: Work) -> None:
    await work.run_to_the_end()
    assert not await is_verified(work)

    await run(work)

    assert await is_verified(work)
    assert await work.alerts() == []


async def test_a_ledger_that_differs_from_the_chain_is_told_once(work: Work) -> None:
    await work.run_to_the_end()
    first, *_ = await work.baker.operations()
    transfer, *_ = await work.baker.transfers_of(first)
    tamper(
        work.baker,
        "DROP TRIGGER transfers_fixed",
        f"UPDATE transfers SET amount = amount + 1 WHERE id = {transfer.id}",  # noqa: S608 - a test's own ledger
    )

    await run(work)
    await run(work)

    [alert] = await work.alerts()
    assert (alert.code, alert.subject) == (AlertCode.CHAIN_DIFFERS, str(work.baker.key()))
    assert f"{transfer.amount} mutez went to {transfer.destination}" in alert.message
    assert (alert.times, alert.baker_id) == (1, work.baker.baker_id)


async def test_a_chain_that_cannot_be_read_is_read_the_next_time(work: Work) -> None:
    await work.run_to_the_end()
    work.baker.way.treat("indexer .*", BAD_GATEWAY)

    await run(work)

    assert not await is_verified(work)
    assert await work.alerts() == []
    work.baker.heal()
    await run(work)
    assert await is_verified(work)
    assert await work.alerts() == []


async def test_a_cycle_that_goes_on_is_verified_again(work: Work) -> None:
    await work.baker.plan_only()
    _, second, *_ = await work.baker.payouts()
    await work.baker.change(payout_cap=second.net)
    await work.run_to_the_end()
    await run(work)
    assert await is_verified(work)
    await work.release_held()
    assert not await is_verified(work)
    await work.run_to_the_end()

    await run(work)

    assert await is_verified(work)
    assert await work.alerts() == []
