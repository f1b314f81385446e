"""The chain as told by several nodes, each on the right chain and fresh, the next when one fails.

Reads that decide together come from one node at one block. What it costs or means is not decided
here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Final

from bakehouse.errors import SettingError, SourceError, SourceMalformedError, SourceStaleError
from bakehouse.failpoints import Failpoint, failpoint
from bakehouse.rewards.money import Mutez
from bakehouse.tezos import node_rpc, testimony
from bakehouse.tezos.address import Address, is_contract
from bakehouse.tezos.block import BlockHeader, BlockId, BlockMetadata
from bakehouse.tezos.block_use import OperationUse
from bakehouse.tezos.chain_sources import ChainSources
from bakehouse.tezos.constants import ProtocolConstants
from bakehouse.tezos.fees import FeeFilter
from bakehouse.tezos.operation import OperationGroup
from bakehouse.tezos.receipt import ContentResult, IncludedOperation
from bakehouse.tezos.recent_chain import RecentChain
from bakehouse.tezos.testimony import AbsenceQuestion, Testimony
from bakehouse.tezos.transport import JsonSource

#: Blocks on top of a block after which it stays (octez docs, consensus: Tenderbake finality).
FINALITY_BLOCKS: Final = 2

HEAD: Final = "head"

#: Seconds after its time until a block has reached a node, most often.
_ARRIVAL_SECONDS: Final = 1
#: How often a block that is late is looked for in the time of one.
_LOOKS_PER_LATE_BLOCK: Final = 3


@dataclass(frozen=True, slots=True)
class SigningContext:
    """What the next group of an account is built on, read from one node at one block, `head`."""

    source: str
    head: BlockHeader
    #: The newest final block: nothing that is signed now can be in it, or in one before.
    final: BlockHeader
    #: An old ancestor of the head: a group that names it as branch lives for a few blocks only.
    branch: BlockHeader
    #: Blocks after the branch in which the group can be included are 1 to this plus 1.
    max_operations_ttl: int
    counter: int
    balance: Mutez
    #: None: the account has revealed no key, so its first group must begin with a reveal.
    manager_key: str | None
    constants: ProtocolConstants
    #: Bytes of manager operations that a block holds; None where the node does not say.
    manager_bytes_max: int | None = None


@dataclass(frozen=True, slots=True)
class Injection:
    """One node's answer to a broadcast; neither a hash nor an error says what became of it."""

    source: str
    op_hash: str | None
    error: SourceError | None


class NodeClient:
    """Nodes of one chain in order of preference.

    A node that cannot be reached, lags, serves another chain or answers nonsense is passed over
    for the next; the methods raise a SourceError when none is left. `now` tells the time of this
    machine, against which a head may be `head_age_seconds_max` old (or ahead: then a clock is
    wrong, and freshness means nothing). A block named by anything but its hash may be a different
    one at the next call.
    """

    def __init__(
        self,
        nodes: Sequence[JsonSource],
        *,
        chain_id: str | None,
        now: Callable[[], datetime],
        head_age_seconds_max: int,
        is_shared: bool = False,
    ) -> None:
        self._nodes = ChainSources(nodes, node_rpc.chain_id, chain_id=chain_id)
        self._now = now
        self._head_age_seconds_max = head_age_seconds_max
        self._constants: dict[tuple[str, str], ProtocolConstants] = {}
        self._newest: BlockHeader | None = None
        #: What several bakers may look at together, if it `is_shared`.
        self.recent = RecentChain(self, now, is_shared=is_shared)

    async def chain_id(self) -> str:
        """Give the chain that all nodes are held to."""
        return await self._nodes.chain_id()

    async def head(self) -> BlockHeader:
        """Give the newest block; a node whose newest is too old raises SourceStaleError."""
        return await self._nodes.first(self._head)

    async def header(self, block: BlockId) -> BlockHeader:
        """Give the header of a block."""
        return await self._nodes.first(lambda node: self._header(node, block))

    async def ancestor(self, block: BlockHeader, level: int) -> BlockHeader:
        """Give the block of a level on the chain that ends in `block`, whoever else may differ."""
        if level == block.level:
            return block
        return await self._nodes.first(
            lambda node: self._ancestor(node, block, block.level - level)
        )

    async def block_metadata(self, block: BlockId = HEAD) -> BlockMetadata:
        """Give a block's cycle, its position there, its protocols and the operations' lifetime."""
        return await self._nodes.first(lambda node: node_rpc.metadata(node, block))

    async def constants(self, block: BlockId = HEAD) -> ProtocolConstants:
        """Give the protocol constants in force after a block."""
        return await self._nodes.first(lambda node: self._constants_at(node, block))

    @property
    def known_block_delay_seconds(self) -> int | None:
        """About how long a block takes, None when no node has told it yet."""
        known = next(reversed(self._constants.values()), None)
        return None if known is None else known.minimal_block_delay_seconds

    async def block_delay_seconds(self) -> int:
        """Give about how long a block takes; asks a node only when none has told it yet."""
        known = self.known_block_delay_seconds
        return (await self.constants()).minimal_block_delay_seconds if known is None else known

    async def seconds_to_next_block(self) -> int:
        """Give about how long it is until the block after the newest one heard of can be read.

        A block that is late is looked for in short intervals. Asks a node only for what none has
        told yet.
        """
        delay = await self.block_delay_seconds()
        if self._newest is None:
            return delay
        age = (self._now() - self._newest.timestamp).total_seconds()
        due = ceil(delay - age) + _ARRIVAL_SECONDS
        return min(max(due, delay // _LOOKS_PER_LATE_BLOCK, 1), delay)

    async def balance(self, address: Address, block: BlockId = HEAD) -> Mutez:
        """Give the spendable balance of an account, in mutez; 0 when it does not exist."""
        return await self._nodes.first(lambda node: node_rpc.balance(node, address, block))

    async def counter(self, address: Address, block: BlockId = HEAD) -> int:
        """Give the counter of an implicit account: its next operation must carry one more."""
        return await self._nodes.first(lambda node: node_rpc.counter(node, address, block))

    async def manager_key(self, address: Address, block: BlockId = HEAD) -> str | None:
        """Give the public key that an implicit account has revealed, None when it has not."""
        return await self._nodes.first(lambda node: node_rpc.manager_key(node, address, block))

    async def is_baker(self, address: Address, block: BlockId = HEAD) -> bool:
        """Tell whether an account is a registered baker: those delegate to themselves."""
        delegate = await self._nodes.first(lambda node: node_rpc.delegate(node, address, block))
        return delegate == address

    async def is_allocated(self, address: Address, block: BlockId = HEAD) -> bool:
        """Tell whether paying an address burns nothing for a new account.

        False for an implicit account without spendable balance. Some of those do exist (a baker
        that has staked everything): they merely get a storage limit that they do not use.
        """
        return is_contract(address) or await self.balance(address, block) > 0

    async def manager_operations(self, block: BlockId) -> tuple[IncludedOperation, ...]:
        """Give the manager operations of a block with their receipts; name it by its hash."""
        return await self._nodes.first(lambda node: node_rpc.manager_operations(node, block))

    async def operation_uses(self, block: BlockId) -> tuple[OperationUse, ...]:
        """Give what each manager operation takes of a block's gas and bytes."""
        return await self._nodes.first(lambda node: node_rpc.operation_uses(node, block))

    async def operation_hashes(self, block: BlockId) -> tuple[str, ...]:
        """Give the hashes of a block's manager operations; name it by its hash."""
        return await self._nodes.first(lambda node: node_rpc.operation_hashes(node, block))

    async def fee_filter(self) -> FeeFilter:
        """Give the prices below which the preferred node takes no operation."""
        return await self._nodes.first(node_rpc.fee_filter)

    async def simulate(
        self, group: OperationGroup, block: BlockId = HEAD
    ) -> tuple[ContentResult, ...]:
        """Give what a group would do after a block: one result per content, in order.

        A content that would fail is a result; a group that nodes would not even take (a wrong
        counter, an empty source) is a NodeRefusedError.
        """
        chain = await self.chain_id()
        return await self._nodes.first(lambda node: node_rpc.simulate(node, group, block, chain))

    async def signing_context(self, address: Address, *, life_blocks: int) -> SigningContext:
        """Read what signing for an implicit account needs, all from one node at its fresh head.

        The branch is so old that the group can be in the next `life_blocks` blocks and in none
        after them, and always final: a reorganisation cannot take it away. A chain too young for
        that gives a longer life. A life of no blocks is a SettingError.
        """
        if life_blocks < 1:
            raise SettingError(f"a group needs a life of 1 block or more, not {life_blocks}")
        return await self._nodes.first(
            lambda node: self._signing_context(node, address, life_blocks)
        )

    async def on_block(self, level: int, block: str) -> tuple[Testimony, ...]:
        """Ask every node by itself whether the block of a level is this one."""
        return await self._testimonies(lambda node: testimony.node_on_block(node, level, block))

    async def on_absence(self, question: AbsenceQuestion) -> tuple[Testimony, ...]:
        """Have every node show by itself that an operation is in no block of its lifetime."""
        return await self._testimonies(lambda node: testimony.node_on_absence(node, question))

    async def broadcast(self, signed_bytes: bytes) -> tuple[Injection, ...]:
        """Hand the same signed bytes to every node in order, once each, and give their answers.

        Safe to repeat with the same bytes: a chain includes them at most once. Errors are values
        here, because none of them proves that the operation will not be included. A node that
        serves another chain, or cannot be asked which it serves, is not sent anything; one that
        failed a moment ago is left out, unless all did.
        """
        nodes = self._nodes.awake() or self._nodes.sources
        return tuple(await asyncio.gather(*(self._inject(node, signed_bytes) for node in nodes)))

    async def _testimonies(
        self, ask: Callable[[JsonSource], Awaitable[Testimony]]
    ) -> tuple[Testimony, ...]:
        return tuple(
            testimony.silent(node.name, answer) if isinstance(answer, SourceError) else answer
            for node, answer in await self._nodes.poll(ask)
        )

    async def _head(self, node: JsonSource) -> BlockHeader:
        head = await self._header(node, HEAD)
        node.observer.head_heard(node.name, head.level, head.timestamp)
        age_seconds = (self._now() - head.timestamp).total_seconds()
        if abs(age_seconds) > self._head_age_seconds_max:
            direction = "behind" if age_seconds > 0 else "ahead of"
            raise SourceStaleError(
                f"the head of {node.name}, block {head.level}, is {abs(age_seconds):.0f} seconds "
                f"{direction} this machine's clock: the node lags, or a clock is wrong",
                source=node.name,
                level=head.level,
            )
        if self._newest is None or head.timestamp > self._newest.timestamp:
            self._newest = head
        return head

    async def _header(self, node: JsonSource, block: BlockId) -> BlockHeader:
        header = await node_rpc.header(node, block)
        # A URL may come to lead elsewhere while we run.
        self._nodes.check_chain(node, header.chain_id)
        if not header.answers_to(block):
            raise SourceMalformedError(
                f"{node.name} answered for block {header.hash} when asked for {block}",
                source=node.name,
            )
        return header

    async def _constants_at(self, node: JsonSource, block: BlockId) -> ProtocolConstants:
        # Pinned by hash: a head that moved between the two questions could cross a protocol change.
        header = await self._header(node, block)
        protocol = await node_rpc.next_protocol(node, header.hash)
        return await self._constants_of(node, header, protocol)

    async def _constants_of(
        self, node: JsonSource, block: BlockHeader, next_protocol: str
    ) -> ProtocolConstants:
        # The last block of a protocol already leaves the constants of the next one behind.
        key = (block.chain_id, next_protocol)
        if key not in self._constants:
            self._constants[key] = await node_rpc.constants(node, block.hash)
        return self._constants[key]

    async def _signing_context(
        self, node: JsonSource, address: Address, life_blocks: int
    ) -> SigningContext:
        head = await self._head(node)
        metadata = await node_rpc.metadata(node, head.hash)
        # A block's predecessor keeps ttl + 1 live blocks (octez, store.ml): a branch this far
        # below the head is the oldest of them `life_blocks` blocks from now.
        wanted_depth = metadata.max_operations_ttl + 1 - life_blocks
        depth = max(FINALITY_BLOCKS, min(wanted_depth, head.level - 1))
        return SigningContext(
            source=node.name,
            head=head,
            final=await self._ancestor(node, head, FINALITY_BLOCKS),
            branch=await self._ancestor(node, head, depth),
            max_operations_ttl=metadata.max_operations_ttl,
            counter=await node_rpc.counter(node, address, head.hash),
            balance=await node_rpc.balance(node, address, head.hash),
            manager_key=await node_rpc.manager_key(node, address, head.hash),
            constants=await self._constants_of(node, head, metadata.next_protocol),
            manager_bytes_max=metadata.manager_bytes_max,
        )

    async def _ancestor(self, node: JsonSource, block: BlockHeader, depth: int) -> BlockHeader:
        ancestor = await self._header(node, f"{block.hash}~{depth}")
        if ancestor.level != block.level - depth:
            raise SourceMalformedError(
                f"{node.name} answered with block {ancestor.level} for the one {depth} below "
                f"{block.level}",
                source=node.name,
            )
        return ancestor

    async def _inject(self, node: JsonSource, signed_bytes: bytes) -> Injection:
        try:
            await self._nodes.verify(node)
            op_hash = await node_rpc.inject(node, signed_bytes)
            failpoint(Failpoint.MID_INJECT)
        except SourceError as error:
            self._nodes.pass_over(node, error)
            return Injection(node.name, op_hash=None, error=error)
        return Injection(node.name, op_hash=op_hash, error=None)
