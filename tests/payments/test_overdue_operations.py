"""An operation that reaches no block before it expires: nobody guesses what became of it."""

from bakehouse.ledger.states import OperationState, PayoutState
from tests.payments.chain_front import INJECTION, bad_gateway
from tests.payments.paying_baker import PayingBaker

#: More blocks than an operation can wait on this chain, and two that make the last one final.
LIFETIME_BLOCKS = 600 + 1 + 2


async def test_an_expired_operation_is_reported_and_nothing_is_signed_in_its_place(
    baker: PayingBaker,
) -> None:
    baker.finish_cycle()
    await baker.notice()
    baker.front.treat(INJECTION, bad_gateway)
    sent = await baker.step_until("a block")
    assert sent.overdue is None
    for _ in range(LIFETIME_BLOCKS):
        baker.bake()

    late = await baker.step()
    again = await baker.step()

    (operation,) = await baker.operations()
    assert late.overdue == again.overdue == operation.hash
    assert operation.state is OperationState.INJECTED
    assert PayoutState.ASSIGNED in {payout.state for payout in await baker.payouts()}
    assert not baker.transfers()
