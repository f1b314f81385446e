"""The ledger's transactions, on SQLite or on PostgreSQL. No tables here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bakehouse.errors import SettingError
from bakehouse.ledger import audit
from bakehouse.ledger.backend import WHY, WRITES, Backend
from bakehouse.ledger.postgresql import PostgresqlDatabase
from bakehouse.ledger.sqlite import SqliteFile
from bakehouse.ledger.upgrade import newest_revision, require_current, upgrade

_USE_ONE_OF = (
    "use sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE, or leave DATABASE_URL unset"
)


class Ledger:
    """Gives transactions on one database; every repository function works inside one."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @classmethod
    async def open(cls, url: str) -> Self:
        """Bring the database at `url` to this version's schema and open it.

        Raises SettingError for a database Bakehouse cannot use, LedgerUnreachableError for one
        that does not answer, ConflictError for one that a newer Bakehouse has upgraded.
        """
        backend = backend_of(url)
        await asyncio.to_thread(upgrade, backend)
        return cls(backend.engine())

    @classmethod
    async def join(cls, url: str) -> Self:
        """Open the database at `url`, which others may be using, and change nothing of its schema.

        Raises like `open`, and ConflictError for a schema that is not this version's.
        """
        backend = backend_of(url)
        await asyncio.to_thread(require_current, backend)
        return cls(backend.engine())

    async def is_current(self) -> bool:
        """Whether the schema is still the one that this version works with."""
        async with self.read() as connection:
            found = await connection.execute(text("SELECT version_num FROM alembic_version"))
            return found.scalar() == newest_revision()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Give a consistent view; the database refuses whatever would be written in it."""
        async with self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def write(self, *, why: str | None = None) -> AsyncIterator[AsyncConnection]:
        """Give a transaction that is on disk when the block ends, or never was.

        The write lock is taken at the start, so that what is read inside is still true at the end.
        `why` is kept in the audit trail with what is done; InputError for one that is too long.
        """
        options = {WRITES: True, WHY: audit.checked_why(why)}
        async with self._engine.connect() as plain:
            connection = await plain.execution_options(**options)
            async with connection.begin():
                yield connection

    async def ping(self) -> None:
        """Return if the database answers."""
        async with self.read() as connection:
            await connection.exec_driver_sql("SELECT 1")

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


def backend_of(url: str) -> Backend:
    """Give the database behind a URL; raises SettingError for one Bakehouse cannot use.

    No message repeats the URL: there may be a password in it.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise SettingError(f"the database is not a URL: {_USE_ONE_OF}") from None
    match parsed.get_backend_name():
        case "sqlite":
            return SqliteFile(parsed)
        case "postgresql":
            return PostgresqlDatabase(parsed)
        case kind:
            raise SettingError(f"a database of kind {kind!r} is not supported: {_USE_ONE_OF}")
