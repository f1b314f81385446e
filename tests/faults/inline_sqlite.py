"""SQLite without a thread for each connection: the same driver, but every call is done at once.

A simulation runs one process at a time, so there is nobody to wait for; and a history that no
thread can disturb is the same each time.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bakehouse.ledger.sqlite import prepare_connections


class _DoneAtOnce:
    """Stands in for the queue of a connection's thread, and for the thread."""

    def put_nowait(self, item: tuple["asyncio.Future[Any] | None", Callable[[], Any]]) -> None:
        """Do what would be queued."""
        future, function = item
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001 - the driver hands everything on
            if future is not None:
                future.set_exception(error)
        else:
            if future is not None:
                future.set_result(result)

    def start(self) -> None:
        """There is nothing to start."""


def open_engine(database: Path) -> AsyncEngine:
    """Open a migrated database as the ledger does, but never wait for the disk."""

    async def connect() -> aiosqlite.Connection:
        connection = aiosqlite.Connection(lambda: sqlite3.connect(database), 64)
        at_once = _DoneAtOnce()
        connection._tx = at_once  # type: ignore[assignment]
        connection._thread = at_once  # type: ignore[assignment]
        return await connection

    engine = create_async_engine("sqlite+aiosqlite://", async_creator=connect)
    prepare_connections(engine.sync_engine)

    # The machine under a simulation does not lose its power.
    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous = OFF")
        cursor.close()

    return engine
