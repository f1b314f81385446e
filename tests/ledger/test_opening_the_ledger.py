"""Opening a ledger: for its owner's eyes, any number of times, and never one from the future."""

import asyncio
import stat
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from bakehouse.errors import ConflictError, SettingError
from bakehouse.ledger import bakers
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.sqlite import sqlite_path
from tests.ledger.bakery import BAKER, Bakery
from tests.ledger.contents import rows_of, schema_of, tell
from tests.ledger.places import SQLITE


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("kind", [SQLITE], indirect=True)
async def test_only_its_owner_can_read_the_ledger(ledger_file: Path, ledger_url: str) -> None:
    opened = await Ledger.open(ledger_url)
    await Bakery.found(opened)
    beside = sorted(ledger_file.parent.iterdir())
    modes = {mode_of(path) for path in beside}
    await opened.close()

    assert mode_of(ledger_file.parent) == 0o700
    assert [path.name for path in beside] == ["ledger.db", "ledger.db-shm", "ledger.db-wal"]
    assert modes == {0o600}


@pytest.mark.parametrize("kind", [SQLITE], indirect=True)
@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("journal_mode", "wal"),
        # FULL: a commit is on disk before it is answered.
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("recursive_triggers", 1),
        ("busy_timeout", 30_000),
    ],
)
async def test_a_connection_to_a_file_keeps_what_it_was_told(
    ledger: Ledger, setting: str, expected: object
) -> None:
    async with ledger.read() as tx:
        assert (await tx.exec_driver_sql(f"PRAGMA {setting}")).scalar_one() == expected


async def test_opening_again_changes_nothing(empty_url: str) -> None:
    first = await Ledger.open(empty_url)
    await Bakery.found(first)
    await first.close()
    before = (schema_of(empty_url), rows_of(empty_url))

    for _ in range(2):
        await (await Ledger.open(empty_url)).close()

    assert (schema_of(empty_url), rows_of(empty_url)) == before


async def test_many_may_open_a_new_ledger_at_once(empty_url: str) -> None:
    opened = await asyncio.gather(*(Ledger.open(empty_url) for _ in range(6)))

    await Bakery.found(opened[0])
    for ledger in opened:
        async with ledger.read() as tx:
            assert [baker.baker_id for baker in await bakers.everyone(tx)] == [BAKER]
        await ledger.close()


async def test_ledgers_opened_at_once_are_each_migrated(tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path / str(number) / 'ledger.db'}" for number in range(6)]
    opened = await asyncio.gather(*map(Ledger.open, urls))

    for ledger in opened:
        await Bakery.found(ledger)
        await ledger.close()


async def test_a_ledger_of_a_newer_version_is_refused_and_left_alone(empty_url: str) -> None:
    await (await Ledger.open(empty_url)).close()
    tell(empty_url, "UPDATE alembic_version SET version_num = '9999'")
    before = (schema_of(empty_url), rows_of(empty_url))

    with pytest.raises(ConflictError) as refused:
        await Ledger.open(empty_url)

    assert str(refused.value) == (
        "the ledger is of a newer version (9999) than this Bakehouse: "
        "install the version that wrote it, or restore a backup made before"
    )
    assert (schema_of(empty_url), rows_of(empty_url)) == before


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("mysql+nonesuch://host/name", "a database of kind 'mysql' is not supported"),
        ("postgres://host/name", "a database of kind 'postgres' is not supported"),
        ("", "the database is not a URL"),
        ("/var/lib/bakehouse/ledger.db", "the database is not a URL"),
    ],
)
async def test_no_other_database_can_be_opened(url: str, complaint: str) -> None:
    with pytest.raises(SettingError, match=complaint) as refused:
        await Ledger.open(url)

    assert str(refused.value).endswith(
        "use sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE, "
        "or leave DATABASE_URL unset"
    )


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
async def test_a_ledger_without_a_file_is_refused(url: str) -> None:
    with pytest.raises(SettingError, match="the database has no file") as refused:
        await Ledger.open(url)

    assert str(refused.value).endswith("use sqlite:///PATH, or leave DATABASE_URL unset")


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+aiosqlite", "sqlite+pysqlite"])
def test_the_path_is_taken_from_the_url_as_it_stands(scheme: str) -> None:
    url = make_url(f"{scheme}:////srv/my bakery/ledger.db")

    assert sqlite_path(url) == Path("/srv/my bakery/ledger.db")
