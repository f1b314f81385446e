"""Telling those who wait that the chain has a new head."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

from bakehouse.sandbox.block import Block
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.node_json import head_json


class HeadFeed:
    """Wakes everybody who waits for a head, until it is closed."""

    def __init__(self) -> None:
        self._change = asyncio.Event()
        self._is_closed = False

    def publish(self) -> None:
        """Wake all who wait."""
        change, self._change = self._change, asyncio.Event()
        change.set()

    def close(self) -> None:
        """Wake all who wait, and let nobody wait again."""
        self._is_closed = True
        self.publish()

    async def heads(self, view: Callable[[], Chain]) -> AsyncIterator[str]:
        """Give the head and every one after it, each as a line of JSON, until the feed closes."""
        shown: Block | None = None
        while not self._is_closed:
            # Taken before the chain is read, so that no change falls in between.
            change = self._change
            chain = view()
            for block in _unseen(chain, shown):
                shown = block
                yield json.dumps(head_json(chain, block)) + "\n"
            await change.wait()


def _unseen(chain: Chain, shown: Block | None) -> list[Block]:
    # After a reorganisation only the new head is told, as nodes do.
    if shown is None or chain.head.level <= shown.level:
        return [] if shown is chain.head else [chain.head]
    return chain.simulated_blocks(shown.level + 1)
