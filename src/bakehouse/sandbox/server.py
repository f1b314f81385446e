"""The simulated node and indexer, served over HTTP from within the process that uses them."""

import asyncio
import socket
import time
from types import TracebackType
from typing import Final, Self

from bakehouse.asgi_server import EmbeddedServer
from bakehouse.sandbox.app import sandbox_app
from bakehouse.sandbox.block import Block
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.head_feed import HeadFeed
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.sandbox.transfer_record import TransferRecord, transfers_from
from bakehouse.tezos.address import Address
from bakehouse.tezos.keys import SecretKey

_HOST: Final = "127.0.0.1"


class SandboxServer:
    """A chain served on this machine, baking a block every `block_seconds` unless paused.

    Made by `start`; `stop` it, or use it as an async context manager, which stops it. Blocks carry
    the time of the machine. Everything happens on the event loop that started it.
    """

    def __init__(self, chain: Chain, listener: socket.socket) -> None:
        self.chain = chain
        self._feed = HeadFeed()
        self._url = f"http://{_HOST}:{listener.getsockname()[1]}"
        self._may_bake = asyncio.Event()
        self._may_bake.set()
        # The listener queues connections from the beginning: there is nothing to wait for.
        self._http = EmbeddedServer(sandbox_app(self.chain, self._feed))
        self._serving = asyncio.create_task(self._http.serve(sockets=[listener]))
        self._baking = asyncio.create_task(self._bake_by_the_clock())

    @classmethod
    async def start(cls, settings: SandboxSettings | None = None, *, port: int = 0) -> Self:
        """Make a chain and serve it, on any free port if none is given.

        Raises SettingError if the settings make no chain, OSError if the port is taken.
        """
        chain = Chain(settings or SandboxSettings(), start_timestamp=int(time.time()))
        return cls(chain, socket.create_server((_HOST, port)))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def node_url(self) -> str:
        """Where the node's RPC is served."""
        return self._url

    @property
    def indexer_url(self) -> str:
        """Where the indexer is served; its paths begin with /v1."""
        return self._url

    @property
    def chain_id(self) -> str:
        """The id of this chain; no public network has it."""
        return self.chain.chain_id

    @property
    def baker_address(self) -> Address:
        """The baker whose delegators are to be paid."""
        return self.chain.world.baker

    @property
    def payout_secret_key(self) -> SecretKey:
        """The key of the account that pays. It is worth nothing on any other chain."""
        return self.chain.world.payout_key

    @property
    def payout_address(self) -> Address:
        """The account that pays; well funded, and its key is not revealed at first."""
        return self.payout_secret_key.public_key.address

    def transfers_from(self, address: str) -> list[TransferRecord]:
        """List the transfers of an account as they stand in the chain's own blocks."""
        return transfers_from(self.chain, address)

    def bake(self) -> Block:
        """Bake a block now, also while paused."""
        block = self.chain.bake(int(time.time()))
        self._feed.publish()
        return block

    def reorg(self, depth: int) -> Block:
        """Replace the newest blocks by empty ones of another branch; gives the new head."""
        head = self.chain.reorg(depth)
        self._feed.publish()
        return head

    def pause(self) -> None:
        """Bake no more blocks by the clock."""
        self._may_bake.clear()

    def resume(self) -> None:
        """Bake blocks by the clock again."""
        self._may_bake.set()

    async def stop(self) -> None:
        """Stop baking and serving; raises what made either of them fail."""
        self._baking.cancel()
        self._feed.close()
        self._http.should_exit = True
        results = await asyncio.gather(self._baking, self._serving, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _bake_by_the_clock(self) -> None:
        block_seconds = self.chain.settings.block_seconds
        if block_seconds is None:
            return
        while True:
            await asyncio.sleep(block_seconds)
            await self._may_bake.wait()
            self.bake()
