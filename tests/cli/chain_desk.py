"""A desk at which a simulated chain is set up, baked by the clock in a thread of its own."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from bakehouse.sandbox.server import SandboxServer
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.tezos.sealed_key import COST_MIN, SealedKey
from tests.cli.bakers_desk import Desk

PASSPHRASE = "correct horse battery staple"

#: A cycle of a few seconds, whose first is over before a test has begun.
QUICK = SandboxSettings(
    delegator_count=6, block_seconds=0.3, blocks_per_cycle=8, blocks_before_first_turn=1
)


@dataclass(frozen=True, slots=True)
class LivingChain:
    """What a test needs to know of the chain."""

    server: SandboxServer

    @property
    def baker(self) -> str:
        return self.server.baker_address

    @property
    def payout_address(self) -> str:
        return self.server.payout_address

    @property
    def first_cycle(self) -> int:
        return self.server.chain.settings.starting_cycle

    def set_up(self, desk: Desk, monkeypatch: pytest.MonkeyPatch, *, with_key: bool = True) -> None:
        """Have a desk's commands use this chain, and keep the key that pays where they look."""
        monkeypatch.setenv("BAKEHOUSE_NETWORK", self.server.chain_id)
        monkeypatch.setenv("BAKEHOUSE_NODE_URLS", self.server.node_url)
        monkeypatch.setenv("BAKEHOUSE_INDEXER_URLS", self.server.indexer_url)
        # Nobody listens there: no Bakehouse is running beside the test.
        monkeypatch.setenv("BAKEHOUSE_PORT", "1")
        passphrase = desk.write("passphrase", PASSPHRASE)
        passphrase.chmod(0o600)
        monkeypatch.setenv("BAKEHOUSE_KEY_PASSPHRASE_FILE", str(passphrase))
        if with_key:
            folder = desk.folder / "data" / "keys"
            folder.mkdir(parents=True, mode=0o700)
            folder.parent.chmod(0o700)
            sealed = SealedKey.seal(self.server.payout_secret_key, PASSPHRASE, COST_MIN)
            file = folder / "payout.key"
            file.touch(mode=0o600)
            file.write_text(sealed.text())


@contextmanager
def living_chain(settings: SandboxSettings = QUICK) -> Iterator[LivingChain]:
    """Serve a chain until the block ends, whose first cycle is over for good."""
    started: list[SandboxServer] = []
    loop = asyncio.new_event_loop()
    is_ready, is_over = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with await SandboxServer.start(settings) as server:
            for _ in range(5):
                server.bake()
            started.append(server)
            is_ready.set()
            await is_over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    is_ready.wait()
    try:
        yield LivingChain(started[0])
    finally:
        loop.call_soon_threadsafe(is_over.set)
        thread.join()
        loop.close()
