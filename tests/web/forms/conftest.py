"""One house beside a simulated chain, for all tests of forms: each registers a baker of its own."""

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.asgi_server import serving
from bakehouse.ledger import audit, bakers, sessions, users
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.roles import Grant, Role
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.rewards.money import Mutez
from bakehouse.sandbox.app import sandbox_app
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.head_feed import HeadFeed
from bakehouse.web.authentication import COOKIE
from tests.payments.surroundings import finish_cycle, small_chain
from tests.web.conftest import BROWSER, NOW, PASSWORDS, House, new_client, serve_house
from tests.web.html_page import Page
from tests.web.people import OWN, PASSWORD
from tests.web.scenes import Scene, address

#: Of whom the administrator of "another baker" is one; nobody else has anything to do with it.
ANOTHER = address(999_999)


@dataclass(frozen=True)
class Bakery:
    """A served Bakehouse, and people signed in to it."""

    house: House
    chain: Chain
    administrator: httpx2.AsyncClient
    operator: httpx2.AsyncClient
    viewer: httpx2.AsyncClient
    #: An administrator, but of another baker only.
    other: httpx2.AsyncClient
    numbers: Iterator[int] = field(default_factory=lambda: count(1), kw_only=True)
    now: datetime = field(default=NOW, kw_only=True)

    @property
    def stone_oven(self) -> str:
        """The baker of the chain: the only one of which the indexer knows something."""
        return str(self.chain.world.baker)

    async def register(self, baker_id: str | None = None, **settings: Any) -> str:
        """Register a baker that nobody else uses."""
        number = next(self.numbers)
        defaults = {
            "baker_id": baker_id or address(1_000_000 + number),
            "network": self.chain.chain_id,
            "payout_address": address(2_000_000 + number),
            "first_cycle": 1_336,
            "alias": f"Baker {number}",
        }
        baker = Baker(**{**defaults, **settings})
        async with self.write() as tx:
            await bakers.add(tx, baker, actor="test", at=NOW)
        return baker.baker_id

    async def baker(self, baker_id: str) -> Baker:
        async with self.house.workshop.payer.ledger.read() as tx:
            return await bakers.get(tx, baker_id)

    async def events(self, action: str, subject: str) -> list[AuditEvent]:
        """What the audit trail says of one deed, the newest first."""
        async with self.house.workshop.payer.ledger.read() as tx:
            latest = await audit.latest(tx, 1_000)
        return [each for each in latest if each.action == action and subject in each.subject]

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        async with self.house.workshop.payer.ledger.write() as tx:
            yield tx

    @asynccontextmanager
    async def scene(
        self,
        baker_id: str,
        cycle: int = 1_336,
        kind: DistributionKind = DistributionKind.DELEGATORS,
        mode: Mode = Mode.ON,
    ) -> AsyncIterator[Scene]:
        """Something that happened to a cycle of a baker."""
        async with self.write() as tx:
            key = DistributionKey(self.chain.chain_id, baker_id, cycle, kind, mode)
            yield Scene(tx, key, NOW)


async def shown(browser: httpx2.AsyncClient, path: str, status: int = 200) -> Page:
    """A page as somebody sees it."""
    answer = await browser.get(path)
    assert answer.status_code == status, answer.text
    return Page(answer.text)


async def sent(
    browser: httpx2.AsyncClient, path: str, form: Mapping[str, Any], status: int
) -> Page:
    """What a form is answered when it does not lead on."""
    answer = await browser.post(path, data=form)
    assert answer.status_code == status, answer.text
    return Page(answer.text)


async def followed(browser: httpx2.AsyncClient, path: str, form: Mapping[str, Any]) -> Page:
    """The page that a form leads to when it is done."""
    answer = await browser.post(path, data=form)
    assert answer.status_code == 303, answer.text
    return await shown(browser, answer.headers["location"])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def bakery(
    tmp_path_factory: pytest.TempPathFactory, migrated_file: Path
) -> AsyncIterator[Bakery]:
    chain = Chain(small_chain(), start_timestamp=int(time.time()))
    finish_cycle(chain)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(sandbox_app(chain, HeadFeed())))
        house = await stack.enter_async_context(
            serve_house(
                tmp_path_factory.mktemp("bakery"),
                migrated_file,
                source_url=url,
                chain_id=chain.chain_id,
            )
        )
        async with house.workshop.payer.ledger.write() as tx:
            another = Baker(
                baker_id=ANOTHER, network=chain.chain_id, payout_address=ANOTHER, first_cycle=1
            )
            await bakers.add(tx, another, actor="test", at=NOW)
        grants = {
            "anna": Grant(Role.ADMINISTRATOR),
            "otto": Grant(Role.OPERATOR),
            "vera": Grant(Role.VIEWER),
            "olga": Grant(Role.ADMINISTRATOR, frozenset({ANOTHER})),
        }
        password_hash = await PASSWORDS.hashed(PASSWORD, "anna")
        anna, otto, vera, olga = [
            await stack.enter_async_context(await _browser(house, name, grant, password_hash))
            for name, grant in grants.items()
        ]
        opened = Bakery(house, chain, anna, otto, vera, olga)
        await _register_stone_oven(opened)
        yield opened


async def _register_stone_oven(bakery: Bakery) -> None:
    first_cycle = bakery.chain.settings.starting_cycle
    await bakery.register(
        bakery.stone_oven,
        first_cycle=first_cycle,
        alias="Stone Oven",
        minimum_payout=Mutez(10_000),
        payout_cap=Mutez(500_000),
    )
    async with bakery.scene(bakery.stone_oven, first_cycle - 1, mode=Mode.SIMULATION) as scene:
        await scene.simulate({address(1): 1_000_000})


async def _browser(house: House, name: str, grant: Grant, password_hash: str) -> httpx2.AsyncClient:
    """A browser in which a user is signed in: how that goes is tested elsewhere, and takes long."""
    async with house.workshop.payer.ledger.write() as tx:
        user = await users.add(tx, name, grant, actor="test", at=NOW)
        await users.set_password(tx, user.id, password_hash, actor="test", at=NOW)
        secret = await sessions.begin(tx, user.id, "test", at=house.workshop.payer.clock())
    return new_client(house.url, {**BROWSER, **OWN, "cookie": f"{COOKIE}={secret}"})
