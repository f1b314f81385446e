"""Groups that fail in their block, by each transfer and cause: the one to blame is held."""

from collections.abc import Callable

import pytest

from bakehouse.ledger.states import OperationState, PayoutState
from bakehouse.ledger.transfers import Transfer
from bakehouse.payments.payer import PaymentLimits
from bakehouse.sandbox.hostile.fault import Fault
from tests.fault_scale import some_of
from tests.payments.conftest import OpenHostileBaker
from tests.payments.hostile_baker import HostileBaker
from tests.payments.surroundings import owed

GROUP_SIZE_MAX = 6

#: Makes a transfer fail in the next block; gives whose payout is held for it, None if it cannot.
Cause = Callable[[HostileBaker, Transfer], set[str] | None]


def recipient_gone(baker: HostileBaker, transfer: Transfer) -> set[str] | None:
    """A contract that vanished cannot be paid, an account that was emptied burns storage again."""
    if not baker.balance(transfer.destination):
        # It was to be allocated anyhow: that is allowed for.
        return None
    baker.empty(transfer.destination)
    return {transfer.destination}


def wallet_drained(baker: HostileBaker, transfer: Transfer) -> set[str] | None:
    """The wallet has too little for this transfer, for one block: that is nobody's fault."""
    baker.sandbox.inflict(Fault.INCLUDED_BUT_FAILED, position=transfer.position)
    return set()


@pytest.mark.parametrize("cause", [recipient_gone, wallet_drained])
@pytest.mark.parametrize("size", some_of(range(1, GROUP_SIZE_MAX + 1), 3))
async def test_whichever_transfer_fails_its_recipient_alone_is_held_and_all_others_are_paid_once(
    open_hostile: OpenHostileBaker, size: int, cause: Cause
) -> None:
    for index in range(size):
        baker = await open_hostile(limits=PaymentLimits(transfers_max=size))
        await baker.step()
        (group,) = await baker.operations()
        transfer = (await baker.transfers_of(group))[index]
        blamed = cause(baker, transfer)
        if blamed is None:
            continue

        step = await baker.pay()

        first, *_ = await baker.operations()
        assert (first.hash, first.state, first.applied) == (
            group.hash,
            OperationState.FINAL,
            False,
        ), f"{cause.__name__} at {index} of {size}"
        rows = await baker.payouts()
        held = [row for row in rows if row.state is PayoutState.HELD]
        assert {row.address for row in held} == blamed
        assert (step.held, step.paid) == (len(blamed), step.total - len(blamed))
        assert all((row.reason or "").startswith("the transfer failed on chain: ") for row in held)
        assert baker.paid_on_chain() == owed([row for row in rows if row not in held])
        applied = [each.destination for each in baker.transfers() if each.status == "applied"]
        assert len(applied) == len(set(applied))
        assert await baker.audit_is_unbroken()
