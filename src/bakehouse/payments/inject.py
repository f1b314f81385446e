"""Sending stored bytes: the same bytes, any number of times. What nodes answer proves nothing."""

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger import bakers, manual_transfers, operations
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.states import ManualOrigin, Mode, OperationKind, OperationState
from bakehouse.payments.payer import Payer
from bakehouse.tezos.node import Injection

_log = structlog.get_logger(__name__)


async def inject(payer: Payer, operation: Operation) -> None:
    """Send a stored operation's bytes to every node and keep their answers as evidence.

    The state says `injected` before the first byte leaves, so that whoever finds it after a crash
    looks for it in blocks. Of a baker that is not switched on nothing is sent, neither for the
    first time nor again. Never raises for an answer: only blocks decide.
    """
    async with payer.ledger.write() as tx:
        baker = await bakers.get(tx, operation.baker_id)
        if not await _may_leave(tx, operation, baker.mode):
            _log.info("operation-kept-back", operation=operation.hash, mode=baker.mode)
            return
        if operation.state is OperationState.SIGNED:
            await operations.enter_state(tx, operation, OperationState.INJECTED, at=payer.clock())
    failpoint(Failpoint.BEFORE_INJECT)
    answers = await payer.node.broadcast(operation.signed_bytes)
    failpoint(Failpoint.AFTER_INJECT)
    if all(answer.error for answer in answers):
        failpoint(Failpoint.INJECT_UNKNOWN)
    async with payer.ledger.write() as tx:
        for answer in answers:
            await operations.record_attempt(
                tx, operation, at=payer.clock(), node=answer.source, answer=_told(answer)
            )
    for answer in answers:
        _log.info(
            "operation-sent", operation=operation.hash, node=answer.source, answer=_told(answer)
        )


async def _may_leave(tx: AsyncConnection, operation: Operation, mode: Mode) -> bool:
    """Whether the baker's mode lets an operation be sent; what cancels another always may."""
    if operation.kind is OperationKind.CANCEL or mode is Mode.ON:
        return True
    if operation.kind is OperationKind.PAYOUT or mode is Mode.OFF:
        return False
    # What a person ordered is no matter of the mode, unless nothing at all is to leave.
    ordered = await manual_transfers.of_operations(tx, [operation.id])
    return all(each.origin is not ManualOrigin.TOP_UP for each in ordered)


def _told(answer: Injection) -> str:
    return answer.op_hash or (answer.error.message if answer.error else "")
