"""A payer whose chain is nowhere (alerts have nothing to do with it), and a place to send to."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from bakehouse.alerts.channels import ChannelDesk
from bakehouse.ledger.database import Ledger
from bakehouse.payments.payer import Payer
from bakehouse.secret_box import SecretKeyFile
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.node import NodeClient
from bakehouse.tezos.transport import JsonSource
from bakehouse.tezos.tzkt import TzktClient
from tests.alerts.webhook import Webhook, free_port

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger as the migrations leave it: to be copied, which is faster than to migrate."""
    path = tmp_path_factory.mktemp("migrated") / "ledger.db"

    async def migrate() -> None:
        await (await Ledger.open(f"sqlite:///{path}")).close()

    asyncio.run(migrate())
    return path


@pytest.fixture
async def payer(tmp_path: Path, migrated_file: Path, clock: Clock) -> AsyncIterator[Payer]:
    shutil.copy(migrated_file, tmp_path / "ledger.db")
    ledger = await Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    no_certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with httpx2.AsyncClient(verify=no_certificates) as client:
        source = JsonSource("http://chain.invalid", client)
        node = NodeClient([source], chain_id="NetX", now=clock, head_age_seconds_max=1)
        indexer = TzktClient([source], chain_id="NetX")
        yield Payer(ledger, node, indexer, Keyring(), clock)
    await ledger.close()


@pytest.fixture
def secret_key(tmp_path: Path) -> SecretKeyFile:
    return SecretKeyFile(tmp_path / "secret.key", made_when_missing=True)


@pytest.fixture
def desk(payer: Payer, secret_key: SecretKeyFile) -> ChannelDesk:
    return ChannelDesk(payer.ledger, secret_key, payer.clock)


@pytest.fixture
def webhook() -> Webhook:
    """A service that is down until it is asked to be up."""
    return Webhook(free_port())
