"""The web as it is served: a real server, ledger and queue; node and indexer are never asked."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from argon2 import PasswordHasher

from bakehouse.asgi_server import serving
from bakehouse.jobs.cache import RedisCache
from bakehouse.jobs.engine import JobEngine
from bakehouse.jobs.scheduler import Scheduler
from bakehouse.jobs.valkey import EmbeddedValkey
from bakehouse.jobs.workshop import Workshop
from bakehouse.ledger import alerts, bakers, distributions, payouts
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import DistributionKey, PlanFigures
from bakehouse.ledger.payouts import NewPayout
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode, PayoutState
from bakehouse.observability.instruments import Instruments
from bakehouse.payments.payer import Payer
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.secret_box import SecretKeyFile
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.node import NodeClient
from bakehouse.tezos.transport import JsonSource, SourceLimits
from bakehouse.tezos.tzkt import TzktClient
from bakehouse.web.app import create_app
from bakehouse.web.passwords import Passwords
from bakehouse.web.services import WebServices
from tests.jobs.lent_valkey import LentValkey
from tests.web.html_page import Page
from tests.web.scenes import Scene

TOKEN = "the-token-of-these-tests"
BAKER = "tz1fwnfJNgiDACshK9avfRfFbMaXrs3ghoJa"
STRANGER = "tz1aRoaRhSpRYvFdyvgWLL6TGyRoGF51wDjM"
DELEGATORS = (
    "tz1Ysx7W3sNGBijnkpjCvaaJSdKqSAAAiNz2",
    "tz1Pp56sn9r2jNwN9YwwvTYWHmrpfqeHUFgj",
)
NETWORK = "NetXdQprcVkpaWU"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>"
#: As cheap as can be: what hashing costs is tested by itself.
PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@dataclass(frozen=True)
class House:
    """A served Bakehouse, with clients that may and may not."""

    url: str
    valkey: EmbeddedValkey | LentValkey
    workshop: Workshop
    scheduler: Scheduler
    client: httpx2.AsyncClient
    stranger: httpx2.AsyncClient
    secret_key: SecretKeyFile

    async def register(self, mode: Mode = Mode.ON, baker_id: str = BAKER) -> None:
        async with self.workshop.payer.ledger.write() as tx:
            baker = Baker(
                baker_id=baker_id,
                network=NETWORK,
                payout_address=baker_id,
                first_cycle=1336,
                alias=HOSTILE,
                mode=mode,
            )
            await bakers.add(tx, baker, actor="test", at=NOW)

    @asynccontextmanager
    async def scene(
        self,
        cycle: int = 1336,
        kind: DistributionKind = DistributionKind.DELEGATORS,
        mode: Mode = Mode.ON,
    ) -> AsyncIterator[Scene]:
        """Something that happened to a cycle of the baker."""
        async with self.workshop.payer.ledger.write() as tx:
            yield Scene(tx, DistributionKey(NETWORK, BAKER, cycle, kind, mode), NOW)

    async def page(self, path: str) -> Page:
        """A page as its reader sees it, whatever its status."""
        answer = await self.client.get(path, headers=BROWSER)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        return Page(answer.text)

    async def lose_the_ledger(self) -> None:
        """Make it unreadable."""
        ledger = self.workshop.payer.ledger
        await ledger.close()
        _replace_by_folder(Path(str(ledger._engine.url.database)))

    async def plan_a_cycle(self) -> None:
        """Enter a planned cycle of two payouts, and an alert about it."""
        key = DistributionKey(NETWORK, BAKER, 1336, DistributionKind.DELEGATORS, Mode.ON)
        figures = PlanFigures(Mutez(120), Mutez(7), Mutez(11), Mutez(100), Mutez(2), 3)
        async with self.workshop.payer.ledger.write() as tx:
            seen = await distributions.ensure(tx, key, at=NOW)
            pending = DistributionState.REWARDS_PENDING
            await distributions.enter_state(tx, seen, pending, at=NOW)
            await distributions.store_plan(
                tx, seen, figures, snapshot="{}", snapshot_sha256="ab" * 32, at=NOW
            )
            await distributions.enter_state(tx, seen, DistributionState.PLANNED, at=NOW)
            await payouts.add(
                tx,
                seen,
                [
                    NewPayout(
                        kind="delegator",
                        owed_to=address,
                        delegated_balance=Mutez(10**15),
                        gross=Mutez(net + 5),
                        fee_basis_points=BasisPoints(1000),
                        fee=Mutez(5),
                        net=Mutez(net),
                        state=PayoutState.OWED,
                    )
                    for address, net in zip(DELEGATORS, (60, 40), strict=True)
                ],
            )
            await alerts.raise_alert(
                tx, code="payout-held", subject=str(key), message=HOSTILE, at=NOW, baker_id=BAKER
            )


def new_client(
    url: str = "", headers: Mapping[str, str] | Mapping[bytes, bytes] | None = None
) -> httpx2.AsyncClient:
    """A client with cookies of its own."""
    # Nothing here speaks TLS, and loading certificates would take most of a test's time.
    no_certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx2.AsyncClient(
        base_url=url, headers=headers, trust_env=False, verify=no_certificates, timeout=30
    )


@asynccontextmanager
async def serve_house(  # noqa: PLR0913 - each has a default
    folder: Path,
    migrated: Path,
    *,
    pages_are_open: bool = False,
    source_url: str = "http://127.0.0.1:9",
    chain_id: str = NETWORK,
    metrics_are_open: bool = False,
    lent: LentValkey | None = None,
) -> AsyncIterator[House]:
    """Serve a house whose ledger is a copy of `migrated`; its chain is nowhere without a URL.

    Its Valkey is its own unless one is lent.
    """
    shutil.copy(migrated, folder / "ledger.db")
    async with AsyncExitStack() as stack:
        ledger = await Ledger.open(f"sqlite:///{folder / 'ledger.db'}")
        stack.push_async_callback(ledger.close)
        client = await stack.enter_async_context(new_client())
        sources = [JsonSource(source_url, client, limits=SourceLimits(attempts=1))]
        valkey = lent or await _started(EmbeddedValkey(folder / "valkey"))
        stack.push_async_callback(valkey.stop)
        engine = JobEngine(valkey.address)
        await engine.connect()
        stack.push_async_callback(engine.close)
        node = NodeClient(sources, chain_id=chain_id, now=_utc_now, head_age_seconds_max=3_600)
        workshop = Workshop(
            Payer(ledger, node, TzktClient(sources, chain_id=chain_id), Keyring(), _utc_now),
            engine,
            await stack.enter_async_context(RedisCache(valkey.address)),
        )
        scheduler = Scheduler(workshop)
        services = WebServices(
            workshop=workshop,
            scheduler=scheduler,
            api_token=TOKEN,
            version="9.9.9",
            pages_are_open=pages_are_open,
            explorer_url="https://explorer.example/",
            secret_key=SecretKeyFile(folder / "secret.key", made_when_missing=True),
            instruments=Instruments("9.9.9", _utc_now),
            metrics_are_open=metrics_are_open,
            passwords=PASSWORDS,
        )
        app = create_app(services)
        url = await stack.enter_async_context(serving(app))
        stack.callback(app.state.changes.close)
        knows = {"Authorization": f"Bearer {TOKEN}"}
        client = await stack.enter_async_context(new_client(url, knows))
        stranger = await stack.enter_async_context(new_client(url))
        yield House(url, valkey, workshop, scheduler, client, stranger, services.secret_key)


async def _started(valkey: EmbeddedValkey) -> EmbeddedValkey:
    await valkey.start()
    return valkey


def _replace_by_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _utc_now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger as the migrations leave it: to be copied, which is faster than to migrate."""
    path = tmp_path_factory.mktemp("migrated") / "ledger.db"

    async def migrate() -> None:
        await (await Ledger.open(f"sqlite:///{path}")).close()

    asyncio.run(migrate())
    return path


@pytest.fixture
async def house(
    tmp_path: Path, migrated_file: Path, lent_valkey: LentValkey
) -> AsyncIterator[House]:
    async with serve_house(tmp_path, migrated_file, lent=lent_valkey) as opened:
        yield opened


@pytest.fixture
async def open_house(
    tmp_path: Path, migrated_file: Path, lent_valkey: LentValkey
) -> AsyncIterator[House]:
    """Served as the demo serves it: pages, never the API, without signing in."""
    async with serve_house(
        tmp_path, migrated_file, pages_are_open=True, lent=lent_valkey
    ) as opened:
        yield opened


@pytest.fixture
async def watched_house(
    tmp_path: Path, migrated_file: Path, lent_valkey: LentValkey
) -> AsyncIterator[House]:
    """Served with its metrics open to anybody, as the settings may say."""
    async with serve_house(
        tmp_path, migrated_file, metrics_are_open=True, lent=lent_valkey
    ) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def still_house(
    tmp_path_factory: pytest.TempPathFactory, migrated_file: Path
) -> AsyncIterator[House]:
    """One baker with a planned cycle, for all tests of a module: none of them changes anything."""
    async with serve_house(tmp_path_factory.mktemp("house"), migrated_file) as opened:
        await opened.register()
        await opened.plan_a_cycle()
        yield opened
