"""Looking for sent operations in blocks: seen, then final. Nothing but a block is believed."""

import structlog

from bakehouse.errors import SourceMalformedError, SourcesDisagreeError
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.ledger import operations
from bakehouse.ledger.operations import UNFINISHED, Operation
from bakehouse.ledger.states import IN_FLIGHT, OperationState
from bakehouse.ledger.transfers import record_receipts, transfers_of
from bakehouse.payments.agreement import agree_on_block
from bakehouse.payments.death import bury_if_dead
from bakehouse.payments.inject import inject
from bakehouse.payments.payer import Payer
from bakehouse.payments.settle import is_applied, is_as_signed, settle
from bakehouse.payments.storage import storage_burn
from bakehouse.tezos.block import BlockHeader
from bakehouse.tezos.node import FINALITY_BLOCKS
from bakehouse.tezos.receipt import IncludedOperation

_log = structlog.get_logger(__name__)

#: Blocks for which a second source may be behind before that is trouble.
_SECOND_VOICE_BLOCKS_MAX = 10


async def watch(payer: Payer, network: str, source: str, blocks_wait: int) -> list[Operation]:
    """Follow a source's unfinished operations one step, in counter order; give those still open.

    Raises SourceError when the chain cannot be read: then nothing is known, and nothing changes.
    """
    async with payer.ledger.read() as tx:
        open_operations = await operations.in_states(tx, network, source, UNFINISHED)
    if not open_operations:
        return []
    # What follows reads the chain that ends in this block: one that is older sees less of it.
    head = await payer.node.recent.head()
    for operation in open_operations:
        if operation.state in IN_FLIGHT:
            await _look_for(payer, operation, head)
        else:
            await _check_depth(payer, operation, head, max(blocks_wait, FINALITY_BLOCKS))
    async with payer.ledger.read() as tx:
        return await operations.in_states(tx, network, source, UNFINISHED)


async def _look_for(payer: Payer, operation: Operation, head: BlockHeader) -> None:
    failpoint(Failpoint.EACH_POLL)
    for level in range(operation.scanned_level + 1, head.level + 1):
        header = await payer.node.recent.ancestor(head, level)
        if operation.hash in await payer.node.recent.operation_hashes(header.hash):
            failpoint(Failpoint.SEEN_INCLUDED)
            await _enter_included(payer, operation, header)
            failpoint(Failpoint.AFTER_INCLUDED)
            return
    final_level = head.level - FINALITY_BLOCKS
    if final_level > operation.scanned_level:
        # Only final blocks count as read: a newer one may still be replaced by one that holds it.
        async with payer.ledger.write() as tx:
            await operations.mark_scanned(tx, operation, final_level)
        if await bury_if_dead(payer, operation, await payer.node.ancestor(head, final_level)):
            return
    elif operation.state is not OperationState.SIGNED:
        # Nothing new happened: it was sent already.
        return
    if operation.state is not OperationState.QUARANTINED:
        await inject(payer, operation)


async def _enter_included(payer: Payer, operation: Operation, header: BlockHeader) -> None:
    found = await _receipt(payer, operation, header.hash)
    constants = await payer.node.constants(header.hash)
    async with payer.ledger.write() as tx:
        at = payer.clock()
        if operation.state in {OperationState.SIGNED, OperationState.QUARANTINED}:
            # It was sent, and the machine stopped before that could be written down; or what
            # looked dead was not.
            await operations.enter_state(tx, operation, OperationState.INJECTED, at=at)
        await operations.enter_state(
            tx,
            operation,
            OperationState.INCLUDED,
            at=at,
            included_level=header.level,
            included_block=header.hash,
            applied=is_applied(found),
        )
        receipts = [
            (index, content.result.status, storage_burn(content.result, constants))
            for index, content in enumerate(found.contents)
        ]
        await record_receipts(tx, operation, receipts)
    _log.info(
        "operation-included",
        operation=operation.hash,
        level=header.level,
        applied=is_applied(found),
    )


async def _check_depth(
    payer: Payer, operation: Operation, head: BlockHeader, blocks_wait: int
) -> None:
    level = operation.included_level
    if level is None or head.level < level + blocks_wait:
        return
    header = await payer.node.ancestor(head, level)
    if header.hash == operation.included_block:
        found = await _receipt(payer, operation, header.hash)
        agreement = await agree_on_block(payer, level, header.hash)
        is_late = head.level > level + blocks_wait + _SECOND_VOICE_BLOCKS_MAX
        if agreement.is_contradicted or (is_late and not agreement.is_reached):
            raise SourcesDisagreeError(
                f"{operation.hash} is in block {level}, but not everybody agrees on that block: "
                f"{agreement}"
            )
        if not agreement.is_reached:
            # An indexer is often a block or two behind its node.
            return
        failpoint(Failpoint.BEFORE_FINAL)
        await settle(payer, operation, found)
        failpoint(Failpoint.AFTER_MARK_PAID)
        return
    # A reorganisation replaced the block: the operation is in flight again, the same bytes.
    async with payer.ledger.write() as tx:
        await operations.enter_state(
            tx,
            operation,
            OperationState.INJECTED,
            at=payer.clock(),
            included_level=None,
            included_block=None,
            applied=None,
            scanned_level=operation.born_level,
        )
    _log.warning("operation-taken-out", operation=operation.hash, level=level)


async def _receipt(payer: Payer, operation: Operation, block: str) -> IncludedOperation:
    for included in await payer.node.manager_operations(block):
        # A receipt that leaves contents out says nothing about those.
        if included.hash == operation.hash and len(included.contents) == operation.content_count:
            await _require_as_signed(payer, operation, included)
            return included
    raise SourceMalformedError(
        f"{operation.hash} is listed in block {block}, but its whole receipt is not there"
    )


async def _require_as_signed(
    payer: Payer, operation: Operation, included: IncludedOperation
) -> None:
    async with payer.ledger.read() as tx:
        transfers = await transfers_of(tx, operation.id)
    for transfer in transfers:
        content = included.contents[transfer.position]
        if not is_as_signed(content, transfer):
            raise SourceMalformedError(
                f"the receipt of {operation.hash} tells of {content.amount} mutez to "
                f"{content.destination}, but {transfer.amount} to {transfer.destination} were "
                f"signed at position {transfer.position}"
            )
