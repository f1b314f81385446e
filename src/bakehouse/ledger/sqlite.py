"""SQLite under the ledger: one file in WAL mode, for the processes of one machine."""

import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bakehouse.errors import SettingError
from bakehouse.ledger.backend import CONNECTIONS, WRITES, Backend

_READ_ONLY = "bakehouse_read_only"


class SqliteFile(Backend):
    """A ledger in a file, which is made for its owner's eyes only."""

    def __init__(self, url: URL) -> None:
        self.path = sqlite_path(url)

    def engine(self) -> AsyncEngine:
        """Give the engine for daily work."""
        url = f"sqlite+aiosqlite:///{self.path}"
        engine = create_async_engine(url, **CONNECTIONS)
        prepare_connections(engine.sync_engine)
        return engine

    def migration_engine(self) -> Engine:
        """Give the engine that changes the schema, of a file that is there."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.path.exists():
            # The ledger names people and amounts.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        engine = create_engine(f"sqlite:///{self.path}")
        # SQLite alters no constraint: a table is copied, and what refers to it must not mind.
        prepare_connections(engine, foreign_keys="OFF")
        return engine


def sqlite_path(url: URL) -> Path:
    """Give the file behind an SQLite URL; raises SettingError for one without a file."""
    if url.database in {None, "", ":memory:"}:
        raise SettingError(
            "the database has no file, and would forget: use sqlite:///PATH, "
            "or leave DATABASE_URL unset"
        )
    return Path(str(url.database))


def prepare_connections(engine: Engine, *, foreign_keys: str = "ON") -> None:
    """Have an engine's connections keep what the ledger promises of its transactions."""

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

    @event.listens_for(engine, "invalidate")
    def roll_back(connection: Any, _record: Any, _error: Any) -> None:
        # A task that is cancelled within a transaction has its connection thrown away; whoever
        # still holds a cursor of it would keep the file locked for everybody.
        connection.rollback()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        # A connection keeps this: it is told only when its next transaction is of the other kind.
        if connection.info.get(_READ_ONLY, False) is writes:
            connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
            connection.info[_READ_ONLY] = not writes
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
