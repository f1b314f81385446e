"""Injections whose answer is lost, late, or untrue: everybody is paid once."""

import pytest

from bakehouse.ledger.states import OperationState
from bakehouse.tezos.signed_operation import operation_hash
from bakehouse.tezos.transport import SourceLimits
from tests.fault_scale import some_of
from tests.payments.chain_front import (
    ANY,
    FEES,
    HEAD_HEADER,
    INJECTION,
    SIMULATION,
    Treatment,
    altered,
    bad_gateway,
    bad_gateway_after_all,
    hang,
    lose_reply,
    then_all_fail,
)
from tests.payments.paying_baker import PayingBaker
from tests.payments.surroundings import owed

#: A node that does not answer within this time is given up.
HASTY = SourceLimits(
    attempts=1,
    attempt_seconds=0.3,
    total_seconds=0.4,
    wait_initial_seconds=0.01,
    wait_seconds_max=0.01,
    wait_jitter_seconds=0.0,
)

#: Nobody has signed this one.
FOREIGN_HASH = operation_hash(b"foreign")


async def assert_paid_once(baker: PayingBaker) -> None:
    assert baker.paid_on_chain() == owed(await baker.payouts())
    applied = [transfer.destination for transfer in baker.transfers()]
    assert len(applied) == len(set(applied))
    assert {each.state for each in await baker.operations()} == {OperationState.FINAL}
    assert await baker.audit_is_unbroken()


@pytest.mark.parametrize(
    "times", some_of([pytest.param(None, id="always"), pytest.param(1, id="once")])
)
@pytest.mark.parametrize(
    "treatment",
    [
        pytest.param(lose_reply, id="the connection is cut"),
        pytest.param(bad_gateway_after_all, id="a proxy answers 502"),
        pytest.param(altered(lambda _: "<html>busy</html>"), id="it means nothing"),
        pytest.param(altered(lambda _: FOREIGN_HASH), id="it names another operation"),
    ],
)
async def test_an_injection_that_arrived_and_whose_answer_is_wrong_pays_once(
    baker: PayingBaker, treatment: Treatment, times: int | None
) -> None:
    baker.front.treat(INJECTION, treatment, times=times)

    step = await baker.pay()

    assert (step.paid, step.held) == (step.total, 0)
    await assert_paid_once(baker)


async def test_an_injection_that_never_arrived_is_sent_again(baker: PayingBaker) -> None:
    baker.front.treat(INJECTION, bad_gateway, times=2)

    step = await baker.pay()

    assert step.paid == step.total
    await assert_paid_once(baker)


async def test_an_operation_that_nodes_forgot_is_sent_again(baker: PayingBaker) -> None:
    await baker.step()
    (operation,) = await baker.operations()
    baker.chain.mempool.drop([operation.hash])

    step = await baker.pay()

    assert step.paid == step.total
    await assert_paid_once(baker)


async def test_a_node_that_takes_the_operation_and_never_answers_is_paid_through_once(
    baker: PayingBaker,
) -> None:
    hasty = await baker.another_payer(source_limits=HASTY)
    baker.front.treat(INJECTION, hang)

    step = await baker.pay(payer=hasty)

    assert step.paid == step.total
    await assert_paid_once(baker)


async def test_a_source_that_fails_while_something_is_on_its_way_is_waited_for(
    baker: PayingBaker,
) -> None:
    await baker.step()
    baker.front.treat(ANY, bad_gateway)

    step = await baker.step()

    assert step.wait_seconds == baker.payer.limits.source_patience_seconds
    assert step.trouble is not None
    assert "HTTP 502" in step.trouble
    baker.front.be_good()
    await baker.pay()
    await assert_paid_once(baker)


async def test_a_node_that_fails_right_after_signing_is_sent_the_signed_bytes_later(
    baker: PayingBaker,
) -> None:
    # The fees are the last that is asked for before the group is signed.
    baker.front.treat(FEES, then_all_fail(baker.front), times=1)

    step = await baker.step()

    (operation,) = await baker.operations()
    assert operation.state is OperationState.SIGNED
    assert step.wait_seconds is not None
    assert baker.front.asked(INJECTION) == 0
    baker.front.be_good()
    await baker.pay()
    await assert_paid_once(baker)
    first, *_ = await baker.operations()
    assert first.hash == operation.hash


@pytest.mark.parametrize("request_pattern", [SIMULATION, FEES, HEAD_HEADER])
async def test_a_source_that_fails_before_anything_is_signed_leaves_nothing_behind(
    baker: PayingBaker, request_pattern: str
) -> None:
    baker.front.treat(request_pattern, bad_gateway)

    step = await baker.step()

    assert step.trouble is not None
    assert "HTTP 502" in step.trouble
    assert step.wait_seconds == baker.payer.limits.source_patience_seconds
    assert await baker.operations() == []
    assert baker.front.asked(INJECTION) == 0
    baker.front.be_good()
    await baker.pay()
    await assert_paid_once(baker)
