"""All that is in a database, read past the ledger: its rows, and the words that would make it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, MetaData, create_engine, select

from tests.ledger.places import SQLITE

Rows = dict[str, list[dict[str, Any]]]

_SQLITE_SCHEMA = "SELECT type || name || coalesce(sql, '') FROM sqlite_master"
_POSTGRESQL_SCHEMA = (
    "SELECT table_name || column_name || data_type || is_nullable || coalesce(column_default, '') "
    "FROM information_schema.columns WHERE table_schema = 'public' UNION ALL "
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL "
    "SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace UNION ALL "
    "SELECT pg_get_triggerdef(t.oid) || p.prosrc FROM pg_trigger t "
    "JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal"
)


@contextmanager
def engine_at(url: str) -> Iterator[Engine]:
    """Give an engine that knows nothing of the ledger."""
    if url.startswith(SQLITE):
        engine = create_engine(url)
    else:
        options = {"options": "-c DateStyle=ISO -c TimeZone=UTC"}
        engine = create_engine(url.replace(":", "+psycopg:", 1), connect_args=options)
    try:
        yield engine
    finally:
        engine.dispose()


def schema_of(url: str) -> list[str]:
    with engine_at(url) as engine, engine.connect() as connection:
        query = _SQLITE_SCHEMA if url.startswith(SQLITE) else _POSTGRESQL_SCHEMA
        return sorted(connection.exec_driver_sql(query).scalars())


def rows_of(url: str) -> Rows:
    """Give every row of every table, by the order of their keys."""
    with engine_at(url) as engine, engine.connect() as connection:
        found = MetaData()
        found.reflect(connection)
        return {
            name: [
                dict(row)
                for row in connection.execute(
                    select(table).order_by(*table.primary_key.columns)
                ).mappings()
            ]
            for name, table in found.tables.items()
        }


def tell(url: str, statement: str) -> None:
    """Run a statement as somebody with the database in hand."""
    with engine_at(url) as engine, engine.begin() as connection:
        connection.exec_driver_sql(statement)
