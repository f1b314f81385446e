"""A hostile sandbox, the account that pays in it, and a client of its nodes and indexer."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import uvicorn

from bakehouse.sandbox.account import is_implicit
from bakehouse.sandbox.app import App
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.hostile.sandbox import HostileSandbox
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.tezos.operation import OperationGroup
from tests.sandbox.sandbox_wallet import UNUSED, Wallet

INJECTION = "/injection/operation"
HEAD = "/chains/main/blocks/head"
PENDING = "/chains/main/mempool/pending_operations?version=2"
#: Below what any node in these tests lags behind.
BRANCH_DEPTH = 4
PAYMENT = (UNUSED[0], 1_000_000)


def small_chain(seed: int = 3) -> Chain:
    return Chain(
        SandboxSettings(
            seed=seed,
            delegator_count=6,
            blocks_per_cycle=8,
            block_seconds=None,
            blocks_before_first_turn=1,
        )
    )


@dataclass(frozen=True, slots=True)
class HostileWorld:
    """`payer` is the payout account, whose key is revealed."""

    sandbox: HostileSandbox
    payer: Wallet
    client: httpx2.AsyncClient

    @property
    def chain(self) -> Chain:
        return self.sandbox.chain

    async def get(self, path: str, source: str = "node-0") -> Any:
        answer = await self.client.get(f"http://{source}{path}")
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def inject(self, signed_bytes: bytes, source: str = "node-0") -> httpx2.Response:
        return await self.client.post(f"http://{source}{INJECTION}", json=signed_bytes.hex())

    async def pay(self, *payments: tuple[str, int], source: str = "node-0") -> str:
        answer = await self.inject(self.payer.sign(self.group(*payments)), source)
        assert answer.status_code == 200, answer.text
        return str(answer.json())

    def group(self, *payments: tuple[str, int]) -> OperationGroup:
        """Make a group with a final branch, which begins with a reveal if it must."""
        account = self.chain.account(self.payer.address, self.chain.head.level)
        reveals = account is None or account.public_key is None
        group = self.payer.group(*payments, reveals=reveals)
        branch = self.chain.block_at(self.chain.head.level - BRANCH_DEPTH)
        return replace(group, branch=branch.hash)

    async def waiting(self, source: str = "node-0") -> list[str]:
        pending = await self.get(PENDING, source)
        return [each["hash"] for each in pending["validated"]]

    def bake(self, count: int = 1) -> None:
        for _ in range(count):
            self.sandbox.bake()

    def payees(self) -> list[str]:
        """Name the delegators who have an account of a key, and nothing staked."""
        return [
            address
            for address, account in self.chain.accounts(self.chain.head.level).items()
            if is_implicit(address)
            and account.balance
            and not account.staked
            and account.delegate == self.chain.world.baker
        ]

    def included(self) -> list[str]:
        return [each.signed.hash for each in self.chain.head.operations]

    def statuses(self) -> list[str]:
        return [
            receipt.status.value
            for included in self.chain.head.operations
            for receipt in included.receipts
        ]


def hostile_world(client: httpx2.AsyncClient, sandbox: HostileSandbox) -> HostileWorld:
    world = HostileWorld(sandbox, Wallet(sandbox.chain, sandbox.chain.world.payout_key), client)
    world.payer.reveal_now()
    world.bake(5)
    return world


@asynccontextmanager
async def served(app: App) -> AsyncIterator[str]:
    """Serve an application on this machine while the block runs; gives its URL."""
    # With a protocol of 0, asyncio leaves Nagle's algorithm on: each answer would take 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", ws="none", interface="asgi3"
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listener])
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            await server.shutdown(sockets=[listener])
