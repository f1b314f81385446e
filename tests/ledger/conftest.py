"""A fresh ledger for every test that asks, on SQLite and again on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection, Engine, Insert, Update, event
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.sql.visitors import iterate

from bakehouse.ledger.database import Ledger, backend_of
from tests.fault_scale import FAULT_SCALE
from tests.ledger.bakery import Bakery
from tests.ledger.places import POSTGRESQL, SQLITE, FilePlace, Place, ServerPlace
from tests.ledger.postgresql_server import PostgresqlServer, running_server

MakePlace = Callable[[], Place]

#: What PostgreSQL could get wrong by itself; with FAULT_SCALE=2 everything runs on it as well.
ON_POSTGRESQL_TOO = {
    "test_concurrent_writers",
    "test_imports",
    "test_killed_writers",
    "test_leases",
    "test_ledger_schema",
    "test_legal_moves",
    "test_postgresql",
    "test_postgresql_backup",
    "test_transactions",
    "test_upgrading_the_ledger",
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, and say so, what takes long and has seldom more to tell."""
    if FAULT_SCALE > 1:
        return
    here = Path(__file__).parent
    left_out = [
        item
        for item in items
        if item.path.is_relative_to(here)
        and POSTGRESQL in item.name
        and item.path.stem not in ON_POSTGRESQL_TOO
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        out = set(left_out)
        items[:] = [item for item in items if item not in out]


def opened_as_it_is(place: Place) -> Ledger:
    """Open a migrated ledger without looking for migrations, which takes longer than most tests."""
    return Ledger(backend_of(place.url).engine())


@pytest.fixture(scope="session", autouse=True)
def whole_rows() -> Iterator[None]:
    """See that whatever is to be written has its column: SQLAlchemy leaves other names out."""
    event.listen(Engine, "before_execute", refuse_strange_names)
    yield
    event.remove(Engine, "before_execute", refuse_strange_names)


def refuse_strange_names(
    _connection: Connection,
    statement: object,
    rows: list[Mapping[str, Any]],
    row: Mapping[str, Any],
    _options: object,
) -> None:
    if not isinstance(statement, Insert | Update):
        return
    written = {*row, *(rows[0] if rows else ())}
    asked = {part.key for part in iterate(statement) if isinstance(part, BindParameter)}
    strange = written - asked - set(statement.table.c.keys())
    assert not strange, f"{statement.table} has no column {', '.join(sorted(strange))}"


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresqlServer]:
    """One server for all tests of a worker, started by the first that needs it."""
    with running_server() as started:
        yield started


@pytest.fixture(scope="session", params=[SQLITE, POSTGRESQL])
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of database a test runs on: each test that depends on it runs on both."""
    return str(request.param)


@pytest.fixture(scope="session")
def make_place(
    kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> MakePlace:
    def make() -> Place:
        if kind == SQLITE:
            return FilePlace(tmp_path_factory.mktemp("place") / "data" / "ledger.db")
        return ServerPlace(request.getfixturevalue("server"))

    return make


@pytest.fixture(scope="session")
def migrated(make_place: MakePlace) -> Iterator[Place]:
    """Give a ledger as the migrations leave it: to be copied, which is faster than to migrate."""
    place = make_place()
    place.be_empty()

    async def migrate() -> None:
        await (await Ledger.open(place.url)).close()

    asyncio.run(migrate())
    yield place
    place.clear()


@pytest.fixture
def place(make_place: MakePlace) -> Iterator[Place]:
    made = make_place()
    yield made
    made.clear()


@pytest.fixture
def ledger_url(place: Place) -> str:
    return place.url


@pytest.fixture
def empty_url(place: Place) -> str:
    """Where a ledger may be opened for the first time."""
    place.be_empty()
    return place.url


@pytest.fixture
def ledger_file(place: Place) -> Path:
    """The file of a test that runs on SQLite only."""
    assert isinstance(place, FilePlace)
    return place.path


@pytest.fixture
async def ledger(migrated: Place, place: Place) -> AsyncIterator[Ledger]:
    place.be_copied_from(migrated)
    opened = opened_as_it_is(place)
    yield opened
    await opened.close()


@pytest.fixture
async def bakery(ledger: Ledger) -> Bakery:
    return await Bakery.found(ledger)


@pytest.fixture
async def other(place: Place, bakery: Bakery) -> AsyncIterator[Ledger]:
    """The same database, opened by somebody else."""
    opened = opened_as_it_is(place)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_ledger(migrated: Place, make_place: MakePlace) -> AsyncIterator[Ledger]:
    """One ledger for all tests of a module that leave it as they found it."""
    place = make_place()
    place.be_copied_from(migrated)
    opened = opened_as_it_is(place)
    yield opened
    await opened.close()
    place.clear()
