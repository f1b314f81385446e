"""What every test may ask for, and what none may leave behind."""

import gc
import os
import sys
from collections.abc import Generator, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest
from hypothesis import settings

from tests.jobs.lent_valkey import LentValkey, lendable_valkey
from tests.made_once import share_what_is_alike

# Machines differ: how long an example takes is measured in bench/, never asserted here.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

#: Folders whose modules take a second or few, with all of their tests.
QUICK = {"desk", "indexer", "node", "rewards", "sandbox", "tests", "tezos"}


def pytest_configure() -> None:
    """Spare a quarter of the time."""
    share_what_is_alike()
    # What collection makes stays: to look through it for garbage finds none.
    gc.disable()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Keep tests in one process that share what is made once a module: else it is made in each.

    So are the tests of QUICK, each of which would take as long to hand out as to run. What takes
    longest begins first, so that no process is left with it at the end.
    """
    groups = {item.path for item in items if _shares_with_its_module(item)}
    for item in items:
        if _shares_with_its_module(item) or item.path.parent.name in QUICK:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    yield
    items.sort(key=lambda item: _turn(item, groups))


def _turn(item: pytest.Item, groups: AbstractSet[Path]) -> int:
    if "e2e" in item.path.parts:
        return 0
    if item.path in groups or "faults" in item.path.parts:
        return 1
    return 3 if item.path.parent.name in QUICK else 2


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
    gc.enable()


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


@pytest.fixture(scope="session")
def valkey_for_all() -> Iterator[Path]:
    """The socket of a Valkey that is lent to one test after another."""
    with lendable_valkey() as socket:
        yield socket


@pytest.fixture
def lent_valkey(valkey_for_all: Path) -> LentValkey:
    """An empty Valkey."""
    return LentValkey(valkey_for_all)
