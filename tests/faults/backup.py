"""Losing the ledger to an old copy of itself, as a restored backup does."""

import sqlite3
from contextlib import closing
from pathlib import Path


def backed_up(database: Path) -> Path:
    """Copy a database while it is in use; gives the copy."""
    copy = database.with_name(f"{database.stem}-backup.db")
    with closing(sqlite3.connect(database)) as now, closing(sqlite3.connect(copy)) as then:
        now.backup(then)
    return copy


def restored(database: Path, backup: Path) -> set[str]:
    """Put a copy in the place of a database; gives the hashes of operations that it has lost."""
    before = _operation_hashes(database)
    for file in database.parent.glob(f"{database.name}*"):
        file.unlink()
    backup.rename(database)
    return before - _operation_hashes(database)


def _operation_hashes(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as connection:
        return {row[0] for row in connection.execute("SELECT hash FROM operations")}
