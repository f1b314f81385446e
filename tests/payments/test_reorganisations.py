"""Blocks that held our groups are replaced before they are final: the same bytes go in again."""

import random

import pytest

from bakehouse.ledger.states import OperationState, PayoutState
from bakehouse.payments.payer import PaymentLimits
from tests.fault_scale import some_of
from tests.payments.chain_front import HEAD_HEADER, INJECTION, Call
from tests.payments.conftest import OpenBaker
from tests.payments.paying_baker import PayingBaker
from tests.payments.surroundings import STEPS_MAX, owed, small_chain


async def states(baker: PayingBaker) -> list[OperationState]:
    return [operation.state for operation in await baker.operations()]


async def assert_paid_once(baker: PayingBaker) -> None:
    assert baker.paid_on_chain() == owed(await baker.payouts())
    applied = [transfer.destination for transfer in baker.transfers()]
    assert len(applied) == len(set(applied))
    assert set(await states(baker)) == {OperationState.FINAL}
    for operation in await baker.operations():
        block = baker.chain.including_block(operation.hash)
        assert block is not None
        assert (operation.included_level, operation.included_block) == (block.level, block.hash)
    assert await baker.audit_is_unbroken()


def forget_waiting(baker: PayingBaker) -> None:
    """Have the node restart with an empty mempool."""
    baker.chain.mempool.drop([signed.hash for signed in baker.chain.mempool.validated()])


@pytest.fixture
async def one_group(open_baker: OpenBaker) -> PayingBaker:
    """A baker whose whole cycle is one group, which is in a block that is not final yet."""
    baker = await open_baker()
    await baker.step()
    baker.bake()
    assert (await baker.step()).waiting_for == "finality"
    assert await states(baker) == [OperationState.INCLUDED]
    return baker


@pytest.mark.parametrize("depth", [1, 2])
async def test_a_group_taken_out_of_its_block_is_in_flight_again(
    one_group: PayingBaker, depth: int
) -> None:
    baker = one_group
    for _ in range(depth - 1):
        baker.bake()
    baker.chain.reorg(depth)
    forget_waiting(baker)
    sent_before = baker.front.asked(INJECTION)
    assert baker.paid_on_chain().total() == 0

    await baker.step_until("a block")

    (operation,) = await baker.operations()
    assert operation.state is OperationState.INJECTED
    assert operation.included_level is None
    assert {row.state for row in await baker.payouts()} == {PayoutState.ASSIGNED}
    await baker.pay()
    assert baker.front.asked(INJECTION) > sent_before
    assert [each.hash for each in await baker.operations()] == [operation.hash]
    await assert_paid_once(baker)


async def test_a_group_that_bakers_include_again_by_themselves_is_followed_to_its_new_block(
    one_group: PayingBaker,
) -> None:
    baker = one_group
    (before,) = await baker.operations()
    baker.chain.reorg(1)

    await baker.pay()

    (after,) = await baker.operations()
    assert after.hash == before.hash
    assert after.included_level != before.included_level
    assert await baker.audit_actions(after.hash) == [
        "operation.signed",
        "operation.injected",
        "operation.included",
        "operation.injected",
        "operation.included",
        "operation.final",
    ]
    await assert_paid_once(baker)


async def test_nothing_new_is_signed_while_an_earlier_group_is_out(baker: PayingBaker) -> None:
    await baker.step()
    baker.bake()
    # The first group is in a block, so the second is signed; the third is still to come.
    await baker.step()
    baker.bake()
    assert await states(baker) == [OperationState.INCLUDED, OperationState.INJECTED]
    baker.chain.reorg(2)
    forget_waiting(baker)
    first, second = await baker.operations()

    for _ in range(STEPS_MAX):
        await baker.step()
        if baker.chain.including_block(first.hash):
            break
        assert [each.hash for each in await baker.operations()] == [first.hash, second.hash]
        baker.bake()

    await baker.pay()
    assert len(await baker.operations()) == 3
    await assert_paid_once(baker)


async def test_a_block_lost_between_looking_and_signing_keeps_the_next_group_unsigned(
    baker: PayingBaker,
) -> None:
    await baker.step()
    baker.bake()

    async def reorganise(call: Call) -> None:
        baker.chain.reorg(1)
        await call.hand_on()

    # The head is read once to look for the first group, and once to sign the second on it.
    baker.front.treat(HEAD_HEADER, Call.hand_on, times=1)
    baker.front.treat(HEAD_HEADER, reorganise, times=1)

    step = await baker.step()

    assert await states(baker) == [OperationState.INCLUDED]
    assert "the node gives counter" in step.waiting_for
    await baker.pay()
    assert len(await baker.operations()) == 3
    await assert_paid_once(baker)


@pytest.mark.parametrize("seed", some_of(range(4)))
async def test_any_number_of_reorganisations_pays_everybody_once(
    open_baker: OpenBaker, seed: int
) -> None:
    baker = await open_baker(small_chain(delegator_count=8), PaymentLimits(transfers_max=2))
    chance = random.Random(seed)  # noqa: S311 - which block is lost is no secret
    for _ in range(STEPS_MAX):
        await baker.step()
        if chance.random() < 0.3:
            baker.chain.reorg(chance.randint(1, 2))
        if chance.random() < 0.3:
            forget_waiting(baker)
        if chance.random() < 0.8:
            baker.bake()

    await baker.pay()

    await assert_paid_once(baker)


@pytest.mark.parametrize("is_forgotten", [False, True], ids=["they wait", "they are forgotten"])
async def test_a_chain_of_groups_taken_out_comes_back_in_order_and_nothing_is_signed_meanwhile(
    baker: PayingBaker, *, is_forgotten: bool
) -> None:
    for _ in range(2):
        await baker.step()
        baker.bake()
    # The second is seen in its block as well, and the third is signed upon it.
    await baker.step()
    assert await states(baker) == [
        OperationState.INCLUDED,
        OperationState.INCLUDED,
        OperationState.INJECTED,
    ]
    signed = [operation.hash for operation in await baker.operations()]
    baker.chain.reorg(2)
    if is_forgotten:
        forget_waiting(baker)
    assert baker.paid_on_chain().total() == 0

    for _ in range(STEPS_MAX):
        await baker.step()
        assert [each.hash for each in await baker.operations()] == signed
        if await is_settled(baker):
            break
        baker.bake()

    await assert_paid_once(baker)
    levels = [each.included_level or 0 for each in await baker.operations()]
    assert levels == sorted(set(levels))


async def is_settled(baker: PayingBaker) -> bool:
    return {row.state for row in await baker.payouts()} == {PayoutState.PAID}
