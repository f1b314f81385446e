"""What fault tests share: a migrated ledger to begin with."""

import asyncio
from pathlib import Path

import pytest

from bakehouse.ledger.database import Ledger
from tests.fault_scale import FAULT_SCALE

#: Whole processes killed at random take minutes; at the small size tests/e2e has one of them.
collect_ignore = ["test_real_product.py"] if FAULT_SCALE == 1 else []


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that is migrated, once for all."""
    path = tmp_path_factory.mktemp("empty") / "ledger.db"

    async def make() -> None:
        await (await Ledger.open(f"sqlite:///{path}")).close()

    asyncio.run(make())
    return path
