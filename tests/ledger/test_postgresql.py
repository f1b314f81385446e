"""What PostgreSQL is held to, however the server is set, and what is said when it cannot be."""

import asyncio
from collections.abc import Iterator
from traceback import format_exception

import pytest
from sqlalchemy.exc import DBAPIError

from bakehouse.errors import LedgerUnreachableError, SettingError
from bakehouse.ledger import distributions
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.postgresql_facts import OLDEST_TESTED, server_facts
from bakehouse.ledger.table_parts import metadata
from tests.ledger.bakery import NOW, Bakery, key_of
from tests.ledger.conftest import opened_as_it_is
from tests.ledger.places import POSTGRESQL, Place, ServerPlace
from tests.ledger.postgresql_server import LOCKED_OUT, USER, PostgresqlServer

pytestmark = [
    pytest.mark.usefixtures("kind"),
    pytest.mark.parametrize("kind", [POSTGRESQL], indirect=True),
]

PASSWORD = "hunter2-%24"


@pytest.fixture
def database(server: PostgresqlServer) -> Iterator[str]:
    """The name of a database that a test makes as it likes."""
    name = server.new_name()
    yield name
    server.drop(name)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        # A commit is on disk before it is answered.
        ("synchronous_commit", "on"),
        ("TimeZone", "UTC"),
        ("DateStyle", "ISO, DMY"),
        ("lock_timeout", "30s"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("application_name", "bakehouse"),
        ("client_encoding", "UTF8"),
    ],
)
async def test_a_session_is_held_to_what_the_ledger_needs(
    ledger: Ledger, setting: str, expected: str
) -> None:
    for transaction in (ledger.read, ledger.write, ledger.read):
        async with transaction() as tx:
            assert (await tx.exec_driver_sql(f"SHOW {setting}")).scalar_one() == expected


async def test_what_waits_for_replicas_goes_on_waiting_for_them(
    server: PostgresqlServer, migrated: Place, place: Place
) -> None:
    place.be_copied_from(migrated)
    assert isinstance(place, ServerPlace)
    server.tell(f"ALTER DATABASE {place.name} SET synchronous_commit = 'remote_apply'")
    opened = opened_as_it_is(place)
    async with opened.write() as tx:
        kept = (await tx.exec_driver_sql("SHOW synchronous_commit")).scalar_one()
    await opened.close()

    assert kept == "remote_apply"


async def test_each_transaction_is_of_its_kind(ledger: Ledger) -> None:
    async def kind_of(transaction: object) -> tuple[str, str]:
        async with transaction() as tx:  # type: ignore[operator]
            isolation = (await tx.exec_driver_sql("SHOW transaction_isolation")).scalar_one()
            read_only = (await tx.exec_driver_sql("SHOW transaction_read_only")).scalar_one()
        return isolation, read_only

    # Serializable is what the server would give.
    assert await kind_of(ledger.read) == ("repeatable read", "on")
    assert await kind_of(ledger.write) == ("read committed", "off")
    assert await kind_of(ledger.read) == ("repeatable read", "on")


async def test_a_connection_that_the_server_closed_is_replaced(
    server: PostgresqlServer, bakery: Bakery
) -> None:
    server.tell(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'bakehouse'"
    )

    async with bakery.ledger.write() as tx:
        await distributions.ensure(tx, key_of(), at=NOW)


async def test_a_writer_whose_session_ends_leaves_nothing_and_frees_the_lock(
    server: PostgresqlServer, bakery: Bakery, other: Ledger
) -> None:
    wrote, ended = asyncio.Event(), asyncio.Event()

    async def write_and_wait() -> None:
        async with bakery.ledger.write() as tx:
            await distributions.ensure(tx, key_of(1), at=NOW)
            wrote.set()
            await ended.wait()

    writing = asyncio.create_task(write_and_wait())
    await wrote.wait()
    server.tell(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE state = 'idle in transaction' AND application_name = 'bakehouse'"
    )
    ended.set()
    with pytest.raises(DBAPIError):
        await writing

    async with other.write() as tx:
        assert await distributions.find(tx, key_of(1)) is None


async def test_a_schema_of_ones_own_will_do(server: PostgresqlServer, database: str) -> None:
    server.create(database)
    server.tell("CREATE SCHEMA ours", database)
    server.tell("CREATE TABLE public.bakers (loaves int)", database)
    url = f"{server.url(database)}&options=-csearch_path%3Dours,public"
    for _ in range(2):
        opened = await Ledger.open(url)
        await opened.ping()
        await opened.close()

    tables = "SELECT tablename FROM pg_tables WHERE schemaname = '{}'"
    assert server.tell(tables.format("public"), database) == [("bakers",)]
    ours = {name for (name,) in server.tell(tables.format("ours"), database)}
    assert ours >= {"alembic_version", *metadata.tables}


@pytest.mark.parametrize(
    "scheme", ["postgresql", "postgresql+psycopg"], ids=["plain", "with driver"]
)
async def test_a_driver_may_be_named(server: PostgresqlServer, database: str, scheme: str) -> None:
    server.create(database)

    opened = await Ledger.open(server.url(database).replace("postgresql", scheme, 1))

    await opened.ping()
    await opened.close()


async def test_a_database_of_another_encoding_is_refused(
    server: PostgresqlServer, database: str
) -> None:
    server.create(database, "ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0")

    with pytest.raises(SettingError, match="is encoded in LATIN1: make one with ENCODING 'UTF8'"):
        await Ledger.open(server.url(database))


async def test_a_database_that_is_not_there_is_told_by_its_name(server: PostgresqlServer) -> None:
    with pytest.raises(LedgerUnreachableError) as refused:
        await Ledger.open(server.url("nonesuch"))

    assert refused.value.message.startswith(
        "the database 'nonesuch' of DATABASE_URL cannot be opened: "
    )
    assert 'database "nonesuch" does not exist' in refused.value.message
    assert refused.value.retryable


async def test_an_option_that_is_none_is_a_mistake(server: PostgresqlServer) -> None:
    with pytest.raises(SettingError, match=r'cannot be opened: invalid .* option "loaves"'):
        await Ledger.open(f"{server.url('postgres')}&loaves=3")


@pytest.mark.parametrize(
    "with_password",
    [f"{LOCKED_OUT}:{PASSWORD}@/?", f"{LOCKED_OUT}@/?password={PASSWORD}&"],
    ids=["before the host", "among the options"],
)
async def test_a_wrong_password_is_not_told(
    server: PostgresqlServer, with_password: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    server.tell(f"DROP ROLE IF EXISTS {LOCKED_OUT}")
    server.tell(f"CREATE ROLE {LOCKED_OUT} LOGIN PASSWORD 'another'")
    url = server.url("postgres").replace(f"{USER}@/postgres?", with_password)
    url = url.replace("@/?", "@/postgres?")

    with pytest.raises(LedgerUnreachableError, match="password authentication failed") as refused:
        await Ledger.open(url)

    said = "".join(format_exception(refused.value)) + caplog.text
    assert "hunter2" not in said


async def test_a_server_tells_its_version_and_whether_it_survives_a_power_cut(
    ledger: Ledger,
) -> None:
    async with ledger.read() as tx:
        facts = await server_facts(tx)

    assert facts is not None
    assert facts.version.startswith(str(facts.major))
    assert facts.major >= OLDEST_TESTED
    # The one under the tests is set not to.
    assert not facts.survives_power_cut
