"""Where a test keeps its ledger: a file of SQLite, or a database of a PostgreSQL server."""

import shutil
from pathlib import Path
from typing import Protocol

from tests.ledger.postgresql_server import PostgresqlServer

SQLITE, POSTGRESQL = "sqlite", "postgresql"


class Place(Protocol):
    """A place for one ledger, where there is none yet."""

    @property
    def url(self) -> str:
        """Where a ledger is opened."""

    def be_empty(self) -> None:
        """Have there be what Bakehouse expects before its first start."""

    def be_copied_from(self, migrated: "Place") -> None:
        """Have there be an empty ledger, faster than by migrating."""

    def clear(self) -> None:
        """Leave nothing behind."""


class FilePlace:
    """A file in a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    def be_empty(self) -> None:
        """Bakehouse makes the file itself."""

    def be_copied_from(self, migrated: Place) -> None:
        assert isinstance(migrated, FilePlace)
        self.path.parent.mkdir()
        shutil.copy(migrated.path, self.path)

    def clear(self) -> None:
        """Pytest removes its folders."""


class ServerPlace:
    """A database of a server."""

    def __init__(self, server: PostgresqlServer) -> None:
        self.server = server
        self.name = server.new_name()
        self.url = server.url(self.name)

    def be_empty(self) -> None:
        self.server.create(self.name)

    def be_copied_from(self, migrated: Place) -> None:
        assert isinstance(migrated, ServerPlace)
        # Copying files is far faster than writing each page to the log first.
        self.server.create(self.name, "TEMPLATE", migrated.name, "STRATEGY FILE_COPY")

    def clear(self) -> None:
        self.server.drop(self.name)
