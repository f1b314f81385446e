"""Opening the ledger's database: SQLite in WAL mode, transactions, migrations. No tables here."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bakehouse.errors import ConflictError, SettingError

_WRITES = "bakehouse_writes"
_MIGRATIONS = Path(__file__).with_name("migrations")
_USE_SQLITE = "use sqlite:///PATH, or leave DATABASE_URL unset"

# Alembic keeps the database it works on in a module: one upgrade at a time in a process.
_ONE_UPGRADE = threading.Lock()


class Ledger:
    """Gives transactions on one database; every repository function works inside one."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @classmethod
    async def open(cls, url: str) -> "Ledger":
        """Bring the database at `url` to this version's schema and open it.

        Raises SettingError for a database Bakehouse cannot use, ConflictError for one that a newer
        Bakehouse has upgraded.
        """
        path = sqlite_path(url)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        await asyncio.to_thread(_upgrade, path)
        engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
        _prepare_connections(engine.sync_engine)
        return cls(engine)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Give a consistent view; whatever is written in it is rolled back."""
        async with self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Give a transaction that is on disk when the block ends, or never was.

        The write lock is taken at the start, so that what is read inside is still true at the end.
        """
        async with self._engine.connect() as plain:
            connection = await plain.execution_options(**{_WRITES: True})
            async with connection.begin():
                yield connection

    async def ping(self) -> None:
        """Return if the database answers."""
        async with self.read() as connection:
            await connection.exec_driver_sql("SELECT 1")

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


def sqlite_path(url: str) -> Path:
    """Give the file behind an SQLite URL; raises SettingError for any other database."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingError(f"the database is not a URL: {_USE_SQLITE}") from error
    if parsed.get_backend_name() != "sqlite":
        raise SettingError(
            f"a database of kind {parsed.get_backend_name()!r} is not supported: {_USE_SQLITE}"
        )
    if parsed.database in {None, "", ":memory:"}:
        raise SettingError(f"the database has no file, and would forget: {_USE_SQLITE}")
    return Path(str(parsed.database))


def _prepare_connections(engine: Engine, *, foreign_keys: str = "ON") -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # BEGIN is ours to choose: the driver's own would take the write lock too late.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL",
            # A signature must survive a power cut before the first byte is sent.
            "synchronous = FULL",
            f"foreign_keys = {foreign_keys}",
            # Else INSERT OR REPLACE deletes rows of money past the triggers that keep them.
            "recursive_triggers = ON",
            "busy_timeout = 30000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _upgrade(path: Path) -> None:
    if not path.exists():
        # The ledger names people and amounts: for its owner's eyes.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    engine = create_engine(f"sqlite:///{path}")
    # SQLite alters no constraint: a table is copied, and what refers to it must not mind.
    _prepare_connections(engine, foreign_keys="OFF")
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    try:
        with _ONE_UPGRADE, engine.connect() as plain:
            connection = plain.execution_options(**{_WRITES: True})
            with connection.begin():
                _refuse_newer(connection, config)
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                _refuse_loose_ends(connection)
    finally:
        engine.dispose()


def _refuse_loose_ends(connection: Connection) -> None:
    loose = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchone()
    if loose is not None:
        raise ConflictError(
            f"the ledger is damaged: row {loose[1]} of {loose[0]} refers to a row of {loose[2]} "
            "that is not there; restore a backup"
        )


def _refuse_newer(connection: Connection, config: Config) -> None:
    found = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise ConflictError(
            f"the ledger is of a newer version ({found}) than this Bakehouse: "
            "install the version that wrote it, or restore a backup made before"
        )
