"""The program that serves a hostile chain over HTTP, and outlives those who pay on it.

It is asked over its pipe for a new chain, for faults, and for an audit. It knows no payments.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bakehouse.sandbox.app import App, Message, Receive, Send
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.sandbox.hostile.sandbox import HostileSandbox
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.tezos.node import FINALITY_BLOCKS
from tests.faults.audit_findings import Findings
from tests.faults.auditor import audit
from tests.faults.real_orders import ChainFacts
from tests.faults.real_program import pipe_of_this_program
from tests.payments.chain_front import served

_NODES = 2
_BLOCKS_PER_CYCLE = 8


class ChainProgram:
    """Serves one chain at a time; each new one takes the place of the one before."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._ended = asyncio.Event()
        self._hostile = _hostile(seed=0, delegators=1)
        self._urls: list[str] = []

    async def run(self) -> None:
        """Serve until the pipe is closed."""
        async with AsyncExitStack() as stack:
            apps = [self._source(index) for index in range(_NODES + 1)]
            for app in (*apps, self._bake_app):
                self._urls.append(await stack.enter_async_context(served(app)))
            asyncio.get_running_loop().add_reader(self._pipe.fileno(), self._answer)
            await self._ended.wait()

    def _answer(self) -> None:
        try:
            name, *arguments = self._pipe.recv()
        except EOFError:
            self._ended.set()
            return
        commands: dict[str, Callable[..., Any]] = {
            "new": self._new,
            "inflict": self._inflict,
            "bake": self._bake,
            "heal": self._heal,
            "struck": lambda: {each.value: n for each, n in self._hostile.struck.items()},
            "audit": self._audit,
        }
        try:
            self._pipe.send(commands[name](*arguments))
        except Exception as error:  # noqa: BLE001 - raised anew where it was asked for
            self._pipe.send(error)

    def _new(self, seed: int, delegators: int, cycles: int) -> ChainFacts:
        """Make a chain whose first cycles are over."""
        hostile = self._hostile = _hostile(seed, delegators)
        chain = hostile.chain
        first = chain.settings.starting_cycle
        wanted = chain.cycle_length.last_level(first + cycles - 1) + 1 + FINALITY_BLOCKS
        while chain.head.level < wanted:
            hostile.bake()
        *nodes, indexer, bake = self._urls
        return ChainFacts(
            chain.chain_id,
            chain.world.baker,
            chain.world.payout_key,
            first,
            tuple(nodes),
            indexer,
            bake,
        )

    def _heal(self) -> None:
        self._hostile.heal()

    def _bake(self, blocks: int) -> None:
        for _ in range(blocks):
            self._hostile.bake()

    def _inflict(self, fault: Fault, how: dict[str, Any]) -> None:
        self._hostile.inflict(fault, **how)

    def _audit(self, database: Path, last_cycle: int) -> Findings:
        return audit(
            self._hostile.chain,
            database,
            at_rest=True,
            foreign=self._hostile.foreign,
            last_cycle=last_cycle,
        )

    def _source(self, index: int) -> App:
        async def app(scope: Message, receive: Receive, send: Send) -> None:
            hostile = self._hostile
            source = hostile.node_app(index) if index < _NODES else hostile.indexer_app()
            await source(scope, receive, send)

        return app

    async def _bake_app(self, _scope: Message, _receive: Receive, send: Send) -> None:
        self._hostile.bake()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


def _hostile(seed: int, delegators: int) -> HostileSandbox:
    settings = SandboxSettings(
        seed=seed,
        delegator_count=delegators,
        blocks_per_cycle=_BLOCKS_PER_CYCLE,
        blocks_before_first_turn=1,
        block_seconds=None,
    )
    chain = Chain(settings, start_timestamp=int(time.time()))
    return HostileSandbox(chain, seed=seed, node_count=_NODES)


if __name__ == "__main__":
    asyncio.run(ChainProgram(pipe_of_this_program()).run())
