"""The chain as somebody here has read it a moment ago: one look for all bakers of a network.

For looking whether there is anything to do, and for what blocks of a known hash hold. Never for
signing, nor for calling anything paid or dead: those ask for themselves, and several sources.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from bakehouse.tezos.block import BlockHeader, BlockId, BlockMetadata
from bakehouse.tezos.constants import ProtocolConstants
from bakehouse.tezos.shared_reads import SharedReads

#: Seconds for which an answer is given to others at most, and the part of a block's time.
KEPT_SECONDS_MAX: Final = 1.0
_KEPT_OF_A_BLOCK: Final = 1 / 4
#: When the next block is due a head is soon old: then it is kept for this part of that.
_KEPT_WHEN_DUE: Final = 1 / 4

_FINALITY: Final = 2


class ReadsChain(Protocol):
    """What is read of nodes."""

    async def head(self) -> BlockHeader:
        """Give the newest block."""

    async def ancestor(self, block: BlockHeader, level: int) -> BlockHeader:
        """Give the block of a level on the chain that ends in `block`."""

    async def block_metadata(self, block: BlockId) -> BlockMetadata:
        """Give a block's cycle and protocols."""

    async def constants(self, block: BlockId) -> ProtocolConstants:
        """Give the constants in force after a block."""

    async def operation_hashes(self, block: BlockId) -> tuple[str, ...]:
        """Give the hashes of a block's manager operations."""

    @property
    def known_block_delay_seconds(self) -> int | None:
        """How long a block takes, if a node has told."""


class RecentChain:
    """Reads of several tasks of this process, shared for a moment unless it is not `is_shared`.

    `now` tells the time of this machine. Every method raises like that of the same name of a
    NodeClient.
    """

    def __init__(
        self, chain: ReadsChain, now: Callable[[], datetime], *, is_shared: bool = True
    ) -> None:
        self._chain = chain
        self._now = now
        self._is_shared = is_shared
        self._reads = SharedReads()

    async def head(self) -> BlockHeader:
        """Give the newest block, as of a moment ago."""
        if not self._is_shared:
            return await self._chain.head()
        return await self._reads.get("head", self._chain.head, self._head_kept_seconds)

    async def final_block(self) -> BlockMetadata:
        """Give the newest final block's cycle and protocols, as of a moment ago."""
        head = await self.head()
        name = f"{head.hash}~{_FINALITY}"
        if not self._is_shared:
            return await self._chain.block_metadata(name)
        return await self._reads.get(
            ("metadata", name), lambda: self._chain.block_metadata(name), self._kept_seconds
        )

    async def constants(self) -> ProtocolConstants:
        """Give the constants in force after the newest block, as of a moment ago."""
        if not self._is_shared:
            return await self._chain.constants("head")
        block = (await self.head()).hash
        return await self._reads.get(
            ("constants", block), lambda: self._chain.constants(block), self._kept_seconds
        )

    async def ancestor(self, block: BlockHeader, level: int) -> BlockHeader:
        """Give the block of a level on the chain that ends in `block`."""
        if not self._is_shared:
            return await self._chain.ancestor(block, level)
        return await self._reads.get(
            ("ancestor", block.hash, level),
            lambda: self._chain.ancestor(block, level),
            self._kept_seconds,
        )

    async def operation_hashes(self, block: str) -> tuple[str, ...]:
        """Give the hashes of a block's manager operations; it is named by its hash."""
        if not self._is_shared:
            return await self._chain.operation_hashes(block)
        return await self._reads.get(
            ("operations", block),
            lambda: self._chain.operation_hashes(block),
            self._kept_seconds,
        )

    def _kept_seconds(self, _: object) -> float:
        delay = self._chain.known_block_delay_seconds or 1
        return min(KEPT_SECONDS_MAX, delay * _KEPT_OF_A_BLOCK)

    def _head_kept_seconds(self, head: BlockHeader) -> float:
        kept = self._kept_seconds(head)
        delay = self._chain.known_block_delay_seconds or 1
        left = delay - (self._now() - head.timestamp).total_seconds()
        return min(kept, left) if left > 0 else kept * _KEPT_WHEN_DUE
