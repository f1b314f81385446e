"""What the ledger needs of a database. Each kind has a module of its own; no SQL here."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

#: The option of a connection whose next transaction writes; without it, writing is refused.
WRITES: Final = "bakehouse_writes"

#: The option of a connection that says why what is written is written.
WHY: Final = "bakehouse_why"

#: The connections of a process. Once made they are kept, for one is dear to make, and as many jobs
#: as run side by side want one each; the one that was given back last is given first.
CONNECTIONS: Final[Mapping[str, Any]] = {"pool_size": 15, "max_overflow": 0, "pool_use_lifo": True}


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
