"""Proving that an operation can never be in a block any more; only then is anything signed anew.

An operation is dead when it has expired, or another one used its counter, *and* every final block
of its life was read without a gap and does not hold it. Two sources must say so, none the contrary.
"""

import json

import structlog

from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger import manual_transfers, operations, payouts
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.states import Death, OperationState
from bakehouse.payments.agreement import Agreement, agree_on_absence
from bakehouse.payments.payer import Payer
from bakehouse.tezos.address import Address
from bakehouse.tezos.block import BlockHeader
from bakehouse.tezos.testimony import AbsenceQuestion

_log = structlog.get_logger(__name__)


async def bury_if_dead(payer: Payer, operation: Operation, final: BlockHeader) -> bool:
    """Release what an operation was to pay, if by the newest final block it is proven dead.

    Gives whether it is buried. What looks dead and cannot be proven is quarantined after a while:
    it keeps its payouts, nothing is signed beside it, and a person is asked to look. A proof that
    turns up later still counts.
    """
    cause = await _cause(payer, operation, final)
    if cause is None:
        return False
    agreement = await agree_on_absence(
        payer,
        AbsenceQuestion(
            operation.hash,
            Address(operation.source),
            operation.born_level,
            operation.born_block,
            final,
        ),
    )
    evidence = _evidence(cause, final, agreement)
    if agreement.is_reached and _counters_fit(cause, operation, agreement):
        await _bury(payer, operation, cause, evidence)
        return True
    _log.warning("death-not-proven", operation=operation.hash, cause=cause, told=str(agreement))
    await _doubt(payer, operation, final, agreement, evidence)
    return False


async def _cause(payer: Payer, operation: Operation, final: BlockHeader) -> Death | None:
    counter = await payer.node.counter(Address(operation.source), final.hash)
    if counter >= operation.counter_first:
        return Death.SUPERSEDED
    if final.level < operation.last_includable_level:
        return None
    # The lifetime in force now, not the one it was signed under: a protocol may have changed it.
    # It grows by 1 a block at most, so that a branch that is no longer live never is again.
    lifetime = (await payer.node.block_metadata(final.hash)).max_operations_ttl
    is_expired = final.level >= operation.branch_level + lifetime + 1
    return Death.EXPIRED if is_expired else None


def _counters_fit(cause: Death, operation: Operation, agreement: Agreement) -> bool:
    if cause is Death.EXPIRED:
        return all(counter < operation.counter_first for counter in agreement.counters)
    return all(counter >= operation.counter_first for counter in agreement.counters)


async def _bury(payer: Payer, operation: Operation, cause: Death, evidence: str) -> None:
    failpoint(Failpoint.BEFORE_DEATH)
    async with payer.ledger.write() as tx:
        at = payer.clock()
        await operations.enter_state(
            tx, operation, OperationState.DEAD, at=at, death=cause, evidence=evidence
        )
        failpoint(Failpoint.MID_DEATH)
        await payouts.release_operation(tx, operation.id, held=[])
        # Whoever had it cancelled does not want it done another way.
        cancelled = "it was cancelled" if operation.cancel_requested_at else None
        await manual_transfers.release_operation(tx, operation.id, at=at, failed=cancelled)
    failpoint(Failpoint.AFTER_DEATH)
    _log.warning("operation-dead", operation=operation.hash, cause=cause)


async def _doubt(
    payer: Payer, operation: Operation, final: BlockHeader, agreement: Agreement, evidence: str
) -> None:
    patience = payer.limits.proof_patience_blocks
    is_late = final.level > operation.last_includable_level + patience
    async with payer.ledger.write() as tx:
        if agreement.is_contradicted:
            # Somebody has it in a block, maybe: the next look begins where its life began.
            await operations.mark_scanned(tx, operation, operation.born_level)
        if is_late and operation.state is not OperationState.QUARANTINED:
            await operations.enter_state(
                tx,
                operation,
                OperationState.QUARANTINED,
                at=payer.clock(),
                evidence=evidence,
            )
            _log.error("operation-quarantined", operation=operation.hash, told=str(agreement))


def _evidence(cause: Death, final: BlockHeader, agreement: Agreement) -> str:
    return json.dumps(
        {
            "cause": cause,
            "final_level": final.level,
            "final_block": final.hash,
            "testimonies": [
                {"source": each.source, "confirms": each.confirms, "words": each.words}
                for each in agreement.testimonies
            ],
        },
        sort_keys=True,
    )
