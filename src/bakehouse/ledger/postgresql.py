"""PostgreSQL under the ledger: for the processes of many machines, and what a team backs up."""

from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from bakehouse.errors import ConflictError, LedgerUnreachableError, SettingError
from bakehouse.ledger.backend import CONNECTIONS, WRITES, Backend

_DRIVER: Final = "postgresql+psycopg"

#: The lock that makes writers take turns: SQLite has one for the file, here we agree on a number.
WRITERS_LOCK: Final = int.from_bytes(b"bakehous")

#: What a connection is opened with, unless the URL says otherwise.
_CONNECTION: Final = {
    "application_name": "bakehouse",
    "client_encoding": "utf8",
    "connect_timeout": "10",
    # A server that vanished without a word is noticed after a minute.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}

#: What each session is held to, whatever the server's own settings are.
_SESSION: Final = {
    "TimeZone": "UTC",
    # The audit trail reads times as text.
    "DateStyle": "ISO",
    # How long a writer waits for its turn.
    "lock_timeout": "30s",
    # A writer that hangs must not keep all others waiting: what it began is undone.
    "idle_in_transaction_session_timeout": "60s",
    # The same for a writer whose machine vanished.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}


class PostgresqlDatabase(Backend):
    """A ledger in a database that is there already, and is ours alone or has a schema for us."""

    def __init__(self, url: URL) -> None:
        _check(url)
        unsaid = {name: value for name, value in _CONNECTION.items() if name not in url.query}
        self._url = url.set(drivername=_DRIVER).update_query_dict(unsaid)

    def engine(self) -> AsyncEngine:
        """Give the engine for daily work."""
        # The server may have been restarted since a connection was used last.
        engine = create_async_engine(self._url, pool_pre_ping=True, **CONNECTIONS)
        _prepare_connections(engine.sync_engine)
        return engine

    def migration_engine(self) -> Engine:
        """Give the engine that changes the schema.

        Raises LedgerUnreachableError or SettingError when the database cannot be used.
        """
        # No connection outlives its use: there are one or two of them, at start.
        engine = create_engine(self._url, poolclass=NullPool)
        _prepare_connections(engine)
        try:
            with engine.connect() as connection:
                encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        except OperationalError as error:
            raise LedgerUnreachableError(self._complaint(error)) from None
        except DBAPIError as error:
            raise SettingError(self._complaint(error)) from None
        if encoding != "UTF8":
            raise SettingError(
                f"the database is encoded in {encoding}: make one with ENCODING 'UTF8'"
            )
        return engine

    def _complaint(self, error: DBAPIError) -> str:
        said = " ".join(str(error.orig).split())
        for password in (self._url.password, self._url.query.get("password")):
            if password:
                # It should not be in there; if a driver thinks otherwise, it ends here.
                said = said.replace(str(password), "***")
        return f"the database {self._url.database!r} of DATABASE_URL cannot be opened: {said}"


def _check(url: URL) -> None:
    if url.drivername not in {"postgresql", _DRIVER}:
        raise SettingError("PostgreSQL is reached by postgresql://USER:PASSWORD@HOST/DATABASE")
    if "@" in (url.host or ""):
        raise SettingError("write an @ in the password of DATABASE_URL as %40")
    if not url.database:
        raise SettingError("DATABASE_URL names no database: postgresql://USER:PASSWORD@HOST/NAME")


def _prepare_connections(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        settings = [f"set_config('{name}', '{value}', false)" for name, value in _SESSION.items()]
        cursor = connection.cursor()
        # A signature must survive a power cut before the first byte is sent; a server that waits
        # for its replicas as well is left alone.
        cursor.execute(
            f"SELECT {', '.join(settings)}, CASE current_setting('synchronous_commit') "
            "WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END"
        )
        cursor.close()
        connection.commit()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(WRITES, False):
            # Each statement after this one sees all that was committed before the lock was ours.
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    @event.listens_for(engine, "commit")
    def refuse_to_lose(connection: Connection) -> None:
        # After an error PostgreSQL answers COMMIT with a rollback that looks like success.
        driver: Any = connection.connection.driver_connection
        if driver.info.transaction_status.name == "INERROR":
            raise ConflictError("a statement of this transaction failed: nothing of it is stored")
