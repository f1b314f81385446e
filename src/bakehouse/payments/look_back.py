"""Looking back: whether these recipients were paid already, by another tool or a lost ledger.

Every transfer it sent since the cycle ended must be one that this ledger knows, signed here or
imported with the history of another tool, and does not take for dead. Up to the
indexer's head the indexer tells; the blocks above, up to the very block that is signed upon, are
read from the node. Whoever sends in a later block uses up the counter that is about to be signed.
"""

from collections.abc import Mapping, Sequence

from bakehouse.errors import SourcesDisagreeError, SourceStaleError
from bakehouse.ledger import imports, operations
from bakehouse.ledger.payouts import Payout
from bakehouse.payments.agreement import agree_on_block
from bakehouse.payments.payer import Payer
from bakehouse.payments.wallet_transfers import Searched, WalletTransfer, by_destination
from bakehouse.tezos.address import Address
from bakehouse.tezos.block import BlockHeader
from bakehouse.tezos.node import FINALITY_BLOCKS, SigningContext
from bakehouse.tezos.receipt import IncludedContent, Status

#: Blocks that are read from the node because the indexer does not have them yet.
_UNINDEXED_BLOCKS_MAX = 30


async def paid_elsewhere(
    payer: Payer, network: str, context: SigningContext, source: str, owed: Sequence[Payout]
) -> Mapping[int, tuple[WalletTransfer, ...]]:
    """Give the payouts that seem to be paid already, by id, with the transfers that say so.

    Transfers that a person has looked at when a payout was held and released do not count again.
    Raises SourceStaleError while the indexer is too far behind to tell, SourcesDisagreeError when
    it follows another history than the node.
    """
    ends = {
        cycle: await payer.indexer.cycle_last_level(cycle)
        for cycle in sorted({payout.cycle for payout in owed})
    }
    sent = await sent_since(payer, network, context, source, min(ends.values()))
    to_destination = by_destination(sent)
    hits: dict[int, tuple[WalletTransfer, ...]] = {}
    for payout in owed:
        after = max(ends[payout.cycle], payout.looked_back_level or 0)
        new = [
            transfer
            for transfer in to_destination.get(payout.address, ())
            if transfer.level > after
        ]
        if new:
            hits[payout.id] = tuple(new)
    return hits


async def sent_since(
    payer: Payer, network: str, context: SigningContext, source: str, after_level: int
) -> tuple[WalletTransfer, ...]:
    """Give what a wallet sent after a level that this ledger does not know, or takes for dead.

    Raises like `paid_elsewhere`.
    """
    known = payer.wallet_transfers.searched(network, source, after_level)
    indexed, transfers = await payer.indexer.sent_transfers(
        Address(source), after_level=known.to_level
    )
    await _require_same_history(payer, context, indexed.level, indexed.hash)
    told = [
        WalletTransfer(each.level, each.operation_hash, each.destination, each.amount)
        for each in transfers
        if each.level <= context.head.level
    ]
    unindexed = await _in_blocks_above(payer, context.head, indexed.level, source)
    sent = [*known.sent, *told]
    final_level = min(indexed.level, context.head.level - FINALITY_BLOCKS)
    if final_level > known.to_level:
        final = tuple(each for each in sent if each.level <= final_level)
        payer.wallet_transfers.remember(
            network, source, Searched(known.after_level, final_level, final)
        )
    sent += unindexed
    async with payer.ledger.read() as tx:
        ours = await operations.living(tx, {each.operation_hash for each in sent})
        others = {each.operation_hash for each in sent} - ours
        before = await imports.transfers_paid(tx, network, others)
    return tuple(
        each
        for each in sent
        if each.operation_hash not in ours and (each.operation_hash, each.destination) not in before
    )


async def _require_same_history(
    payer: Payer, context: SigningContext, level: int, block: str
) -> None:
    head, final = context.head, context.final
    if level < head.level - _UNINDEXED_BLOCKS_MAX:
        raise SourceStaleError(
            f"the indexer is at block {level}, the node at {head.level}: too far behind to tell "
            "whom this wallet has paid already"
        )
    if level <= final.level:
        final = await payer.node.ancestor(head, level)
    agreement = await agree_on_block(payer, final.level, final.hash)
    if not agreement.is_reached:
        raise SourcesDisagreeError(f"before signing, the chain is not agreed on: {agreement}")
    if final.level < level <= head.level:
        header = await payer.node.ancestor(head, level)
        if header.hash != block:
            raise SourcesDisagreeError(
                f"node and indexer differ about block {level}: {header.hash} and {block}"
            )


async def _in_blocks_above(
    payer: Payer, head: BlockHeader, level: int, source: str
) -> list[WalletTransfer]:
    found: list[WalletTransfer] = []
    for above in range(level + 1, head.level + 1):
        block = await payer.node.ancestor(head, above)
        for included in await payer.node.manager_operations(block.hash):
            found += [
                WalletTransfer(above, included.hash, content.destination, content.amount)
                for content in included.contents
                if _is_sent_by(content, source)
                and content.destination is not None
                and content.amount is not None
            ]
    return found


def _is_sent_by(content: IncludedContent, source: str) -> bool:
    return content.source == source and content.result.status is Status.APPLIED
