"""Cancelling on a person's word: two groups with one counter, of which one is ever included."""

from collections.abc import Awaitable, Callable

import pytest

from bakehouse.errors import ConflictError
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.states import Death, Mode, OperationKind, OperationState, PayoutState
from bakehouse.payments import controls
from bakehouse.payments.controls import Decision
from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.tezos.node import FINALITY_BLOCKS
from bakehouse.tezos.operation import Reveal, Transaction
from bakehouse.tezos.signed_operation import decode_signed
from tests.payments.hostile_baker import HostileBaker, assert_paid_once
from tests.payments.surroundings import owed

Begin = Callable[[HostileBaker], Awaitable[Operation]]


async def first_group(baker: HostileBaker) -> Operation:
    """Have the wallet's first group in flight, which reveals its key."""
    await baker.step()
    (operation,) = await baker.operations()
    assert isinstance(decode_signed(operation.signed_bytes)[0].contents[0], Reveal)
    return operation


async def second_group(baker: HostileBaker) -> Operation:
    """Have a later group in flight, without a reveal."""
    await baker.step()
    baker.bake()
    await baker.step()
    _, operation = await baker.operations()
    assert isinstance(decode_signed(operation.signed_bytes)[0].contents[0], Transaction)
    return operation


async def request_cancel(baker: HostileBaker, operation: Operation) -> None:
    by = Decision("test", "the amounts look wrong", baker.payer.clock())
    async with baker.payer.ledger.write() as tx:
        await controls.request_cancel(tx, operation.hash, by)


async def cancellation_of(baker: HostileBaker, operation: Operation) -> Operation:
    (cancelling,) = [each for each in await baker.operations() if each.replaces_id == operation.id]
    return cancelling


async def wait_for_finality(baker: HostileBaker) -> None:
    for _ in range(FINALITY_BLOCKS):
        baker.bake()
        await baker.step()
    baker.bake()


async def assert_paid_once_but_for_the_transfer_to_oneself(baker: HostileBaker) -> None:
    baker.heal()
    step = await baker.pay()
    assert step.is_settled
    assert (step.paid, step.held) == (step.total, 0)
    paid = baker.paid_on_chain()
    assert paid.pop(baker.payout_address) == 1
    assert paid == owed(await baker.payouts())
    assert await baker.audit_is_unbroken()


@pytest.mark.parametrize("begin", [first_group, second_group])
async def test_a_cancellation_takes_the_same_counters_for_a_better_fee_and_pays_oneself(
    hostile: HostileBaker, begin: Begin
) -> None:
    doomed = await begin(hostile)
    await request_cancel(hostile, doomed)

    await hostile.step()

    cancelling = await cancellation_of(hostile, doomed)
    assert (cancelling.kind, cancelling.state) == (OperationKind.CANCEL, OperationState.INJECTED)
    assert cancelling.counter_first == doomed.counter_first
    assert cancelling.total_fee * 100 > doomed.total_fee * 105
    group, _ = decode_signed(cancelling.signed_bytes)
    (to_self,) = [each for each in group.contents if isinstance(each, Transaction)]
    assert (to_self.destination, to_self.amount) == (hostile.payout_address, 1)
    assert await hostile.transfers_of(cancelling) == []
    waiting = hostile.chain.mempool.waiting_of(hostile.payout_address)
    assert waiting is not None
    assert waiting.hash == cancelling.hash


@pytest.mark.parametrize("begin", [first_group, second_group])
async def test_when_the_cancellation_is_included_the_payouts_are_owed_and_signed_anew(
    hostile: HostileBaker, begin: Begin
) -> None:
    doomed = await begin(hostile)
    await request_cancel(hostile, doomed)
    await hostile.step()
    await wait_for_finality(hostile)

    await hostile.step()

    (dead,) = [each for each in await hostile.operations() if each.hash == doomed.hash]
    assert (dead.state, dead.death) == (OperationState.DEAD, Death.SUPERSEDED)
    cancelling = await cancellation_of(hostile, doomed)
    assert (cancelling.state, cancelling.applied) == (OperationState.FINAL, True)
    await assert_paid_once_but_for_the_transfer_to_oneself(hostile)


async def test_while_the_baker_is_off_a_cancellation_is_sent_and_its_payouts_stay_owed(
    hostile: HostileBaker,
) -> None:
    doomed = await first_group(hostile)
    await hostile.change(mode=Mode.OFF)
    await request_cancel(hostile, doomed)
    await hostile.step()
    await wait_for_finality(hostile)

    for _ in range(4):
        await hostile.step()
        hostile.bake()

    assert {row.state for row in await hostile.payouts()} == {PayoutState.OWED}
    assert hostile.paid_on_chain() == {hostile.payout_address: 1}
    await hostile.change(mode=Mode.ON)
    await assert_paid_once_but_for_the_transfer_to_oneself(hostile)


@pytest.mark.parametrize("begin", [first_group, second_group])
async def test_when_the_payout_is_included_all_the_same_it_is_paid_and_the_cancellation_is_dead(
    hostile: HostileBaker, begin: Begin
) -> None:
    doomed = await begin(hostile)
    await request_cancel(hostile, doomed)
    # Nodes do not hear of the cancellation: it is signed and stored, and cannot be sent.
    hostile.sandbox.inflict(Fault.CONNECTION_RESET, request="POST /injection/operation", times=None)
    await hostile.step()
    cancelling = await cancellation_of(hostile, doomed)
    hostile.bake()
    hostile.sandbox.heal()

    await wait_for_finality(hostile)
    await hostile.step()

    cancelling = await cancellation_of(hostile, doomed)
    assert (cancelling.state, cancelling.death) == (OperationState.DEAD, Death.SUPERSEDED)
    await assert_paid_once(hostile)
    assert hostile.payout_address not in hostile.paid_on_chain()


async def test_when_neither_is_included_both_expire_and_the_payouts_are_signed_anew(
    hostile: HostileBaker,
) -> None:
    hostile.sandbox.inflict(Fault.STUCK_UNTIL_EXPIRY)
    doomed = await first_group(hostile)
    hostile.chain.mempool.drop([doomed.hash])
    await request_cancel(hostile, doomed)
    hostile.sandbox.inflict(Fault.CONNECTION_RESET, request="POST /injection/operation", times=None)
    await hostile.step()
    cancelling = await cancellation_of(hostile, doomed)
    while hostile.chain.head.level < cancelling.last_includable_level + FINALITY_BLOCKS:
        hostile.bake()
        await hostile.step()

    dead = (await hostile.operations())[:2]
    assert {each.hash for each in dead} == {doomed.hash, cancelling.hash}
    assert {each.death for each in dead} == {Death.EXPIRED}
    await assert_paid_once(hostile)


async def test_what_is_in_a_block_cannot_be_cancelled(hostile: HostileBaker) -> None:
    doomed = await first_group(hostile)
    hostile.bake()
    await hostile.step()

    with pytest.raises(ConflictError, match="only a payout operation that is in no block yet"):
        await request_cancel(hostile, doomed)

    await assert_paid_once(hostile)


async def test_a_request_that_comes_too_late_for_the_chain_signs_nothing(
    hostile: HostileBaker,
) -> None:
    doomed = await first_group(hostile)
    # It is in a block already, and the ledger has not seen that yet.
    hostile.bake()
    await request_cancel(hostile, doomed)

    await assert_paid_once(hostile)

    kinds = {each.kind for each in await hostile.operations()}
    assert kinds == {OperationKind.PAYOUT}


async def test_a_cancellation_cannot_be_cancelled(hostile: HostileBaker) -> None:
    doomed = await first_group(hostile)
    await request_cancel(hostile, doomed)
    await hostile.step()
    cancelling = await cancellation_of(hostile, doomed)

    with pytest.raises(ConflictError, match="a cancel: only a payout operation"):
        await request_cancel(hostile, cancelling)

    await assert_paid_once_but_for_the_transfer_to_oneself(hostile)
