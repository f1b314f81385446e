"""Checks before anything is planned or signed: each has a name and says in words why it refused."""

from collections.abc import Sequence

from bakehouse.errors import ConflictError, GuardRefusedError, SourceStaleError
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import Distribution
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.states import Mode
from bakehouse.payments.payer import Payer
from bakehouse.rewards.money import Mutez, format_tez


def refuse(guard: str, reason: str) -> GuardRefusedError:
    """Make the error of a guard that did not pass."""
    return GuardRefusedError(f"{guard}: {reason}", guard=guard)


async def sources_agree(payer: Payer, distribution: Distribution) -> bool:
    """Whether node and indexer are on the baker's chain and both past the cycle.

    False while one of them still works towards it; raises GuardRefusedError for another chain or
    another history.
    """
    indexer = await payer.indexer.head()
    network = distribution.key.network
    for name, chain_id in (("node", await payer.node.chain_id()), ("indexer", indexer.chain_id)):
        if chain_id != network:
            raise refuse("sources-agree", f"the {name} is on chain {chain_id}, not {network}")
    if not indexer.synced or indexer.cycle <= distribution.key.cycle:
        return False
    if indexer.level > (await payer.node.head()).level:
        # There is nothing to compare yet.
        return False
    header = await payer.node.header(indexer.level)
    if header.hash != indexer.hash:
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
    missing = Mutez(amounts + costs - balance)
    if missing > 0:
        raise refuse(
            "balance-covers",
            f"the wallet {source} holds {format_tez(balance)} tez, but "
            f"{format_tez(amounts)} tez are owed and {format_tez(costs)} tez go to fees and burns: "
            f"{format_tez(missing)} tez are missing",
        )


def still_wanted(baker: Baker, source: str) -> None:
    """Raise ConflictError unless the baker, as it is now, pays and pays from `source`."""
    if baker.mode is not Mode.ON or baker.payout_address != source:
        raise ConflictError(
            f"the settings of {baker.baker_id} changed while a group of {source} was made: "
            "it is not sent"
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
