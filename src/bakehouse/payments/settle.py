"""What follows from a final block: payouts are paid, or free again; distributions are closed."""

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.errors import ConflictError
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger import bakers, distributions, manual_transfers, operations, payouts
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.states import (
    DistributionKind,
    DistributionState,
    Mode,
    OperationState,
    PayoutState,
)
from bakehouse.ledger.transfers import Transfer, transfers_of
from bakehouse.payments import news
from bakehouse.payments.payer import Payer
from bakehouse.tezos.receipt import (
    IncludedContent,
    IncludedOperation,
    Status,
    tell_want_of_money,
)

_log = structlog.get_logger(__name__)


async def settle(payer: Payer, operation: Operation, receipt: IncludedOperation) -> None:
    """Book an operation that is in a final block.

    Applied: its payouts are paid. Else the whole group did nothing but cost its fees: the transfer
    that failed is held for a person (unless it was the wallet that had too little), the others are
    owed again.
    """
    async with payer.ledger.write() as tx:
        at = payer.clock()
        await operations.enter_state(tx, operation, OperationState.FINAL, at=at)
        failpoint(Failpoint.MID_MARK_PAID)
        if is_applied(receipt):
            count = await payouts.settle_operation(tx, operation.id)
            await manual_transfers.settle_operation(tx, operation.id, at=at)
            _log.info("operation-final", operation=operation.hash, payouts=count)
            return
        by_position = {
            transfer.position: transfer for transfer in await transfers_of(tx, operation.id)
        }
        held = [
            (
                by_position[index].id,
                f"the transfer failed on chain: {', '.join(content.result.errors)}",
            )
            for index, content in enumerate(receipt.contents)
            if content.result.is_to_blame
            and index in by_position
            and not tell_want_of_money(content.result.errors)
        ]
        await payouts.release_operation(tx, operation.id, held=held)
        why = [each for content in receipt.contents for each in content.result.errors]
        await manual_transfers.release_operation(
            tx, operation.id, at=at, failed=f"it failed on chain: {', '.join(why)}"
        )
    _log.warning("operation-failed", operation=operation.hash, held=len(held))


def is_applied(receipt: IncludedOperation) -> bool:
    """Whether the whole group was applied: it is so for all contents or for none."""
    return all(content.result.status is Status.APPLIED for content in receipt.contents)


def is_as_signed(content: IncludedContent, transfer: Transfer) -> bool:
    """Whether a content of a receipt pays whom, and what, the transfer of the ledger does."""
    return (content.destination, content.amount) == (transfer.destination, transfer.amount)


async def close_distribution(payer: Payer, distribution: Distribution) -> None:
    """Mark a distribution done, and enter the bond pool's if the baker has one.

    Both in one transaction: whoever finds the delegators paid finds the bond pool due as well.
    Raises ConflictError while a payout is owed or on its way, whoever sent it and from where.
    """
    key = distribution.key
    done = DistributionState.PAID if key.mode is Mode.ON else DistributionState.SIMULATED
    async with payer.ledger.write() as tx:
        at = payer.clock()
        counts = await payouts.count_by_state(tx, distribution)
        if open_states := {PayoutState.OWED, PayoutState.ASSIGNED} & counts.keys():
            count = sum(counts[state][0] for state in open_states)
            raise ConflictError(f"{count} payouts of cycle {key.cycle} are not settled yet")
        await distributions.enter_state(tx, distribution, done, at=at)
        if done is DistributionState.PAID:
            await news.note_paid(tx, distribution, at=at)
        if key.kind is DistributionKind.DELEGATORS and await _has_bond_pool(tx, key):
            await distributions.ensure(tx, bond_pool_of(key), at=at)


def bond_pool_of(key: DistributionKey) -> DistributionKey:
    """Give the bond-pool distribution that follows a delegators' one."""
    return DistributionKey(
        key.network, key.baker_id, key.cycle, DistributionKind.BOND_POOL, key.mode
    )


async def _has_bond_pool(tx: AsyncConnection, key: DistributionKey) -> bool:
    baker = await bakers.get(tx, key.baker_id)
    return baker.bond_pool_enabled and bool(await bakers.bond_pool(tx, key.baker_id))
