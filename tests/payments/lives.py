"""Operations that live and die on a hostile chain, for tests that watch them do so."""

from bakehouse.ledger.operations import Operation
from bakehouse.ledger.states import Death, OperationState
from bakehouse.payments.payer import PaymentLimits
from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.tezos.node import FINALITY_BLOCKS
from tests.payments.hostile_baker import HostileBaker

SHORT_LIVES = PaymentLimits(transfers_max=3, life_blocks=6, proof_patience_blocks=4)


async def stuck(baker: HostileBaker) -> Operation:
    """Have the first group signed and sent, and taken into no block."""
    baker.sandbox.inflict(Fault.STUCK_UNTIL_EXPIRY)
    assert (await baker.step()).waiting_for == "a block"
    (operation,) = await baker.operations()
    return operation


async def live_until(baker: HostileBaker, level: int) -> None:
    """Step and bake until a block is the head, and make sure that nothing is signed meanwhile."""
    while baker.chain.head.level < level:
        baker.bake()
        step = await baker.step()
        assert (step.waiting_for, step.quarantined) == ("a block", ())
        assert len(await baker.operations()) == 1


async def expire(baker: HostileBaker, operation: Operation) -> None:
    """Have the last block that could have held an operation be final."""
    await live_until(baker, operation.last_includable_level + FINALITY_BLOCKS - 1)
    baker.bake()


async def assert_buried(baker: HostileBaker, operation: Operation, cause: Death) -> None:
    """Make sure that an operation is dead and another one was signed for its payouts."""
    dead, *anew = await baker.operations()
    assert (dead.hash, dead.state, dead.death) == (operation.hash, OperationState.DEAD, cause)
    assert len(anew) == 1
    assert anew[0].hash != operation.hash
    before, after = await baker.transfers_of(dead), await baker.transfers_of(anew[0])
    assert [(each.destination, each.amount) for each in before] == [
        (each.destination, each.amount) for each in after
    ]
