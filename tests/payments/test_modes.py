"""What a baker's mode allows, and what a change of it stops: simulation, off, on."""

from collections import Counter
from dataclasses import replace

import pytest

from bakehouse.errors import ConflictError
from bakehouse.ledger import distributions
from bakehouse.ledger.states import (
    DistributionKind,
    DistributionState,
    Mode,
    OperationState,
    PayoutState,
)
from bakehouse.payments.advance import advance, fail, watch_unfinished
from bakehouse.payments.plan import plan_delegators
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.keys import SEED_SIZE, Curve, SecretKey
from bakehouse.tezos.signer import LocalSigner
from tests.payments.chain_front import FEES, INJECTION, SIMULATION, Call, then_all_fail
from tests.payments.conftest import OpenBaker
from tests.payments.paying_baker import PayingBaker
from tests.payments.surroundings import owed

OTHER_KEY = SecretKey.from_seed(Curve.ED25519, bytes(SEED_SIZE))
OTHER_WALLET = OTHER_KEY.public_key.address

#: Blocks that go by while a baker is off.
BLOCKS_OFF = 6


@pytest.fixture
async def simulating(open_baker: OpenBaker) -> PayingBaker:
    return await open_baker(mode=Mode.SIMULATION)


async def test_a_simulation_writes_rows_and_signs_nothing(simulating: PayingBaker) -> None:
    baker = simulating
    key = baker.key(mode=Mode.SIMULATION)
    assert await baker.notice() == (key,)
    before = baker.balance(baker.payout_address)

    step = await baker.step(key)

    assert step.is_settled
    assert step.distribution.state is DistributionState.SIMULATED
    assert (step.paid, step.total) == (21, 21)
    rows = await baker.payouts(key)
    assert {row.state for row in rows} == {PayoutState.SIMULATED}
    assert sum(row.net for row in rows) == step.distribution.figures.total_net
    assert await baker.operations(key) == []
    assert baker.front.asked("POST .*") == 0
    assert baker.balance(baker.payout_address) == before
    assert await baker.notice() == ()


async def test_a_simulated_cycle_is_paid_when_the_baker_goes_live(simulating: PayingBaker) -> None:
    baker = simulating
    simulated = baker.key(mode=Mode.SIMULATION)
    await baker.step(simulated)
    await baker.change(mode=Mode.ON)
    assert await baker.notice() == (baker.key(),)

    step = await baker.pay()

    assert step.paid == 21
    assert baker.paid_on_chain() == owed(await baker.payouts())
    assert owed(await baker.payouts()) == owed(await baker.payouts(simulated))
    assert {row.state for row in await baker.payouts(simulated)} == {PayoutState.SIMULATED}


async def test_a_failed_simulation_is_done_again(simulating: PayingBaker) -> None:
    baker = simulating
    key = baker.key(mode=Mode.SIMULATION)
    await fail(baker.payer, key, "the indexer was away")

    step = await baker.step(key)

    assert step.distribution.state is DistributionState.SIMULATED
    assert step.distribution.message is None


async def test_a_simulation_that_failed_once_planned_is_closed_with_its_plan(
    simulating: PayingBaker,
) -> None:
    baker = simulating
    key = baker.key(mode=Mode.SIMULATION)
    async with baker.payer.ledger.write() as tx:
        seen = await distributions.get(tx, key)
        await distributions.enter_state(
            tx, seen, DistributionState.REWARDS_PENDING, at=baker.payer.clock()
        )
    split = await baker.payer.indexer.closed_split(baker.chain.world.baker, key.cycle)
    await plan_delegators(baker.payer, seen, split)
    await fail(baker.payer, key, "the disk was full")

    step = await baker.step(key)

    assert step.distribution.state is DistributionState.SIMULATED
    assert (step.paid, step.total) == (21, 21)


async def test_a_baker_that_is_off_notices_nothing(open_baker: OpenBaker) -> None:
    baker = await open_baker(mode=Mode.OFF)

    assert await baker.notice() == ()
    await baker.change(mode=Mode.ON)
    assert await baker.notice() == (baker.key(),)


@pytest.mark.parametrize("mode", [Mode.OFF, Mode.SIMULATION])
async def test_switching_off_between_groups_stops_before_the_next_signature(
    baker: PayingBaker, mode: Mode
) -> None:
    await baker.step()
    await baker.change(mode=mode)
    baker.bake()

    step = await baker.step()

    assert (step.waiting_for, step.wait_seconds) == ("mode on", None)
    assert not step.is_settled
    (operation,) = await baker.operations()
    assert operation.state is OperationState.INCLUDED
    for _ in range(2):
        baker.bake()
        await watch_unfinished(baker.payer, baker.baker_id)
    (operation,) = await baker.operations()
    assert operation.state is OperationState.FINAL
    states = Counter(row.state for row in await baker.payouts())
    assert states == {PayoutState.PAID: 10, PayoutState.OWED: 11}
    assert baker.front.asked(INJECTION) == 1

    await baker.change(mode=Mode.ON)
    assert (await baker.pay()).paid == 21
    assert baker.paid_on_chain() == owed(await baker.payouts())


@pytest.mark.parametrize("mode", [Mode.OFF, Mode.SIMULATION])
async def test_a_group_that_nodes_forgot_is_not_sent_again_while_the_baker_is_off(
    baker: PayingBaker, mode: Mode
) -> None:
    await baker.step()
    await baker.change(mode=mode)
    (operation,) = await baker.operations()
    baker.chain.mempool.drop([operation.hash])

    for _ in range(BLOCKS_OFF):
        baker.bake()
        await watch_unfinished(baker.payer, baker.baker_id)
        assert (await baker.step()).waiting_for == "a block"

    (kept,) = await baker.operations()
    assert (kept.hash, kept.state) == (operation.hash, OperationState.INJECTED)
    assert baker.front.asked(INJECTION) == 1
    assert baker.transfers() == []

    await baker.change(mode=Mode.ON)
    assert (await baker.pay()).paid == 21
    first, *_ = await baker.operations()
    assert (first.hash, first.state) == (operation.hash, OperationState.FINAL)
    assert baker.paid_on_chain() == owed(await baker.payouts())


async def test_a_group_signed_and_never_sent_stays_here_while_the_baker_is_off(
    baker: PayingBaker,
) -> None:
    baker.front.treat(FEES, then_all_fail(baker.front), times=1)
    await baker.step()
    (operation,) = await baker.operations()
    assert operation.state is OperationState.SIGNED
    await baker.change(mode=Mode.OFF)
    baker.front.be_good()

    for _ in range(BLOCKS_OFF):
        baker.bake()
        await baker.step()

    (operation,) = await baker.operations()
    assert operation.state is OperationState.SIGNED
    assert baker.front.asked(INJECTION) == 0
    await baker.change(mode=Mode.ON)
    await baker.pay()
    assert baker.paid_on_chain() == owed(await baker.payouts())


@pytest.mark.parametrize(
    "change", [{"mode": Mode.OFF}, {"payout_address": OTHER_WALLET}], ids=["mode", "wallet"]
)
async def test_a_change_while_a_group_is_made_keeps_it_unsent(
    baker: PayingBaker, change: dict[str, str]
) -> None:
    async def change_meanwhile(call: Call) -> None:
        await baker.change(**change)
        await call.hand_on()

    baker.front.treat(SIMULATION, change_meanwhile, times=1)

    with pytest.raises(ConflictError, match=r"the settings of .* changed"):
        await baker.step()

    assert await baker.operations() == []
    assert baker.front.asked(INJECTION) == 0


async def test_a_cycle_is_not_closed_over_a_group_of_a_wallet_since_replaced(
    open_baker: OpenBaker,
) -> None:
    baker = await open_baker()
    await baker.step()
    (operation,) = await baker.operations()
    baker.chain.mempool.drop([operation.hash])
    signers = Keyring([LocalSigner(baker.chain.world.payout_key), LocalSigner(OTHER_KEY)])
    payer = replace(baker.payer, signers=signers)
    await baker.change(payout_address=OTHER_KEY.public_key.address)
    baker.bake()

    for _ in range(3):
        step = await advance(payer, baker.key())
        assert step.waiting_for == "finality"
        assert step.wait_seconds is not None
        baker.bake()

    assert (await baker.distribution()).state is DistributionState.PAYING
    assert len(await baker.operations()) == 1
    await baker.change(payout_address=baker.payout_address)
    assert (await baker.pay()).is_settled
    assert baker.paid_on_chain() == owed(await baker.payouts())


async def test_what_is_off_does_not_hold_up_what_was_signed_when_all_was_sent(
    open_baker: OpenBaker,
) -> None:
    baker = await open_baker()
    await baker.step()
    await baker.change(mode=Mode.OFF)
    for _ in range(3):
        baker.bake()
    for _ in range(2):
        await watch_unfinished(baker.payer, baker.baker_id)
    assert {row.state for row in await baker.payouts()} == {PayoutState.PAID}

    await baker.change(mode=Mode.ON)

    assert (await baker.pay()).distribution.state is DistributionState.PAID


async def test_a_failed_cycle_keeps_its_message_and_what_it_signed_is_followed(
    baker: PayingBaker,
) -> None:
    await baker.step()
    await fail(baker.payer, baker.key(), "the last attempt failed")
    await fail(baker.payer, baker.key(), "and so did another")
    assert (await baker.distribution()).message == "the last attempt failed"
    for _ in range(3):
        baker.bake()
        await watch_unfinished(baker.payer, baker.baker_id)
    assert sum(row.state is PayoutState.PAID for row in await baker.payouts()) == 10
    assert (await baker.distribution()).state is DistributionState.FAILED

    step = await baker.pay()

    assert (step.paid, step.distribution.message) == (21, None)
    assert baker.paid_on_chain() == owed(await baker.payouts())
    await fail(baker.payer, baker.key(), "too late")
    assert (await baker.distribution()).state is DistributionState.PAID


async def test_watching_a_baker_with_nothing_signed_asks_nobody(baker: PayingBaker) -> None:
    asked = len(baker.front.requests)

    await watch_unfinished(baker.payer, baker.baker_id)

    assert len(baker.front.requests) == asked


async def test_a_bond_pool_is_simulated_too(open_baker: OpenBaker) -> None:
    baker = await open_baker(mode=Mode.SIMULATION, bond_pool_enabled=True)
    await baker.set_bond_pool({OTHER_WALLET: 1_000})
    await baker.step(baker.key(mode=Mode.SIMULATION))

    key = baker.key(kind=DistributionKind.BOND_POOL, mode=Mode.SIMULATION)
    step = await baker.step(key)

    assert step.distribution.state is DistributionState.SIMULATED
    assert [row.state for row in await baker.payouts(key)] == [PayoutState.SIMULATED]
    assert baker.front.asked("POST .*") == 0
