"""A chain baked by hand, and the account that pays on it."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.hostile.sandbox import HostileSandbox
from bakehouse.sandbox.server import SandboxServer
from bakehouse.sandbox.settings import SandboxSettings
from tests.sandbox.hostile_world import HostileWorld, hostile_world, small_chain
from tests.sandbox.sandbox_client import client_of
from tests.sandbox.sandbox_wallet import Wallet


@pytest.fixture
def chain() -> Chain:
    return Chain(SandboxSettings(seed=7, delegator_count=20))


@pytest.fixture
def unrevealed(chain: Chain) -> Wallet:
    return Wallet(chain, chain.world.payout_key)


@pytest.fixture
def payer(unrevealed: Wallet) -> Wallet:
    unrevealed.reveal_now()
    return unrevealed


@pytest.fixture
async def api(chain: Chain) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(chain) as client:
        yield client


@pytest.fixture
async def server() -> AsyncIterator[SandboxServer]:
    settings = SandboxSettings(seed=7, delegator_count=20, block_seconds=None)
    async with await SandboxServer.start(settings) as server:
        yield server


@pytest.fixture
async def http(server: SandboxServer) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=server.node_url) as client:
        yield client


@pytest.fixture
async def world() -> AsyncIterator[HostileWorld]:
    sandbox = HostileSandbox(small_chain(), seed=1)
    async with httpx2.AsyncClient(transport=sandbox.transport()) as client:
        yield hostile_world(client, sandbox)
