"""The chain with everything that can go wrong around it: the way in for tests and simulations."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx2

from bakehouse.sandbox.app import App
from bakehouse.sandbox.baking import Recipe
from bakehouse.sandbox.block import Block
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.head_feed import HeadFeed
from bakehouse.sandbox.hostile.amendment import amend
from bakehouse.sandbox.hostile.asgi import hostile_app
from bakehouse.sandbox.hostile.block_faults import BlockFaults
from bakehouse.sandbox.hostile.dice import Dice
from bakehouse.sandbox.hostile.fault import NETWORK_FAULTS, Fault
from bakehouse.sandbox.hostile.mempool_faults import MEMPOOL_FAULTS, MempoolFaults
from bakehouse.sandbox.hostile.network import Network
from bakehouse.sandbox.hostile.pages import PageFaults
from bakehouse.sandbox.hostile.source import IndexerSource, NodeSource, Source
from bakehouse.sandbox.hostile.stranger import Stranger
from bakehouse.sandbox.hostile.transport import HostileTransport
from bakehouse.sandbox.hostile.view import ForkedView, LaggingView
from bakehouse.sandbox.hostile.withdrawals import Withdrawals

#: How far a fault goes that is not told how far.
_LAG_BLOCKS_MAX: Final = 6
_DEPTH_MAX: Final = 2
_SKEW_SECONDS_MAX: Final = 7_200


class HostileSandbox:
    """Some nodes and an indexer of one chain, with faults that a seed decides.

    `struck` counts how often each fault took effect, which it may do long after it was inflicted,
    often, or never. Time is virtual: it follows the chain, and what `sleep` was told.
    """

    def __init__(self, chain: Chain, *, seed: int, node_count: int = 2) -> None:
        self.chain = chain
        self.struck: Counter[Fault] = Counter()
        self._dice = Dice(seed)
        self._feed = HeadFeed()
        self._network = Network(self._dice, self.struck)
        self._pages = PageFaults(self._dice, self.struck)
        self.nodes = [
            NodeSource(f"node-{index}", chain, self._network, self.struck)
            for index in range(node_count)
        ]
        self.indexer = IndexerSource(chain, self._network, self.struck, self._pages)
        stranger = Stranger(chain)
        #: Hashes of the operations that somebody else has signed with the payout key.
        self.foreign = stranger.signed
        self._mempool = MempoolFaults(chain, stranger, self.struck, self._all_chains)
        self._blocks = BlockFaults(chain, stranger, self._dice, self.struck)
        self._withdrawals = Withdrawals(chain, stranger.address, self._dice, self.struck)
        self._amended_after: list[int] = []
        self._clock = chain.head.timestamp
        self._skew_seconds = 0
        #: None while no reorganisation waits for two groups; else whether it is to come at once.
        self._two_groups_at_once: bool | None = None

    def inflict(self, fault: Fault, **how: Any) -> None:
        """Have a fault happen, now or as soon as it can; what is not said is drawn.

        - Faults of the network: `source` ("node-0", "indexer", None for any), `request` (a pattern
          of `METHOD path`), `times` (None: until healed), `arrives`, `manner`.
        - LAGGING_NODE: `node` (its index), `blocks`. MINORITY_FORK: `node`, `depth`, `includes`
          (whether its blocks take what was injected there). INDEXER_LAG: `blocks`.
        - REORG: `depth`. REORG_OF_TWO_GROUPS: `at_once`. CROWDED_BLOCKS: `gas_percent`.
        - CLOCK_SKEW: `seconds`. FEE_SPIKE: `factor`. BALANCE_DRAINED: `left`.
        - MEMPOOL_DROP: `after` (blocks). FOREIGN_COUNTER, REPLACED_BY_FEE: `destination`, `amount`.
        - INCLUDED_BUT_FAILED: `position` (of a content). DESTINATION_EMPTIED: `address`.
        - TRUNCATED_PAGES, CHANGING_PAGES: `mode` and more, see `pages`.
        - PROTOCOL_CHANGE: `in_blocks`, and any field of Protocol.
        """
        if fault in NETWORK_FAULTS:
            self._network.arm(fault, **how)
        elif fault in MEMPOOL_FAULTS:
            self._mempool.arm(fault, **how)
        elif fault in {Fault.TRUNCATED_PAGES, Fault.CHANGING_PAGES}:
            self._pages.arm(fault, **how)
        else:
            self._own_faults()[fault](**how)

    def heal(self) -> None:
        """End every fault that lasts, and forget those that have not struck.

        Nodes and indexer see the chain as it is, and the next block takes everything and gives
        back what was drained. A protocol stays, as do a stranger's operations.
        """
        self._network.disarm()
        self._pages.disarm()
        self._mempool.disarm()
        self._blocks.disarm()
        self._withdrawals.disarm()
        for source in self._sources().values():
            source.heal()
        self._skew_seconds = 0
        self._two_groups_at_once = None

    def bake(self) -> Block:
        """Bake one block, at the time that it is or as soon as the protocol allows."""
        self._strike_two_groups(at_once=False)
        self._mempool.strike()
        groups = self._blocks.taken()
        movements = self._withdrawals.movements(groups)
        following = self.chain.head.timestamp + self.chain.block_delay_seconds
        timestamp = max(following, self._clock)
        block = self.chain.bake_as(
            Recipe(
                tuple(groups),
                tuple(movements),
                timestamp=timestamp,
                others=self.chain.others(),
            )
        )
        self._mempool.block_baked(block)
        self._withdrawals.block_baked(block)
        self._note_amendments(block)
        self._clock = timestamp
        self._feed.publish()
        self._strike_two_groups(at_once=True)
        return block

    def node_app(self, index: int) -> App:
        """Give a node as an ASGI application, for real HTTP."""
        return hostile_app(self.nodes[index], self._feed)

    def indexer_app(self) -> App:
        """Give the indexer as an ASGI application, for real HTTP."""
        return hostile_app(self.indexer, self._feed)

    def transport(self) -> httpx2.AsyncBaseTransport:
        """Give the nodes and the indexer in process, by the hosts node-0, node-1 … and indexer."""
        return HostileTransport(self._sources())

    def now(self) -> datetime:
        """Tell what this machine takes for the time."""
        if self._skew_seconds:
            self.struck[Fault.CLOCK_SKEW] += 1
        right = datetime.fromtimestamp(max(self._clock, self.chain.head.timestamp), UTC)
        return right + timedelta(seconds=self._skew_seconds)

    def sleep(self, seconds: int) -> None:
        """Let time go by without a block."""
        self._clock = max(self._clock, self.chain.head.timestamp) + seconds

    def close(self) -> None:
        """End the streams of new heads."""
        self._feed.close()

    def _sources(self) -> dict[str, Source]:
        return {source.name: source for source in (*self.nodes, self.indexer)}

    def _all_chains(self) -> list[Chain]:
        return [self.chain, *(node.chain for node in self.nodes if node.chain is not self.chain)]

    def _own_faults(self) -> dict[Fault, Callable[..., None]]:
        return {
            Fault.LAGGING_NODE: self._lag,
            Fault.MINORITY_FORK: self._fork,
            Fault.INDEXER_LAG: self._lag_indexer,
            Fault.REORG: self._reorg,
            Fault.REORG_OF_TWO_GROUPS: self._await_two_groups,
            Fault.CROWDED_BLOCKS: self._blocks.crowd,
            Fault.CLOCK_SKEW: self._skew,
            Fault.PROTOCOL_CHANGE: self._amend,
            Fault.STUCK_UNTIL_EXPIRY: self._blocks.stick,
            Fault.FEE_SPIKE: self._blocks.spike,
            Fault.BALANCE_DRAINED: self._withdrawals.drain,
            Fault.DESTINATION_EMPTIED: self._withdrawals.empty,
            Fault.INCLUDED_BUT_FAILED: self._withdrawals.fail,
        }

    def _drawn_node(self, index: int | None) -> NodeSource:
        return self._dice.pick(self.nodes) if index is None else self.nodes[index]

    def _lag(self, node: int | None = None, blocks: int | None = None) -> None:
        depth = blocks or self._dice.between(1, _LAG_BLOCKS_MAX)
        self._drawn_node(node).see(LaggingView(self.chain, depth))

    def _lag_indexer(self, blocks: int | None = None) -> None:
        self.indexer.see(LaggingView(self.chain, blocks or self._dice.between(1, _LAG_BLOCKS_MAX)))

    def _fork(
        self, node: int | None = None, depth: int | None = None, *, includes: bool = False
    ) -> None:
        depth = depth or self._dice.between(1, _DEPTH_MAX)
        if self.chain.simulated_count:
            self._drawn_node(node).see(ForkedView(self.chain, depth, includes=includes))

    def _reorg(self, depth: int | None = None) -> None:
        depth = min(depth or self._dice.between(1, _DEPTH_MAX), self.chain.simulated_count)
        if depth:
            self.chain.reorg(depth)
            self.struck[Fault.REORG] += 1
            self._feed.publish()

    def _await_two_groups(self, *, at_once: bool | None = None) -> None:
        self._two_groups_at_once = bool(self._dice.below(2)) if at_once is None else at_once

    def _strike_two_groups(self, *, at_once: bool) -> None:
        """Strike when it is due: at once, or when there was time to see both in their blocks."""
        newest = self.chain.simulated_blocks(self.chain.head.level - 1)
        sources = [{each.signed.source for each in block.operations} for block in newest]
        payout_address = self.chain.world.payout_key.public_key.address
        is_due = len(sources) > 1 and all(payout_address in each for each in sources)
        if self._two_groups_at_once is at_once and is_due:
            self._two_groups_at_once = None
            self.chain.reorg(len(sources))
            self.struck[Fault.REORG_OF_TWO_GROUPS] += 1
            self._feed.publish()

    def _skew(self, seconds: int | None = None) -> None:
        if seconds is None:
            seconds = self._dice.between(1, _SKEW_SECONDS_MAX) * self._dice.pick((-1, 1))
        self._skew_seconds = seconds

    def _amend(self, **how: Any) -> None:
        self._amended_after.append(amend(self.chain, self._dice, **how))

    def _note_amendments(self, block: Block) -> None:
        due = [level for level in self._amended_after if level <= block.level]
        self._amended_after = [level for level in self._amended_after if level > block.level]
        self.struck.update([Fault.PROTOCOL_CHANGE] * len(due))
