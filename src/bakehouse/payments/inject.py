"""Sending stored bytes: the same bytes, any number of times. What nodes answer proves nothing."""

import structlog

from bakehouse.ledger import operations
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.states import OperationState
from bakehouse.payments.payer import Payer
from bakehouse.tezos.node import Injection

_log = structlog.get_logger(__name__)


async def inject(payer: Payer, operation: Operation) -> None:
    """Send a stored operation's bytes to every node and keep their answers as evidence.

    The state says `injected` before the first byte leaves, so that whoever finds it after a crash
    looks for it in blocks. Never raises for an answer: only blocks decide.
    """
    if operation.state is OperationState.SIGNED:
        async with payer.ledger.write() as tx:
            await operations.enter_state(tx, operation, OperationState.INJECTED, at=payer.clock())
    answers = await payer.node.broadcast(operation.signed_bytes)
    async with payer.ledger.write() as tx:
        for answer in answers:
            await operations.record_attempt(
                tx, operation, at=payer.clock(), node=answer.source, answer=_told(answer)
            )
    for answer in answers:
        _log.info(
            "operation-sent", operation=operation.hash, node=answer.source, answer=_told(answer)
        )


def _told(answer: Injection) -> str:
    return answer.op_hash or (answer.error.message if answer.error else "")
