"""`bakehouse backup` and `bakehouse restore`: what is copied, what is refused, what is kept."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bakehouse.ledger import audit, bakers
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.database import Ledger
from tests.cli.bakers_desk import BAKER, Desk, open_desk
from tests.ledger.bakery import BAKER as OLD_BAKER
from tests.ledger.first_ledger import leave_a_first_ledger


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        opened.register("alias=Before")
        yield opened


@pytest.fixture
def copy(desk: Desk) -> Path:
    """A backup, after which the ledger has changed."""
    file = desk.folder / "copy.db"
    desk.done("backup", str(file))
    desk.done("baker", "set", BAKER, "alias=After")
    return file


def alias(desk: Desk) -> str | None:
    return desk.read(lambda tx: bakers.get(tx, BAKER)).alias


def newest_event(desk: Desk) -> AuditEvent:
    return desk.read(lambda tx: audit.latest(tx, 1))[0]


def kept_ledgers(desk: Desk) -> list[Path]:
    return list(desk.ledger_file.parent.glob("ledger.db.replaced-*"))


def dump(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())


def test_a_backup_is_one_private_file_with_all_that_is_in_the_ledger(desk: Desk) -> None:
    file = desk.folder / "copy.db"

    out = desk.done("backup", str(file))

    assert dump(file) == dump(desk.ledger_file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(desk.folder.glob("*copy.db*")) == [file]
    assert str(desk.folder / "data" / "secret.key") in out


def test_a_backup_holds_what_is_committed_while_another_process_writes(desk: Desk) -> None:
    file = desk.folder / "copy.db"
    with closing(sqlite3.connect(desk.ledger_file, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE bakers SET alias = 'Half'")
        desk.done("backup", str(file))
        writer.execute("ROLLBACK")

    assert dump(file) == dump(desk.ledger_file)


def test_a_backup_into_a_folder_is_named_by_the_time(desk: Desk) -> None:
    told = json.loads(desk.done("backup", str(desk.folder), "--json"))

    file = Path(told["file"])
    assert file.parent == desk.folder
    assert file.match("ledger-????????T??????Z.db")
    assert (told["size_bytes"], told["as_of"]) == (
        file.stat().st_size,
        newest_event(desk).at.isoformat(),
    )


def test_a_backup_is_never_written_over_a_file(desk: Desk, copy: Path) -> None:
    before = copy.read_bytes()

    assert desk.refused(2, "backup", str(copy)) == f"cannot write {copy}: File exists"
    assert copy.read_bytes() == before


def test_a_backup_of_nothing_or_to_nowhere_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = desk.folder / "absent" / "copy.db"
    assert desk.refused(2, "backup", str(nowhere)).startswith(f"cannot write {nowhere}: ")
    monkeypatch.setenv("BAKEHOUSE_DATA_DIR", str(desk.folder / "empty"))
    assert "there is no ledger at" in desk.refused(2, "backup", str(desk.folder / "copy.db"))


def test_a_damaged_ledger_gives_no_backup_that_somebody_would_rely_on(desk: Desk) -> None:
    with closing(sqlite3.connect(desk.ledger_file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    content = bytearray(desk.ledger_file.read_bytes())
    content[4096:12288] = b"\xff" * 8192
    desk.ledger_file.write_bytes(content)

    code, _, err = desk.run("backup", str(desk.folder / "copy.db"))

    assert code == 1
    assert "damaged" in err or "cannot be" in err
    assert not list(desk.folder.glob("*copy.db*"))


@pytest.mark.parametrize("command", [("backup",), ("restore", "--replace")])
def test_a_ledger_on_postgresql_is_left_to_its_own_tools(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://bakehouse:hunter2@db/bakehouse")

    line = desk.refused(2, *command, str(desk.folder / "copy.db"))

    assert "pg_dump" in line
    assert "hunter2" not in line


def test_a_copy_takes_the_ledgers_place_and_the_ledger_is_kept(desk: Desk, copy: Path) -> None:
    was = dump(desk.ledger_file)

    told = json.loads(desk.done("restore", str(copy), "--replace", "--json"))

    assert alias(desk) == "Before"
    [kept] = kept_ledgers(desk)
    assert dump(kept) == was
    assert (told["replaced"], told["operations_lost"]) == (str(kept), 0)
    event = newest_event(desk)
    assert (event.action, event.detail["replaced"]) == ("ledger.restored", kept.name)
    assert desk.read(audit.first_broken_link) is None
    assert desk.ledger_file.stat().st_mode & 0o777 == 0o600
    assert copy.exists()


def test_a_copy_of_an_older_version_is_brought_to_this_one_and_stays_as_it_is(desk: Desk) -> None:
    old = desk.folder / "old.db"
    leave_a_first_ledger(f"sqlite:///{old}")
    before = dump(old)

    desk.done("restore", str(old), "--replace")

    assert OLD_BAKER in {each.baker_id for each in desk.read(bakers.everyone)}
    assert desk.read(audit.first_broken_link) is None
    assert dump(old) == before


def test_where_there_is_no_ledger_a_copy_becomes_it(desk: Desk, copy: Path) -> None:
    for file in desk.ledger_file.parent.glob("ledger.db*"):
        file.unlink()

    out = desk.done("restore", str(copy))

    assert alias(desk) == "Before"
    assert f"{desk.ledger_file} is the copy now" in out
    assert kept_ledgers(desk) == []


def test_a_ledger_that_is_there_is_not_replaced_unless_that_is_said(desk: Desk, copy: Path) -> None:
    assert "--replace" in desk.refused(1, "restore", str(copy))
    assert alias(desk) == "After"


def test_nothing_is_restored_under_a_process_that_has_the_ledger_open(
    desk: Desk, copy: Path
) -> None:
    async def while_it_is_open() -> str:
        ledger = await Ledger.open(f"sqlite:///{desk.ledger_file}")
        try:
            await ledger.ping()
            command = asyncio.to_thread(desk.refused_line, 1, "restore", str(copy), "--replace")
            return await command
        finally:
            await ledger.close()

    assert "stop Bakehouse first" in asyncio.run(while_it_is_open())
    assert alias(desk) == "After"
    assert kept_ledgers(desk) == []


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["DROP TABLE audit_events"], "no ledger of Bakehouse"),
        (["UPDATE alembic_version SET version_num = '9999'"], "newer version"),
        (
            [
                "DROP TRIGGER audit_events_no_update",
                "UPDATE audit_events SET actor = 'somebody else'",
            ],
            "changed from outside",
        ),
    ],
)
def test_a_copy_that_cannot_be_relied_on_is_refused(
    desk: Desk, copy: Path, statements: list[str], said: str
) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()

    assert said in desk.refused(1, "restore", str(copy), "--replace")
    assert sorted(desk.ledger_file.parent.glob("*ledger.db*")) == [desk.ledger_file]


def test_what_is_no_copy_at_all_is_refused(desk: Desk) -> None:
    absent = desk.folder / "absent.db"
    assert desk.refused(2, "restore", str(absent)) == f"there is no file {absent}"
    text = desk.write("notes.txt", "Not a database, however long this sentence is. " * 20)
    assert f"{text} cannot be copied" in desk.refused(1, "restore", str(text), "--replace")


def test_a_restore_that_is_broken_off_leaves_the_ledger_that_was_there(
    desk: Desk, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", full)
        desk.refused_line(1, "restore", str(copy), "--replace")

    assert alias(desk) == "After"
    assert not list(desk.ledger_file.parent.glob(".*draft*"))
