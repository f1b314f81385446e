"""A baker whose first cycle is over, ready to pay from a real ledger, mostly without sockets."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from bakehouse.ledger.database import Ledger
from bakehouse.payments.payer import PaymentLimits
from bakehouse.sandbox.app import sandbox_app
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.head_feed import HeadFeed
from bakehouse.sandbox.settings import SandboxSettings
from tests.payments.chain_front import ChainFront, served
from tests.payments.hostile_baker import HostileBaker, hostile_baker
from tests.payments.lives import SHORT_LIVES
from tests.payments.paying_baker import PayingBaker
from tests.payments.surroundings import (
    NO_SOCKETS,
    Surroundings,
    client_of_one_machine,
    small_chain,
)

#: Where HTTP is part of the story. Elsewhere the same chain answers the same client without
#: sockets, which take a third of a test's time.
OVER_HTTP = {
    "test_confirmations",
    "test_lost_replies",
    "test_order_of_writes",
    "test_straight_path",
    "test_ten_cycles",
    "test_two_payers",
}


class OpenBaker(Protocol):
    """Registers the baker of a chain of its own; `settings` are the baker's."""

    def __call__(
        self,
        chain_settings: SandboxSettings | None = None,
        limits: PaymentLimits | None = None,
        **settings: Any,
    ) -> Awaitable[PayingBaker]: ...


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that is migrated, once for all."""
    path = tmp_path_factory.mktemp("empty") / "ledger.db"

    async def make() -> None:
        await (await Ledger.open(f"sqlite:///{path}")).close()

    asyncio.run(make())
    return path


@pytest.fixture
async def open_baker(
    tmp_path: Path, empty_ledger: Path, request: pytest.FixtureRequest
) -> AsyncIterator[OpenBaker]:
    has_rivals = request.path.stem == "test_two_payers"
    has_sockets = request.path.stem in OVER_HTTP
    async with AsyncExitStack() as stack:

        async def open_one(
            chain_settings: SandboxSettings | None = None,
            limits: PaymentLimits | None = None,
            **settings: Any,
        ) -> PayingBaker:
            chain = Chain(chain_settings or small_chain(), start_timestamp=int(time.time()))
            front = ChainFront(sandbox_app(chain, HeadFeed()))
            app = None if has_sockets else front
            url = await stack.enter_async_context(served(front)) if has_sockets else NO_SOCKETS
            client = await stack.enter_async_context(client_of_one_machine(app))
            database = tmp_path / "ledger.db"
            shutil.copy(empty_ledger, database)
            surroundings = Surroundings(chain, database, url, has_rivals, app)
            payer = await stack.enter_async_context(surroundings.payer(client, limits))
            baker = PayingBaker(chain, payer, surroundings, front, stack)
            await baker.register(**settings)
            baker.finish_cycle()
            await baker.notice()
            return baker

        yield open_one


@pytest.fixture
async def baker(open_baker: OpenBaker) -> PayingBaker:
    """One whose first cycle is seen and whose every group takes up to ten transfers."""
    return await open_baker(limits=PaymentLimits(transfers_max=10))


class OpenHostileBaker(Protocol):
    """Registers the baker of a hostile chain of its own; `settings` are the baker's."""

    def __call__(
        self,
        chain_settings: SandboxSettings | None = None,
        limits: PaymentLimits | None = None,
        *,
        seed: int = 1,
        node_count: int = 2,
        **settings: Any,
    ) -> Awaitable[HostileBaker]: ...


@pytest.fixture
async def open_hostile(tmp_path: Path, empty_ledger: Path) -> AsyncIterator[OpenHostileBaker]:
    async with AsyncExitStack() as stack:
        opened = 0

        async def open_one(*arguments: Any, **named: Any) -> HostileBaker:
            nonlocal opened
            opened += 1
            database = tmp_path / f"hostile-{opened}.db"
            shutil.copy(empty_ledger, database)
            return await stack.enter_async_context(hostile_baker(database, *arguments, **named))

        yield open_one


@pytest.fixture
async def hostile(open_hostile: OpenHostileBaker) -> HostileBaker:
    """One with six delegators, whose groups of up to three live for six blocks."""
    return await open_hostile(limits=SHORT_LIVES)
