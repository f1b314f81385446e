"""What every test may ask for, and what none may leave behind."""

import gc
import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.made_once import share_what_is_alike

# Machines differ: how long an example takes is measured in bench/, never asserted here.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def pytest_configure() -> None:
    """Spare a quarter of the time."""
    share_what_is_alike()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Keep tests in one process that share what is made once a module: else it is made in each.

    Tests of whole houses take longest, so they begin first.
    """
    for item in items:
        if _shares_with_its_module(item):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    yield
    items.sort(key=lambda item: "e2e" not in item.path.parts)


def _shares_with_its_module(item: pytest.Item) -> bool:
    if not isinstance(item, pytest.Function):
        return False
    made = item._fixtureinfo.name2fixturedefs.values()
    return any(each[-1].scope == "module" for each in made if each)


def pytest_collection_finish() -> None:
    """Spare a seventh of the time: what is imported stays, and a test leaves little behind."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


_RECURSION_LIMIT = sys.getrecursionlimit()


@pytest.fixture(autouse=True)
def usual_recursion_limit() -> None:
    """Undo what py_ecc does when pytezos imports it: a limit that the C stack does not hold."""
    sys.setrecursionlimit(_RECURSION_LIMIT)


@pytest.fixture(scope="session")
def chain_fixtures() -> Path:
    """Folder of recorded chain data; a test that needs it fails clearly where it is absent."""
    beside_checkout = Path(__file__).resolve().parents[1].parent / "shared" / "fixtures"
    folder = Path(os.environ.get("BAKEHOUSE_FIXTURES", beside_checkout))
    if not folder.is_dir():
        pytest.fail(f"no recorded chain data at {folder}: set BAKEHOUSE_FIXTURES to its folder")
    return folder
