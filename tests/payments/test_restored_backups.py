"""An old copy of the ledger takes its place: nobody is paid twice, nobody is forgotten."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bakehouse.ledger.database import Ledger
from bakehouse.ledger.states import Death, PayoutState
from bakehouse.payments.payer import SourceLocks
from bakehouse.payments.wallet_transfers import WalletTransfers
from tests.fault_scale import some_of
from tests.faults.backup import backed_up
from tests.faults.inline_sqlite import open_engine
from tests.payments.hostile_baker import HostileBaker
from tests.payments.surroundings import owed

#: Steps, each with a block, after which nothing is left to do on this chain.
STEPS = range(6)


@asynccontextmanager
async def restarted_on_a_copy(baker: HostileBaker) -> AsyncIterator[HostileBaker]:
    """Copy the ledger as it is now; within the block, a new process may be played on the copy."""
    copy = backed_up(baker.database)
    engine = open_engine(copy)
    payer = replace(
        baker.payer,
        ledger=Ledger(engine),
        locks=SourceLocks(),
        wallet_transfers=WalletTransfers(),
        holder="the one on the copy",
    )
    try:
        yield replace(baker, payer=payer, database=copy)
    finally:
        await engine.dispose()


async def play(baker: HostileBaker, steps: int) -> None:
    for _ in range(steps):
        await baker.step()
        baker.bake()


async def assert_nobody_is_paid_twice_and_all_are_held_or_paid(
    original: HostileBaker, copy: HostileBaker
) -> None:
    """Compare the chain with what is owed: all of it once, but for what a person must look at."""
    rows = await copy.payouts()
    assert {row.state for row in rows} <= {PayoutState.PAID, PayoutState.HELD}
    paid, due = copy.paid_on_chain(), owed(await original.payouts())
    assert not paid - due
    transfers = [each.destination for each in copy.transfers() if each.status == "applied"]
    assert len(transfers) == len(set(transfers))
    # Whatever is neither paid by the copy nor held by it would have been forgotten.
    settled = owed([row for row in rows if row.state is PayoutState.PAID])
    assert settled | (paid - settled) == paid
    assert owed(rows) == due
    assert await copy.audit_is_unbroken()


@pytest.mark.parametrize("steps_before", some_of(STEPS))
async def test_a_copy_restored_after_everybody_was_paid_holds_what_it_does_not_know(
    hostile: HostileBaker, steps_before: int
) -> None:
    await play(hostile, steps_before)
    async with restarted_on_a_copy(hostile) as copy:
        assert (await hostile.pay()).is_settled
        paid = hostile.paid_on_chain()
        assert paid == owed(await hostile.payouts())

        assert (await copy.pay()).is_settled

        assert copy.paid_on_chain() == paid
        await assert_nobody_is_paid_twice_and_all_are_held_or_paid(hostile, copy)


@pytest.mark.parametrize(
    ("steps_before", "steps_after"),
    some_of([(before, after) for before in STEPS for after in (1, 3)], 3),
)
async def test_a_copy_restored_in_mid_cycle_pays_the_rest_and_holds_what_it_does_not_know(
    hostile: HostileBaker, steps_before: int, steps_after: int
) -> None:
    await play(hostile, steps_before)
    async with restarted_on_a_copy(hostile) as copy:
        await play(hostile, steps_after - 1)
        # The last group of the ledger that is lost waits in the mempool, if there is one to sign.
        await hostile.step()

        assert (await copy.pay()).is_settled

        await assert_nobody_is_paid_twice_and_all_are_held_or_paid(hostile, copy)


async def test_a_copy_restored_with_a_group_in_the_mempool_holds_whom_that_pays(
    hostile: HostileBaker,
) -> None:
    await hostile.plan_only()
    async with restarted_on_a_copy(hostile) as restarted:
        await hostile.step()
        (lost,) = await hostile.operations()
        # With the same settings it would sign the very same bytes.
        copy = restarted.other(limits=replace(restarted.payer.limits, transfers_max=2))

        assert (await copy.pay()).is_settled

        superseded, *_ = await copy.operations()
        assert (superseded.counter_first, superseded.death) == (
            lost.counter_first,
            Death.SUPERSEDED,
        )

        rows = await copy.payouts()
        held = [row for row in rows if row.state is PayoutState.HELD]
        assert {row.address for row in held} == {
            each.destination for each in await hostile.transfers_of(lost)
        }
        assert all(lost.hash in (row.reason or "") for row in held)
        await assert_nobody_is_paid_twice_and_all_are_held_or_paid(hostile, copy)
