"""SQL that is compiled once a process, not once a ledger: tests open thousands of them."""

from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.util import LRUCache


def share_compiled_statements() -> None:
    """Let every SQLite engine of this process look into one cache.

    SQLAlchemy keeps what it compiled by engine, and by dialect. Those of SQLite are all alike here.
    """
    compiled: LRUCache[object, object] = LRUCache(1_000)

    @event.listens_for(Engine, "engine_connect")
    def look_there(connection: Connection) -> None:
        if isinstance(connection.dialect, SQLiteDialect_aiosqlite):
            connection.execution_options(compiled_cache=compiled)

    SQLiteDialect_aiosqlite.__eq__ = _are_alike  # type: ignore[method-assign]
    SQLiteDialect_aiosqlite.__hash__ = _hash_of_the_kind  # type: ignore[method-assign]


def _are_alike(self: object, other: object) -> bool:
    return type(self) is type(other)


def _hash_of_the_kind(self: object) -> int:
    return hash(type(self))
