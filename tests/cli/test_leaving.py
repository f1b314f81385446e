"""`bakehouse export everything`: all that the ledger has of a baker, in files that read back."""

import csv
import hashlib
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.bakers_desk import ANN, BAKER, BOB, MEMBERS, PAYOUT, Desk, open_desk
from tests.importers.test_reading_taps import BAKER as OLD_BAKER
from tests.importers.test_reading_taps import made_true

FILES = {
    *("settings.toml", "fees.csv", "rules.csv", "income.csv", "bond-pool.csv", "cycles.csv"),
    *("payouts.csv", "exclusions.csv", "adjustments.csv", "operations.csv", "orders.csv"),
    *("deductions.csv", "imported.csv", "audit.jsonl", "contents.json"),
}


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        opened.register(f"payout_address={PAYOUT}", "default_fee=7.5")
        yield opened


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_settings_come_out_as_they_are_taken_in(desk: Desk) -> None:
    desk.done("fees", "set", BAKER, ANN, "2.5")
    desk.done("rules", "set", BAKER, BOB, "recipient=" + ANN)
    desk.done("income", "set", BAKER, BOB, "of_fees=25")
    desk.done("bond-pool", "import", BAKER, str(desk.write("members.csv", MEMBERS)))
    out = desk.folder / "out"

    said = desk.done("export", "everything", BAKER, "--output", str(out))

    assert said == f"14 files are in {out}; contents.json lists them\n"
    assert {each.name for each in out.iterdir()} == FILES
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    for name in ("fees", "rules", "income", "bond-pool"):
        before = (out / f"{name}.csv").read_text()
        desk.done(name, "import", BAKER, str(out / f"{name}.csv"))
        assert desk.done(name, "export", BAKER).splitlines() == before.splitlines()
    assert "nothing" in desk.done("config", "diff", str(out / "settings.toml")).lower()
    contents = json.loads((out / "contents.json").read_text())
    for name, told in contents.items():
        data = (out / name).read_bytes()
        assert told == {"lines": data.count(b"\n"), "sha256": hashlib.sha256(data).hexdigest()}
    actions = {json.loads(line)["action"] for line in lines_of(out / "audit.jsonl")}
    assert {"baker.added", "fees.replaced", "bond_pool.replaced"} <= actions


def test_history_comes_out_with_its_operations(desk: Desk, chain_fixtures: Path) -> None:
    script = (chain_fixtures / "taps-h2" / "h2-1.4.200-upgraded.sql").read_text()
    dump = str(desk.write("taps.sql", made_true(script)))
    desk.done("import", "taps", dump, "--offline", "--apply", "--yes")
    out = desk.folder / "out"

    desk.done("export", "everything", OLD_BAKER, "--output", str(out), "--json")

    payouts = [json.loads(line) for line in lines_of(out / "payouts.jsonl")]
    imported = [json.loads(line) for line in lines_of(out / "imported.jsonl")]
    assert {row["state"] for row in payouts} == {"paid", "held"}
    assert [row["operation"] for row in imported] == [
        row["operation"] for row in payouts if row["state"] == "paid"
    ]
    assert {row["tool"] for row in imported} == {"taps"}


def test_it_is_never_written_over_a_folder_nor_for_an_unknown_baker(desk: Desk) -> None:
    out = desk.folder / "out"
    out.mkdir()

    assert "cannot make the folder" in desk.refused(
        2, "export", "everything", BAKER, "--output", str(out)
    )
    assert "no baker" in desk.refused(
        2, "export", "everything", ANN, "--output", str(desk.folder / "other")
    )
    assert not (desk.folder / "other").exists()
