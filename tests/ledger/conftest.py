"""A fresh ledger on a real file for every test that asks, empty or with one baker in it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bakehouse.ledger.database import Ledger
from tests.ledger.bakery import Bakery


@pytest.fixture
def ledger_file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ledger.db"


@pytest.fixture
def ledger_url(ledger_file: Path) -> str:
    return f"sqlite:///{ledger_file}"


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a ledger as the migrations leave it: to be copied, which is faster than to migrate."""
    path = tmp_path_factory.mktemp("migrated") / "ledger.db"

    async def migrate() -> None:
        await (await Ledger.open(f"sqlite:///{path}")).close()

    asyncio.run(migrate())
    return path


@pytest.fixture
async def ledger(migrated_file: Path, ledger_file: Path, ledger_url: str) -> AsyncIterator[Ledger]:
    ledger_file.parent.mkdir()
    shutil.copy(migrated_file, ledger_file)
    opened = await Ledger.open(ledger_url)
    yield opened
    await opened.close()


@pytest.fixture
async def bakery(ledger: Ledger) -> Bakery:
    return await Bakery.found(ledger)


@pytest.fixture
async def other(ledger_url: str, bakery: Bakery) -> AsyncIterator[Ledger]:
    """The same file, opened by somebody else."""
    opened = await Ledger.open(ledger_url)
    yield opened
    await opened.close()
