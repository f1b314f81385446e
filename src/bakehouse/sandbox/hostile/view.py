"""What one node or indexer has of the chain: all of it, too little, or other blocks than the rest.

A view that is not the chain's own is a replica with a mempool of its own.
"""

from typing import Final

from bakehouse.sandbox.baking import Recipe
from bakehouse.sandbox.block import Block
from bakehouse.sandbox.chain import Chain

#: Rounds of a minority's blocks; those of the chain are never so late, so that no two are equal.
_FORK_ROUND: Final = 8


class View:
    """The honest view: the chain itself."""

    def __init__(self, leader: Chain) -> None:
        self.leader = leader

    @property
    def chain(self) -> Chain:
        """The chain as it is seen from here, now."""
        return self.leader

    @property
    def is_honest(self) -> bool:
        """Tell whether what is seen is what there is."""
        return True

    def gossip(self) -> None:
        """Exchange operations with the rest of the network."""

    def rejoin(self) -> None:
        """Tell the network what only this node knows, before the view is given up."""


class _Replica(View):
    """A view that comes after the chain at its own pace, whenever somebody looks."""

    def __init__(self, leader: Chain) -> None:
        super().__init__(leader)
        self._own = leader.replica()
        self._seen = leader.head

    @property
    def chain(self) -> Chain:
        if self._seen is not self.leader.head:
            self._come_after(self._seen)
            self._seen = self.leader.head
        self._own.fee_factor = self.leader.fee_factor
        return self._own

    @property
    def is_honest(self) -> bool:
        return self.chain.head is self.leader.head

    def _come_after(self, seen: Block) -> None:
        raise NotImplementedError


class LaggingView(_Replica):
    """A view that ends some blocks below the head, or where the simulation began."""

    def __init__(self, leader: Chain, blocks: int) -> None:
        super().__init__(leader)
        self._blocks = blocks
        depth = min(blocks, leader.simulated_count)
        if depth:
            forgotten = self._own.step_back(depth)
            self._own.take_back(forgotten)

    def gossip(self) -> None:
        """Exchange what waits; the network judges by its own head, and this node by its."""
        for signed in list(self.leader.mempool.validated()):
            self.chain.hear_of(signed)
        for signed in list(self.chain.mempool.validated()):
            self.leader.hear_of(signed)

    def _come_after(self, _: Block) -> None:
        self._own.follow(self.leader, self.leader.head.level - self._blocks)


class ForkedView(_Replica):
    """A view that parted from the chain some blocks ago, and grows as fast.

    Its blocks are empty, unless it `includes` what is injected here; nobody else hears of that.
    """

    def __init__(self, leader: Chain, depth: int, *, includes: bool) -> None:
        super().__init__(leader)
        self._includes = includes
        forgotten = self._own.step_back(min(depth, leader.simulated_count))
        for block in reversed(forgotten):
            self._own.bake_as(_empty_at(block))
        self._own.take_back(forgotten)
        self._parted_at = self._own.head.level - len(forgotten)

    def rejoin(self) -> None:
        """Have the network hear of what was injected here, or was in a block that is given up."""
        for block in self.chain.simulated_blocks(self._parted_at + 1):
            for included in block.operations:
                self.leader.hear_of(included.signed)
        for signed in list(self.chain.mempool.validated()):
            self.leader.hear_of(signed)

    def _come_after(self, seen: Block) -> None:
        for block in self.leader.simulated_blocks(seen.level + 1):
            groups = tuple(self._own.fitting()) if self._includes else ()
            recipe = _empty_at(block)
            self._own.bake_as(Recipe(groups, (), recipe.block_round, recipe.timestamp))


def _empty_at(block: Block) -> Recipe:
    return Recipe(block_round=_FORK_ROUND + block.block_round, timestamp=block.timestamp)
