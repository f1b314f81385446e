"""A fresh ledger on a real file for every test that asks, empty or with one baker in it."""

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


@pytest.fixture
async def ledger(ledger_url: str) -> AsyncIterator[Ledger]:
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
