"""What single sources say of one block or one operation, so that several can be held together.

Each source is asked by itself and vouches for nothing but what it serves. What follows from their
words is decided by payments.
"""

from dataclasses import dataclass

from bakehouse.errors import SourceError
from bakehouse.tezos import node_rpc
from bakehouse.tezos.address import Address
from bakehouse.tezos.block import BlockHeader
from bakehouse.tezos.transport import JsonSource


@dataclass(frozen=True, slots=True)
class Testimony:
    """One source's word: it confirms, it contradicts, or (None) it cannot say."""

    source: str
    confirms: bool | None
    words: str
    #: The counter of the account after the final block, where it was asked for and told.
    counter: int | None = None


@dataclass(frozen=True, slots=True)
class AbsenceQuestion:
    """Whether an operation is in any block after the one it was born under, up to a final one."""

    operation_hash: str
    account: Address
    born_level: int
    born_block: str
    final: BlockHeader


def silent(source: str, error: SourceError) -> Testimony:
    """Give the testimony of a source that failed: it says nothing."""
    return Testimony(source, None, error.message)


async def node_on_block(node: JsonSource, level: int, block: str) -> Testimony:
    """Ask a node whether the block of a level is this one."""
    header = await node_rpc.header(node, level)
    return compare(node.name, level, asked=block, told=header.hash)


def compare(source: str, level: int, *, asked: str, told: str) -> Testimony:
    """Give the testimony of a source that named its block of a level."""
    if told == asked:
        return Testimony(source, confirms=True, words=f"block {level} is {asked}")
    return Testimony(source, confirms=False, words=f"block {level} is {told}, not {asked}")


async def node_on_absence(node: JsonSource, question: AbsenceQuestion) -> Testimony:
    """Have a node show every block from the final one down to the one of birth, without a gap.

    Each block must be the predecessor that the one above names, and the last must be the block that
    was final when the operation was signed. Raises SourceError for a block it cannot show.
    """
    final = question.final
    served = await node_rpc.header(node, final.level)
    if served.hash != final.hash:
        return compare(node.name, final.level, asked=final.hash, told=served.hash)
    block = served
    while block.level > question.born_level:
        if question.operation_hash in await node_rpc.operation_hashes(node, block.hash):
            return Testimony(node.name, confirms=False, words=f"it is in block {block.level}")
        above = block
        block = await node_rpc.header(node, above.predecessor)
        if block.hash != above.predecessor or block.level != above.level - 1:
            return Testimony(
                node.name,
                None,
                f"block {above.level} does not follow what it shows as the one before",
            )
    if block.hash != question.born_block:
        return Testimony(
            node.name,
            confirms=False,
            words=f"block {block.level} is {block.hash}, but {question.born_block} was final",
        )
    counter = await node_rpc.counter(node, question.account, final.hash)
    words = f"absent from blocks {question.born_level + 1} to {final.level}, counter {counter}"
    return Testimony(node.name, confirms=True, words=words, counter=counter)
