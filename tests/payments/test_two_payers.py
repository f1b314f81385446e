"""Two jobs, in one process or in two, at work on the same cycle: everybody is paid once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from bakehouse.errors import BakehouseError, ConflictError
from bakehouse.ledger import bakers, distributions
from bakehouse.ledger.states import IN_FLIGHT, DistributionState, OperationState
from bakehouse.payments.advance import advance
from bakehouse.payments.payer import Payer
from bakehouse.payments.plan import plan_delegators
from bakehouse.payments.settle import close_distribution
from bakehouse.payments.step import Step
from bakehouse.sandbox.draw import draw_text
from bakehouse.tezos.base58check import Prefix
from tests.fault_scale import some_of
from tests.payments.chain_front import (
    HEAD_HEADER,
    INDEXER_HEAD,
    INJECTION,
    SIMULATION,
    SPLIT,
    Call,
    Treatment,
)
from tests.payments.paying_baker import PayingBaker
from tests.payments.surroundings import STEPS_MAX, owed, utc_now

ANOTHER_PROCESS = "another process with the same wallet"

#: Much longer than a lease lasts, and than anybody takes one for.
LATER = timedelta(minutes=1)


class Gate:
    """Holds requests back until it is opened."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._is_open = asyncio.Event()

    def treatment(self) -> Treatment:
        async def wait_here(call: Call) -> None:
            self.reached.set()
            await self._is_open.wait()
            await call.hand_on()

        return wait_here

    def open(self) -> None:
        self._is_open.set()


async def try_to_advance(baker: PayingBaker, payer: Payer) -> Step | BakehouseError:
    """Advance; another one may have been faster, and only that may be said in an error."""
    try:
        return await advance(payer, baker.key())
    except ConflictError as error:
        return error


@asynccontextmanager
async def asleep_at(baker: PayingBaker, request: str) -> AsyncIterator[Payer]:
    """Have a process sleep at a request and lose its lease; gives who takes over, a minute later.

    When the block ends the sleeper goes on, and must not sign, nor pay, anything more.
    """
    gate = Gate()
    baker.front.treat(request, gate.treatment(), times=1)
    asleep = asyncio.create_task(try_to_advance(baker, await baker.another_payer()))
    await gate.reached.wait()
    yield replace(baker.payer, clock=lambda: utc_now() + LATER)
    signed = [operation.hash for operation in await baker.operations()]
    gate.open()
    outcome = await asleep
    assert isinstance(outcome, ConflictError | Step)
    assert [operation.hash for operation in await baker.operations()] == signed


async def assert_one_in_flight_at_most(baker: PayingBaker) -> None:
    signed = await baker.operations()
    assert sum(operation.state in IN_FLIGHT for operation in signed) <= 1


async def assert_paid_once(baker: PayingBaker) -> None:
    assert (await baker.pay()).is_settled
    assert baker.paid_on_chain() == owed(await baker.payouts())
    applied = [transfer.destination for transfer in baker.transfers()]
    assert len(applied) == len(set(applied))
    assert {each.state for each in await baker.operations()} == {OperationState.FINAL}
    assert await baker.audit_is_unbroken()


@pytest.mark.parametrize("is_same_process", [True, False], ids=["one process", "two processes"])
async def test_two_jobs_side_by_side_pay_everybody_once(
    baker: PayingBaker, *, is_same_process: bool
) -> None:
    other = baker.payer if is_same_process else await baker.another_payer()

    for _ in range(STEPS_MAX):
        outcomes = await asyncio.gather(
            try_to_advance(baker, baker.payer), try_to_advance(baker, other)
        )
        await assert_one_in_flight_at_most(baker)
        if any(isinstance(outcome, Step) and outcome.is_settled for outcome in outcomes):
            break
        baker.bake()

    assert len(await baker.operations()) == 3
    await assert_paid_once(baker)


async def test_a_process_waits_for_another_one_that_has_the_wallet(baker: PayingBaker) -> None:
    gate = Gate()
    baker.front.treat(SIMULATION, gate.treatment(), times=1)
    working = asyncio.create_task(advance(await baker.another_payer(), baker.key()))
    await gate.reached.wait()

    waiting = await baker.step()

    assert (waiting.waiting_for, waiting.wait_seconds) == (ANOTHER_PROCESS, 1)
    assert await baker.operations() == []
    gate.open()
    assert (await working).waiting_for == "a block"
    # It has let go of the wallet: nobody waits for its lease to run out.
    assert (await baker.step()).waiting_for == "a block"
    await assert_paid_once(baker)


async def test_within_a_process_the_second_job_waits_its_turn_and_asks_nobody(
    baker: PayingBaker,
) -> None:
    gate = Gate()
    baker.front.treat(SIMULATION, gate.treatment(), times=1)
    first = asyncio.create_task(baker.step())
    await gate.reached.wait()
    asked = len(baker.front.requests)
    second = asyncio.create_task(baker.step())
    # Long enough for it to come as far as it can: everything it awaits is in this process.
    await baker.distribution()
    assert not second.done()
    assert len(baker.front.requests) == asked

    gate.open()

    assert [(await step).waiting_for for step in (first, second)] == ["a block", "a block"]
    assert len(await baker.operations()) == 1
    await assert_paid_once(baker)


#: Where it sleeps, and how many blocks it wakes later: at once, or when what the other sent is
#: final. The small size has each of them, but not every pair.
SLEEPS = [
    pytest.param(SIMULATION, 4, id="simulating, until it is final"),
    pytest.param(SIMULATION, 0, id="simulating"),
    pytest.param(HEAD_HEADER, 0, id="reading the head"),
    pytest.param(HEAD_HEADER, 4, id="reading the head, until it is final"),
    pytest.param(SPLIT, 4, id="reading the split, until it is final"),
    pytest.param(SPLIT, 0, id="reading the split"),
    pytest.param(INDEXER_HEAD, 0, id="looking at the indexer"),
    pytest.param(INDEXER_HEAD, 4, id="looking at the indexer, until it is final"),
]


@pytest.mark.parametrize(("request_pattern", "blocks"), some_of(SLEEPS))
async def test_a_process_that_lost_its_lease_while_it_slept_signs_nothing(
    baker: PayingBaker, request_pattern: str, blocks: int
) -> None:
    async with asleep_at(baker, request_pattern) as awake:
        assert (await advance(awake, baker.key())).waiting_for == "a block"
        for _ in range(blocks):
            baker.bake()

    (operation,) = await baker.operations()
    assert baker.front.asked(INJECTION) <= 2
    assert operation.state in {OperationState.INJECTED, OperationState.INCLUDED}
    await assert_paid_once(baker)


async def test_a_process_that_lost_its_lease_between_two_groups_signs_nothing(
    baker: PayingBaker,
) -> None:
    await baker.step()
    baker.bake()

    async with asleep_at(baker, SIMULATION) as awake:
        await advance(awake, baker.key())
        baker.bake()
        await advance(awake, baker.key())
        assert len(await baker.operations()) == 3

    await assert_paid_once(baker)


async def test_a_process_that_lost_its_lease_while_all_was_paid_signs_nothing(
    baker: PayingBaker,
) -> None:
    async with asleep_at(baker, SIMULATION) as awake:
        assert (await baker.pay(payer=awake)).is_settled

    await assert_paid_once(baker)


async def test_two_processes_may_send_the_same_bytes(baker: PayingBaker) -> None:
    async with asleep_at(baker, INJECTION) as awake:
        assert (await advance(awake, baker.key())).waiting_for == "a block"
        baker.bake()
        assert (await advance(awake, baker.key())).waiting_for == "a block"

    assert baker.front.asked(INJECTION) >= 2
    await assert_paid_once(baker)


async def test_a_cycle_is_not_closed_while_payouts_are_on_their_way(baker: PayingBaker) -> None:
    await baker.step()
    distribution = await baker.distribution()

    with pytest.raises(ConflictError, match="not settled"):
        await close_distribution(baker.payer, distribution)

    assert (await baker.distribution()).state is DistributionState.PAYING
    await assert_paid_once(baker)


async def test_two_bakers_that_share_a_wallet_take_turns(baker: PayingBaker) -> None:
    payer, sharing = baker.payer, draw_text(Prefix.TZ1, "another baker")
    others = replace(baker.key(), baker_id=sharing)
    async with payer.ledger.write() as tx:
        registered = await bakers.get(tx, baker.baker_id)
        partner = replace(registered, baker_id=sharing)
        await bakers.add(tx, partner, actor="test", at=payer.clock())
        seen = await distributions.ensure(tx, others, at=payer.clock())
        await distributions.enter_state(
            tx, seen, DistributionState.REWARDS_PENDING, at=payer.clock()
        )
    split = await payer.indexer.closed_split(baker.chain.world.baker, baker.first_cycle)
    await plan_delegators(payer, seen, split)

    for _ in range(STEPS_MAX):
        steps = await asyncio.gather(advance(payer, baker.key()), advance(payer, others))
        in_flight = [
            operation
            for key in (baker.key(), others)
            for operation in await baker.operations(key)
            if operation.state in IN_FLIGHT
        ]
        assert len(in_flight) <= 1
        if all(step.is_settled for step in steps):
            break
        baker.bake()

    assert all(step.is_settled for step in steps)
    both = owed([*await baker.payouts(), *await baker.payouts(others)])
    assert baker.paid_on_chain() == both
    assert both == owed(await baker.payouts()) + owed(await baker.payouts())
