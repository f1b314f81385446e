"""A baker on a simulated chain whose first cycle is over, as the desk works with it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bakehouse.ledger.database import Ledger
from tests.payments.hostile_baker import HostileBaker, hostile_baker
from tests.payments.lives import SHORT_LIVES


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that is migrated, once for all."""
    path = tmp_path_factory.mktemp("empty") / "ledger.db"

    async def make() -> None:
        await (await Ledger.open(f"sqlite:///{path}")).close()

    asyncio.run(make())
    return path


@pytest.fixture
async def baker(tmp_path: Path, empty_ledger: Path) -> AsyncIterator[HostileBaker]:
    """Six delegators; the first cycle that is paid waits for a person."""
    database = tmp_path / "ledger.db"
    shutil.copy(empty_ledger, database)
    async with hostile_baker(
        database, limits=SHORT_LIVES, node_count=1, confirm_first_cycle=True
    ) as opened:
        yield opened
