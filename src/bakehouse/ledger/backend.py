"""What the ledger needs of a database. Each kind has a module of its own; no SQL here."""

from typing import Final, Protocol

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

#: The option of a connection whose next transaction writes; without it, writing is refused.
WRITES: Final = "bakehouse_writes"

#: The option of a connection that says why what is written is written.
WHY: Final = "bakehouse_why"


class Backend(Protocol):
    """One database of one kind.

    Both engines give transactions that are all or nothing, and on disk once committed. One that
    `WRITES` waits until it is the only one, so that what it reads stays true until its end; any
    other sees the database as of one moment, and cannot write.
    """

    def engine(self) -> AsyncEngine:
        """Give the engine for daily work."""

    def migration_engine(self) -> Engine:
        """Give the engine that changes the schema; the database is made first, if that is ours."""
