"""A served chain with people to pay, for clients that know nothing of it."""

from collections.abc import AsyncIterator

import pytest

from bakehouse.sandbox.draw import draw_text
from bakehouse.sandbox.server import SandboxServer
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.tezos.base58check import Prefix

#: Often enough that nobody waits, seldom enough that an operation can be seen waiting.
BLOCK_SECONDS = 0.2


@pytest.fixture
async def server() -> AsyncIterator[SandboxServer]:
    settings = SandboxSettings(seed=7, delegator_count=60, block_seconds=BLOCK_SECONDS)
    async with await SandboxServer.start(settings) as server:
        yield server


@pytest.fixture
def recipients(server: SandboxServer) -> list[str]:
    """One account of each kind, and one that no chain has."""
    accounts = server.chain.accounts(server.chain.head.level)
    delegators = [a for a, account in accounts.items() if account.delegate and not account.staked]
    return [
        *(
            next(address for address in delegators if address.startswith(kind))
            for kind in ("tz1", "tz2", "tz3", "tz4", "KT1")
        ),
        draw_text(Prefix.TZ1, "unused account"),
    ]
