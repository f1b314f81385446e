"""Putting a copy in the place of an SQLite ledger. What it has forgotten, `look_back` finds."""

import asyncio
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from bakehouse.errors import ConflictError, InputError
from bakehouse.ledger import audit
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.backup import copy_to_draft, look_at, open_existing, sync_folder
from bakehouse.ledger.database import Ledger

#: What SQLite keeps beside a database, under its name with these after it.
_LOGS: Final = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Restored:
    """What took the ledger's place."""

    #: When the newest event happened that the copy knows of.
    as_of: datetime | None
    #: Where the ledger is now that was there; None when there was none.
    replaced: Path | None
    #: Operations that were signed since, and that only the replaced ledger knows.
    operations_lost: int


async def restore(
    backup: Path, ledger: Path, *, replace: bool, actor: str, at: datetime
) -> Restored:
    """Check a copy, bring it to this version's schema and put it in the ledger's place.

    A ledger that is there is kept beside it. At every moment there is a whole one in the place.
    Raises ConflictError if a process has the ledger open, if one is there and `replace` is not
    said, or if the copy is damaged, changed from outside, or of a newer version.
    """
    draft = await asyncio.to_thread(_draft, backup, ledger, replace=replace)
    try:
        found = await asyncio.to_thread(_compare, draft, ledger, at)
        detail = {
            "as_of": None if found.as_of is None else found.as_of.isoformat(),
            "replaced": None if found.replaced is None else found.replaced.name,
            "operations_lost": found.operations_lost,
        }
        await _check_and_note(draft, AuditEvent(at, actor, "ledger.restored", "ledger", detail))
        await asyncio.to_thread(_put_in_place, draft, ledger, found.replaced)
    finally:
        for part in ("", *_LOGS):
            draft.with_name(f"{draft.name}{part}").unlink(missing_ok=True)
    return found


def _draft(backup: Path, ledger: Path, *, replace: bool) -> Path:
    if not backup.is_file():
        raise InputError(f"there is no file {backup}")
    if ledger.exists() and not replace:
        raise ConflictError(
            f"there is a ledger at {ledger}: with --replace it is kept under another name"
        )
    ledger.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return copy_to_draft(backup, ledger)


def _compare(draft: Path, ledger: Path, at: datetime) -> Restored:
    as_of = look_at(draft)
    if not ledger.exists():
        return Restored(as_of, None, 0)
    kept = ledger.with_name(f"{ledger.name}.replaced-{at:%Y%m%dT%H%M%SZ}")
    return Restored(as_of, kept, _close_and_compare(ledger, draft))


def _close_and_compare(ledger: Path, copy: Path) -> int:
    """Make the ledger one file, which only its last user can; count what the copy has not."""
    try:
        with closing(open_existing(ledger)) as connection:
            # Its log must not outlive it: it would be applied to the file that takes its place.
            (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
            if mode != "delete":
                raise sqlite3.OperationalError("database is locked")  # noqa: TRY301 - as it says itself
            connection.execute("ATTACH DATABASE ? AS copy", (str(copy),))
            (lost,) = connection.execute(
                "SELECT count(*) FROM main.operations WHERE hash NOT IN "
                "(SELECT hash FROM copy.operations)"
            ).fetchone()
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            # What cannot be read has nothing to compare; it is kept all the same.
            return 0
        raise ConflictError(
            f"another process has the ledger {ledger} open: stop Bakehouse first"
        ) from error
    except sqlite3.DatabaseError:
        return 0
    return int(lost)


async def _check_and_note(draft: Path, event: AuditEvent) -> None:
    """Bring the copy to this version, see that nobody changed it, and write down what is done."""
    opened = await Ledger.open(f"sqlite:///{draft}")
    try:
        async with opened.write() as tx:
            broken = await audit.first_broken_link(tx)
            if broken is not None:
                raise ConflictError(
                    f"event {broken} of the copy's audit trail was changed from outside: "
                    "take another copy"
                )
            await audit.record(tx, event)
    finally:
        await opened.close()


def _put_in_place(draft: Path, ledger: Path, kept: Path | None) -> None:
    with closing(open_existing(draft)) as connection:
        # One file again, with nothing beside it.
        connection.execute("PRAGMA journal_mode = DELETE")
    if kept is not None:
        os.link(ledger, kept)
    for log in _LOGS:
        # Of a ledger that could not be read: none must be applied to the one that comes.
        ledger.with_name(f"{ledger.name}{log}").unlink(missing_ok=True)
    draft.replace(ledger)
    sync_folder(ledger)
