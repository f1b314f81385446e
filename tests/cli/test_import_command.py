"""`bakehouse import`, as a person runs it: shown first, done by --apply, refused in one line."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakehouse.ledger import bakers
from bakehouse.ledger.states import Mode
from tests.cli.bakers_desk import Desk, open_desk
from tests.importers.test_reading_taps import BAKER, made_true

SCRIPT = "taps-h2/h2-1.4.200-upgraded.sql"


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        opened._migrate()
        yield opened


@pytest.fixture
def dump(desk: Desk, chain_fixtures: Path) -> str:
    return str(desk.write("taps.sql", made_true((chain_fixtures / SCRIPT).read_text())))


def test_it_is_only_shown_until_it_is_applied(desk: Desk, dump: str) -> None:
    before = desk.rows()

    shown = desk.done("import", "taps", dump, "--offline")

    assert desk.rows() == before
    assert "default_fee=5.25" in shown
    assert "1 cycles are closed for good: 499" in shown
    assert "THE CHAIN WAS NOT ASKED" in shown
    assert "5.539240 tez are held for a person" in shown
    assert "Nothing was changed: the same with --apply does it." in shown
    assert "segredo" not in shown


def test_applied_it_is_there_once_and_in_simulation(desk: Desk, dump: str) -> None:
    done = desk.done("import", "taps", dump, "--offline", "--apply", "--yes")
    assert done.endswith("It is in the ledger now.\n")
    after = desk.rows()

    again = json.loads(desk.done("import", "taps", dump, "--offline", "--apply", "--yes", "--json"))

    assert desk.rows() == after
    assert (again["applied"], again["known"], again["new"]["paid"]) == (False, 3, 0)
    baker = desk.read(lambda tx: bakers.get(tx, BAKER))
    assert (baker.mode, baker.first_cycle, baker.default_fee) == (Mode.SIMULATION, 500, 525)
    assert "5.539240 tez" in desk.done("held", BAKER)


def test_what_was_imported_is_in_the_books(desk: Desk, dump: str) -> None:
    desk.done("import", "taps", dump, "--offline", "--apply", "--yes")

    rows = [
        json.loads(each) for each in desk.done("export", "payouts", BAKER, "--json").splitlines()
    ]

    paid = {row["owed_to"]: row for row in rows if row["state"] == "paid"}
    assert len(paid) == 2
    assert {row["received"] for row in paid.values()} == {"120000000", "3970"}
    assert all(row["operation"].startswith("o") for row in paid.values())
    assert {row["signed_at"] for row in paid.values()} == {"2024-01-15T00:00:00+00:00"}
    (cycle, pool) = (
        json.loads(each) for each in desk.done("export", "cycles", BAKER, "--json").splitlines()
    )
    assert (cycle["state"], cycle["total_net"], pool["total_net"]) == ("paid", "125543210", "0")
    assert cycle["message"].startswith("paid by TAPS, imported on ")


def test_without_a_terminal_nobody_is_asked_and_nothing_done(desk: Desk, dump: str) -> None:
    before = desk.rows()

    code, _, err = desk.run("import", "taps", dump, "--offline", "--apply")

    assert (code, desk.rows()) == (1, before)
    assert "--yes says that nobody need be asked" in err


def test_mistakes_are_one_line_with_file_and_line(desk: Desk, dump: str) -> None:
    text = Path(dump).read_text()
    broken = desk.write("broken.sql", text.replace("5.539240", "5.5392405"))

    line = desk.refused(2, "import", "taps", str(broken), "--offline")

    assert line == (f"{broken}, line 39: 5.5392405 tez is not a whole number of mutez")
    assert "BAKEHOUSE_" in desk.refused(2, "import", "taps", dump)
    assert "is not after 499" in desk.refused(
        2, "import", "taps", dump, "--offline", "--first-cycle", "499"
    )
    assert "has no settings of" in desk.refused(
        2, "import", "taps", dump, "--offline", "--baker", "tz1Ke2h7sDdakHJQh8WX4Z372du1KChsksyU"
    )
