"""What is the same for every test is made once a process: tests open thousands of ledgers."""

import functools
from types import CodeType

import bullmq.redis_connection
import httpcore2
import jinja2
import redis.utils
from jinja2.bccache import Bucket
from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.util import LRUCache


def share_what_is_alike() -> None:
    """Let all tests of this process share compiled SQL and templates, and what libraries read."""
    _share_compiled_statements()
    _share_compiled_templates()
    _read_files_of_libraries_once()


def _share_compiled_statements() -> None:
    """Let every SQLite engine look into one cache.

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


class _CompiledTemplates(jinja2.BytecodeCache):
    """Code of templates by their file, as long as its text stays the same."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key, bucket.checksum] = bucket.code


def _share_compiled_templates() -> None:
    """Let every environment of Jinja have its templates compiled once: each web app has its own."""
    make = jinja2.Environment.__init__
    jinja2.Environment.__init__ = functools.partialmethod(  # type: ignore[method-assign,assignment]
        make, bytecode_cache=_CompiledTemplates()
    )


def _read_files_of_libraries_once() -> None:
    """Spare clients the search for their version, the reading of scripts, and of certificates."""
    redis.utils.get_lib_version = functools.cache(redis.utils.get_lib_version)
    bullmq.redis_connection.loadScript = functools.cache(bullmq.redis_connection.loadScript)
    httpcore2.default_ssl_context = functools.cache(httpcore2.default_ssl_context)
