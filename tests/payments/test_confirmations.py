"""What is believed of an operation that was sent: its whole receipt, in a block, by its hash."""

from typing import Any

import pytest

from bakehouse.ledger.states import OperationState, PayoutState
from bakehouse.sandbox.node_error import OperationRefusedError
from bakehouse.tezos.signed_operation import decode_signed
from tests.payments.chain_front import FEES, INJECTION, Call, Treatment, altered, bad_gateway
from tests.payments.paying_baker import PayingBaker
from tests.payments.surroundings import owed

OPERATIONS = "GET .*/operations/3"
OPERATION_HASHES = "GET .*/operation_hashes/3"


async def assert_paid_once(baker: PayingBaker) -> None:
    baker.front.be_good()
    assert (await baker.pay()).is_settled
    assert baker.paid_on_chain() == owed(await baker.payouts())
    applied = [transfer.destination for transfer in baker.transfers()]
    assert len(applied) == len(set(applied))
    assert await baker.audit_is_unbroken()


def without_contents(operations: Any) -> Any:
    return [{**operation, "contents": []} for operation in operations]


def without_the_last_content(operations: Any) -> Any:
    return [{**operation, "contents": operation["contents"][:-1]} for operation in operations]


def without_receipts(operations: Any) -> Any:
    for operation in operations:
        for content in operation["contents"]:
            del content["metadata"]
    return operations


def without_operations(_: Any) -> Any:
    return []


INCOMPLETE = [without_contents, without_the_last_content, without_receipts, without_operations]


@pytest.mark.parametrize("alter", INCOMPLETE)
async def test_a_block_whose_receipts_are_incomplete_proves_nothing(
    baker: PayingBaker, alter: Any
) -> None:
    await baker.step()
    baker.bake()
    baker.front.treat(OPERATIONS, altered(alter))

    for _ in range(3):
        step = await baker.step()
        assert step.wait_seconds == baker.payer.limits.source_patience_seconds
        baker.bake()

    (operation,) = await baker.operations()
    assert operation.state is OperationState.INJECTED
    await assert_paid_once(baker)


@pytest.mark.parametrize("alter", INCOMPLETE)
async def test_a_final_block_whose_receipts_are_incomplete_settles_nothing(
    baker: PayingBaker, alter: Any
) -> None:
    await baker.step()
    included = baker.bake()
    await baker.step()
    while baker.chain.head.level < included.level + 2:
        baker.bake()
    baker.front.treat(f"GET .*/{included.hash}/operations/3", altered(alter))

    await baker.step()

    first, *_ = await baker.operations()
    assert first.state is OperationState.INCLUDED
    assert PayoutState.PAID not in {row.state for row in await baker.payouts()}
    await assert_paid_once(baker)


async def test_a_block_that_is_not_final_is_read_again(baker: PayingBaker) -> None:
    await baker.step()
    included = baker.bake()
    left_out = f"GET .*/{included.hash}/operation_hashes/3"
    baker.front.treat(left_out, altered(lambda _: []), times=1)
    assert (await baker.step()).waiting_for == "a block"
    assert len(await baker.operations()) == 1

    await baker.step()

    first, *_ = await baker.operations()
    assert first.included_level == included.level
    await assert_paid_once(baker)


async def test_signed_bytes_found_in_a_block_although_never_noted_as_sent_are_paid(
    baker: PayingBaker,
) -> None:
    # Stored and not sent, as after a crash; then sent all the same, as from a copy of the ledger.
    baker.front.treat(FEES, then_nothing_is_answered(baker), times=1)
    await baker.step()
    (operation,) = await baker.operations()
    assert operation.state is OperationState.SIGNED
    baker.chain.inject(operation.signed_bytes)
    baker.bake()
    baker.front.be_good()

    await baker.step()

    first, *_ = await baker.operations()
    assert (first.hash, first.state) == (operation.hash, OperationState.INCLUDED)
    assert await baker.audit_actions(operation.hash) == [
        "operation.signed",
        "operation.injected",
        "operation.included",
    ]
    await assert_paid_once(baker)


def then_nothing_is_answered(baker: PayingBaker) -> Treatment:
    async def treatment(call: Call) -> None:
        await call.hand_on()
        baker.front.treat(".*", bad_gateway)

    return treatment


async def test_an_operation_is_found_after_a_long_silence(baker: PayingBaker) -> None:
    await baker.step()
    included = baker.bake()
    for _ in range(40):
        baker.bake()

    await baker.step()

    first, *_ = await baker.operations()
    assert (first.state, first.included_level) == (OperationState.FINAL, included.level)
    await assert_paid_once(baker)


async def test_blocks_once_read_and_final_are_not_read_again(baker: PayingBaker) -> None:
    baker.front.treat(INJECTION, bad_gateway)
    await baker.step()
    (operation,) = await baker.operations()
    group, _ = decode_signed(operation.signed_bytes)
    assert operation.branch == group.branch
    for _ in range(5):
        baker.bake()
        await baker.step()

    (operation,) = await baker.operations()
    assert operation.scanned_level == baker.chain.head.level - 2
    asked = baker.front.asked(OPERATION_HASHES)
    await baker.step()
    assert baker.front.asked(OPERATION_HASHES) == asked + 2
    await assert_paid_once(baker)


async def test_the_ledger_knows_the_last_block_that_may_hold_an_operation(
    baker: PayingBaker,
) -> None:
    await baker.step()
    (operation,) = await baker.operations()
    baker.chain.mempool.drop([operation.hash])
    while baker.chain.head.level < operation.last_includable_level - 1:
        baker.bake()
    assert baker.chain.inject(operation.signed_bytes) == operation.hash
    baker.chain.mempool.drop([operation.hash])
    baker.bake()

    with pytest.raises(OperationRefusedError):
        baker.chain.inject(operation.signed_bytes)
