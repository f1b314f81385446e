"""A baker that comes from another tool, on a simulated chain over real HTTP."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from tests.importers.old_life import OldLife
from tests.payments.conftest import empty_ledger

__all__ = ["empty_ledger"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lived(
    empty_ledger: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OldLife]:
    """The cycle that the old tool has paid in two operations, after the next was over."""
    async with AsyncExitStack() as stack:
        yield await OldLife.live(tmp_path_factory.mktemp("old"), empty_ledger, stack)


@pytest_asyncio.fixture(loop_scope="module")
async def seen(lived: OldLife, tmp_path: Path) -> AsyncIterator[OldLife]:
    """That life with a new ledger; whoever takes it leaves the chain as it is."""
    async with AsyncExitStack() as stack:
        yield await lived.with_new_ledger(tmp_path, stack)


@pytest.fixture
async def life(empty_ledger: Path, tmp_path: Path) -> AsyncIterator[OldLife]:
    """Such a life of its own, whose chain goes on."""
    async with AsyncExitStack() as stack:
        made = await OldLife.live(tmp_path, empty_ledger, stack)
        yield await made.with_new_ledger(tmp_path, stack)


@pytest.fixture
def taps_scripts(chain_fixtures: Path) -> dict[str, Path]:
    """Scripts of real H2 databases of TAPS, in both dialects."""
    return {
        "1.3": chain_fixtures / "taps-h2" / "h2-1.3.172-old.sql",
        "1.4": chain_fixtures / "taps-h2" / "h2-1.4.200-upgraded.sql",
    }
