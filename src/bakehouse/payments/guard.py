"""Checks before anything is planned or signed: each has a name and says in words why it refused."""

from collections.abc import Sequence

from bakehouse.errors import GuardRefusedError, SourceStaleError
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.operations import Operation
from bakehouse.payments.payer import Payer
from bakehouse.rewards.money import Mutez, format_tez
from bakehouse.tezos.block import BlockHeader
from bakehouse.tezos.indexer_head import IndexerHead


def refuse(guard: str, reason: str) -> GuardRefusedError:
    """Make the error of a guard that did not pass."""
    return GuardRefusedError(f"{guard}: {reason}", guard=guard)


async def sources_agree(payer: Payer, distribution: Distribution) -> bool:
    """Whether node and indexer are on the baker's chain and both past the cycle.

    False while the indexer still works towards it; raises GuardRefusedError for another chain or
    another history.
    """
    indexer = await payer.indexer.head()
    network = distribution.key.network
    for name, chain_id in (("node", await payer.node.chain_id()), ("indexer", indexer.chain_id)):
        if chain_id != network:
            raise refuse("sources-agree", f"the {name} is on chain {chain_id}, not {network}")
    if not indexer.synced or indexer.cycle <= distribution.key.cycle:
        return False
    header = await _node_header_at(payer, indexer)
    if header is not None and header.hash != indexer.hash:
        raise refuse(
            "sources-agree",
            f"at level {indexer.level} the indexer has block {indexer.hash}, "
            f"the node {header.hash}",
        )
    return True


def adds_up(distribution: Distribution, planned: Mutez) -> None:
    """Refuse when the payouts in the ledger are not what the plan said, to the mutez."""
    expected = distribution.figures.total_net
    if planned != expected:
        raise refuse("adds-up", f"the payouts add up to {planned} mutez, the plan to {expected}")


def balance_covers(source: str, balance: Mutez, *, amounts: Mutez, costs: Mutez) -> None:
    """Refuse unless the wallet covers all that is still owed, and the fees and burns of the group.

    Stopping before the first transfer is better than stopping half-way through a cycle.
    """
    if balance < amounts + costs:
        raise refuse(
            "balance-covers",
            f"the wallet {source} holds {format_tez(balance)} tez, but "
            f"{format_tez(amounts)} tez are owed and {format_tez(costs)} tez go to fees and burns",
        )


def counter_is_current(counter: int, living: Sequence[Operation]) -> None:
    """Refuse a node that has not applied our own groups yet, or has lost one to a reorganisation.

    Signing on its counter would make two groups that exclude each other.
    """
    for operation in living:
        last = operation.counter_first + operation.content_count - 1
        if counter < last:
            raise SourceStaleError(
                f"the node gives counter {counter}, but {operation.hash} used up to {last}"
            )


async def _node_header_at(payer: Payer, indexer: IndexerHead) -> BlockHeader | None:
    head = await payer.node.head()
    # The indexer may be a block ahead of this node; then there is nothing to compare yet.
    if indexer.level > head.level:
        return None
    return await payer.node.header(indexer.level)
