"""Copies of an SQLite ledger, made while it is in use. PostgreSQL has tools of its own for it."""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

from bakehouse.errors import ConflictError, InputError, NotFoundError, SettingError
from bakehouse.ledger.database import backend_of
from bakehouse.ledger.sqlite import SqliteFile

#: What only a ledger has.
_MARKS: Final = ("alembic_version", "bakers", "operations", "audit_events")


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy of a ledger, whole and checked."""

    path: Path
    size_bytes: int
    #: When the newest event happened that it knows of; None for a ledger in which nothing did.
    as_of: datetime | None


def ledger_path(url: str) -> Path:
    """Give the file of the ledger at a URL; raises SettingError for one on PostgreSQL."""
    backend = backend_of(url)
    if not isinstance(backend, SqliteFile):
        raise SettingError(
            "the ledger is in a PostgreSQL: copy it with pg_dump, and bring it back with "
            "pg_restore (docs/backup.md)"
        )
    return backend.path


def back_up(ledger: Path, copy: Path) -> Copied:
    """Copy the ledger as it is at one moment, whoever writes to it meanwhile; checks the copy.

    The copy is one file for its owner alone, and there only when it is whole. Raises InputError if
    it cannot be written or there is something in its place, ConflictError for a damaged ledger.
    """
    if not ledger.is_file():
        raise NotFoundError(f"there is no ledger at {ledger}")
    if copy.exists():
        raise InputError(f"cannot write {copy}: File exists")
    draft = copy_to_draft(ledger, copy)
    try:
        found = look_at(draft)
        # Unlike a rename, it never takes the place of what somebody else has put there meanwhile.
        os.link(draft, copy)
    except OSError as error:
        raise InputError(f"cannot write {copy}: {error.strerror}") from error
    finally:
        draft.unlink()
    sync_folder(copy)
    return Copied(copy, copy.stat().st_size, found)


def copy_to_draft(source: Path, target: Path) -> Path:
    """Copy a database to a new file beside `target`, which its caller renames or removes.

    Raises InputError if it cannot be written, ConflictError for what is no database.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}.draft")
    draft.unlink(missing_ok=True)
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}") from error
    try:
        with closing(open_existing(source)) as original, closing(sqlite3.connect(draft)) as made:
            original.backup(made)
            # A log beside it would be forgotten when the file is carried away.
            made.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        draft.unlink()
        raise ConflictError(f"{source} cannot be copied: {error}") from error
    return draft


def look_at(database: Path) -> datetime | None:
    """Tell of when a copy is; raises ConflictError if it is damaged, or no ledger at all."""
    try:
        with closing(open_existing(database)) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if verdict != "ok":
                raise ConflictError(f"the ledger is damaged: {verdict}")
            there = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
            if not there.issuperset(_MARKS):
                raise ConflictError("the file is a database, and no ledger of Bakehouse")
            (newest,) = connection.execute("SELECT max(at) FROM audit_events").fetchone()
    except sqlite3.Error as error:
        raise ConflictError(f"the file is no ledger that can be read: {error}") from error
    return None if newest is None else datetime.fromisoformat(newest).replace(tzinfo=UTC)


def open_existing(database: Path) -> sqlite3.Connection:
    """Open a database that is there; SQLite would make one that is not."""
    return sqlite3.connect(f"file:{quote(str(database.absolute()))}?mode=rw", uri=True)


def sync_folder(file: Path) -> None:
    """Have the name of a file survive a power cut as its content does."""
    handle = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
