"""Following what a wallet has signed, one step, with the cancellation that a person asked for."""

from bakehouse.ledger.leases import Lease
from bakehouse.ledger.operations import Operation
from bakehouse.payments import cancel
from bakehouse.payments.confirm import watch
from bakehouse.payments.payer import Payer


async def follow(payer: Payer, lease: Lease, blocks_wait: int) -> list[Operation]:
    """Take a wallet's unfinished operations one step further, and give those still open."""
    unfinished = await watch(payer, lease.network, lease.source, blocks_wait)
    if await cancel.sign_requested(payer, lease, unfinished):
        return await watch(payer, lease.network, lease.source, blocks_wait)
    return unfinished
