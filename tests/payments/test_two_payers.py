"""Two jobs, in one process or in two, at work on the same cycle: everybody is paid once."""

import asyncio
from dataclasses import replace

import pytest

from bakehouse.errors import BakehouseError, ConflictError
from bakehouse.ledger import bakers, distributions
from bakehouse.ledger.states import IN_FLIGHT, DistributionState, OperationState
from bakehouse.payments.advance import Step, advance
from bakehouse.payments.payer import Payer
from bakehouse.payments.plan import plan_delegators
from bakehouse.payments.settle import close_distribution
from bakehouse.sandbox.draw import draw_text
from bakehouse.tezos.base58check import Prefix
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
from tests.payments.surroundings import STEPS_MAX, owed


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


@pytest.mark.parametrize(
    "request_pattern",
    [
        pytest.param(INDEXER_HEAD, id="looking at the indexer"),
        pytest.param(SPLIT, id="reading the split"),
        pytest.param(HEAD_HEADER, id="reading the head"),
        pytest.param(SIMULATION, id="simulating"),
    ],
)
@pytest.mark.parametrize("blocks", [0, 4], ids=["at once", "when it is final"])
async def test_a_process_overtaken_while_it_waits_signs_nothing(
    baker: PayingBaker, request_pattern: str, blocks: int
) -> None:
    gate = Gate()
    baker.front.treat(request_pattern, gate.treatment(), times=1)
    slow = asyncio.create_task(try_to_advance(baker, await baker.another_payer()))
    await gate.reached.wait()
    await baker.step()
    for _ in range(blocks):
        baker.bake()

    gate.open()
    outcome = await slow

    (operation,) = await baker.operations()
    assert baker.front.asked(INJECTION) <= 2
    assert isinstance(outcome, ConflictError | Step)
    assert operation.state in {OperationState.INJECTED, OperationState.INCLUDED}
    await assert_paid_once(baker)


async def test_a_process_overtaken_between_two_groups_signs_nothing(baker: PayingBaker) -> None:
    await baker.step()
    baker.bake()
    gate = Gate()
    baker.front.treat(SIMULATION, gate.treatment(), times=1)
    slow = asyncio.create_task(try_to_advance(baker, await baker.another_payer()))
    await gate.reached.wait()
    await baker.step()
    baker.bake()
    await baker.step()

    gate.open()
    outcome = await slow

    assert isinstance(outcome, ConflictError)
    await assert_paid_once(baker)


async def test_two_processes_may_send_the_same_bytes(baker: PayingBaker) -> None:
    gate = Gate()
    baker.front.treat(INJECTION, gate.treatment(), times=1)
    slow = asyncio.create_task(try_to_advance(baker, await baker.another_payer()))
    await gate.reached.wait()
    assert (await baker.step()).waiting_for == "a block"
    baker.bake()
    assert (await baker.step()).waiting_for == "a block"

    gate.open()
    await slow

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
