"""Bringing a database to this version's schema, in one transaction. What changes: `migrations/`."""

import threading
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bakehouse.errors import ConflictError
from bakehouse.ledger.backend import WRITES, Backend

_MIGRATIONS = Path(__file__).with_name("migrations")

# Alembic keeps the database it works on in a module: one upgrade at a time in a process.
_ONE_UPGRADE = threading.Lock()


def upgrade(backend: Backend, to: str = "head") -> None:
    """Run the migrations that are missing, all of them or none.

    Raises ConflictError for a database that a newer Bakehouse has upgraded, or that is damaged.
    """
    config = _config()
    engine = backend.migration_engine()
    try:
        with _ONE_UPGRADE, engine.connect() as plain:
            connection = plain.execution_options(**{WRITES: True})
            with connection.begin():
                _refuse_newer(connection, config)
                config.attributes["connection"] = connection
                command.upgrade(config, to)
                _refuse_loose_ends(connection)
    finally:
        engine.dispose()


def require_current(backend: Backend) -> None:
    """Raise ConflictError unless the database has this version's schema already; changes nothing.

    For processes that share a ledger: none of them changes it under the others.
    """
    config, engine = _config(), backend.migration_engine()
    try:
        with engine.connect() as connection:
            _refuse_newer(connection, config)
            found = MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
    if found != newest_revision():
        raise ConflictError(
            f"the ledger is of version {found or 'none'}, this Bakehouse works with "
            f"{newest_revision()}: stop all processes of the older version, then run "
            "`bakehouse migrate`"
        )


@cache
def newest_revision() -> str:
    """Give the version of the schema that this Bakehouse works with."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def _refuse_newer(connection: Connection, config: Config) -> None:
    found = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise ConflictError(
            f"the ledger is of a newer version ({found}) than this Bakehouse: "
            "install the version that wrote it, or restore a backup made before"
        )


def _refuse_loose_ends(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        # Everywhere else foreign keys were watched meanwhile.
        return
    loose = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchone()
    if loose is not None:
        raise ConflictError(
            f"the ledger is damaged: row {loose[1]} of {loose[0]} refers to a row of {loose[2]} "
            "that is not there; restore a backup"
        )
