"""`bakehouse export`, `fees`, `bond-pool`: what is written can be read back, in JSON or CSV."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypdf import PdfReader

from bakehouse.ledger import bakers, payout_rules
from bakehouse.payments.export import (
    ADJUSTMENT_COLUMNS,
    CYCLE_COLUMNS,
    EXCLUSION_COLUMNS,
    PAYOUT_COLUMNS,
    STATEMENT_COLUMNS,
)
from bakehouse.rewards.money import Mutez, format_tez
from tests.cli import paid_ledger
from tests.cli.bakers_desk import ANN, BAKER, BOB, MEMBERS, Desk, open_desk
from tests.cli.paid_ledger import play

#: What is played once a process is played by one.
pytestmark = pytest.mark.xdist_group("paid_ledger")


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        yield opened


# export


def test_books_are_written_as_csv_with_the_documented_columns(desk: Desk) -> None:
    played = play(desk, paid_ledger.two_held)

    rows = list(csv.DictReader(desk.done("export", "payouts", played.baker_id).splitlines()))
    [cycle] = csv.DictReader(desk.done("export", "cycles", played.baker_id).splitlines())

    assert tuple(rows[0]) == PAYOUT_COLUMNS
    assert tuple(cycle) == CYCLE_COLUMNS
    assert {row["state"] for row in rows} == {"paid", "held"}
    assert cycle["total_net"] == str(sum(int(row["net"]) for row in rows))


def test_books_are_written_as_json_lines_to_a_new_file_for_its_owner(
    desk: Desk, tmp_path: Path
) -> None:
    played = play(desk, paid_ledger.two_held)
    file = tmp_path / "books.json"
    arguments = ("export", "payouts", played.baker_id, "--json", "-o", str(file))

    out = desk.done(*arguments, "--cycles", str(played.cycle))

    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert out == f"{len(rows)} rows are in {file}\n"
    assert {tuple(row) for row in rows} == {PAYOUT_COLUMNS}
    assert file.stat().st_mode & 0o777 == 0o600
    assert desk.refused(2, *arguments) == f"cannot write {file}: File exists"


def test_cycles_that_are_not_wanted_are_left_out(desk: Desk) -> None:
    played = play(desk, paid_ledger.planned)
    wanted = f"{played.cycle + 1}-{played.cycle + 9}"

    out = desk.done("export", "payouts", played.baker_id, "--cycles", wanted)

    assert out.strip() == ",".join(PAYOUT_COLUMNS)


def test_a_recipient_has_a_statement_and_scripts_have_tezpays_columns(desk: Desk) -> None:
    played = play(desk, paid_ledger.two_held)
    rows = list(csv.DictReader(desk.done("export", "payouts", played.baker_id).splitlines()))
    paid = [row for row in rows if row["state"] == "paid"]
    whom = paid[0]["owed_to"]

    [statement] = csv.DictReader(
        desk.done("export", "statement", played.baker_id, whom).splitlines()
    )
    for_tezpay = list(csv.DictReader(desk.done("export", "tezpay", played.baker_id).splitlines()))

    assert tuple(statement) == STATEMENT_COLUMNS
    assert (statement["amount"], statement["operation"]) == (paid[0]["net"], paid[0]["operation"])
    assert {row["recipient"]: row["amount"] for row in for_tezpay} == {
        row["address"]: row["net"] for row in paid
    }
    # The held one was paid nothing.
    assert desk.done("export", "statement", played.baker_id, played.about).count("\n") == 1


def test_books_to_print_are_a_new_file_or_go_to_another_program(desk: Desk, tmp_path: Path) -> None:
    played = play(desk, paid_ledger.planned)
    file = tmp_path / "cycles.pdf"
    arguments = ("export", "cycles", played.baker_id, "--pdf")

    assert desk.done(*arguments, "-o", str(file)) == f"the document is {file}\n"

    text = PdfReader(file, strict=True).pages[0].extract_text()
    assert f"Cycles of {played.baker_id}" in text
    assert "delegators: 1 rows" in text
    assert desk.refused(2, *arguments, "-o", str(file)) == f"cannot write {file}: File exists"
    assert desk.refused(2, *arguments, "--json") == "either --json or --pdf"


def test_the_last_cycles_are_told_in_figures(desk: Desk) -> None:
    played = play(desk, paid_ledger.two_held)
    [books] = csv.DictReader(desk.done("export", "cycles", played.baker_id).splitlines())

    [told] = json.loads(desk.done("statistics", "--json"))["bakers"]
    text = desk.done("statistics", played.baker_id, "--cycles", "3")

    [cycle] = told["cycles"]
    assert cycle == {**told["total"], "cycle": played.cycle, "state": "paid"}
    assert cycle["pool"] == books["pool"]
    assert cycle["for_delegators"] == books["total_net"]
    assert (cycle["chain_fees"], cycle["burned"]) == (books["operation_fees"], books["burned"])
    assert cycle["settled"] == cycle["payouts"] - 2 == cycle["transfers"]
    assert format_tez(Mutez(int(books["pool"]))) in text
    assert f"{cycle['settled']}/{cycle['payouts']}" in text
    assert "█" in text


def test_a_baker_without_cycles_has_no_figures(desk: Desk) -> None:
    desk.register()

    assert desk.done("statistics") == f"{BAKER}, simulated\n  no cycle was planned yet\n"
    assert desk.refused(2, "statistics", BOB) == f"no baker '{BOB}' is registered here"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cycles", "soon"], "neither a cycle nor a range"),
        (["--cycles", "9-8"], "run backwards"),
        (["--year", "0"], "is not a year"),
    ],
)
def test_what_cannot_be_exported_is_refused_and_leaves_no_file(
    desk: Desk, tmp_path: Path, arguments: list[str], said: str
) -> None:
    desk.register()
    file = tmp_path / "books.csv"

    line = desk.refused(2, "export", "cycles", BAKER, *arguments, "-o", str(file))

    assert said in line
    desk.refused(2, "export", "cycles", ANN, "-o", str(file))
    assert not file.exists()


# fees


def test_one_fee_is_set_shown_and_taken_away(desk: Desk) -> None:
    desk.register("default_fee=10")

    assert desk.done("fees", "set", BAKER, ANN, "7.25") == f"{ANN} pays 7.25 %\n"
    desk.done("fees", "set", BAKER, BOB, "0")

    shown = json.loads(desk.done("fees", "show", BAKER, "--json"))
    assert shown["default_fee_basis_points"] == 1_000
    assert shown["fees_basis_points"] == {ANN: 725, BOB: 0}
    assert f"7.25 %  {ANN}" in desk.done("fees", "show", BAKER)
    desk.done("fees", "unset", BAKER, ANN)
    assert desk.read(lambda tx: payout_rules.fees(tx, BAKER)) == {BOB: 0}
    assert desk.refused(2, "fees", "unset", BAKER, ANN) == f"{ANN} has no fee of its own"


def test_fees_that_are_exported_can_be_imported(desk: Desk) -> None:
    desk.register()
    desk.done("fees", "set", BAKER, ANN, "7.25")
    file = desk.write("fees.csv", desk.done("fees", "export", BAKER))
    desk.done("fees", "unset", BAKER, ANN)

    told = desk.done("fees", "import", BAKER, str(file), "--json")

    assert json.loads(told) == {"fees": 1}
    assert desk.read(lambda tx: payout_rules.fees(tx, BAKER)) == {ANN: 725}


@pytest.mark.parametrize("percent", ["101", "-1", "ten", "1.234"])
def test_a_fee_that_is_no_percentage_is_refused(desk: Desk, percent: str) -> None:
    desk.register()

    assert "is not a percentage" in desk.refused(2, "fees", "set", BAKER, ANN, "--", percent)


# bond pool


def test_members_are_imported_shown_and_exported_as_they_were(desk: Desk) -> None:
    desk.register()
    file = desk.write("members.csv", MEMBERS)

    told = json.loads(desk.done("bond-pool", "import", BAKER, str(file), "--json"))
    shown = json.loads(desk.done("bond-pool", "show", BAKER, "--json"))
    again = desk.write("again.csv", desk.done("bond-pool", "export", BAKER))
    before = desk.read(lambda tx: bakers.bond_pool(tx, BAKER))
    desk.done("bond-pool", "import", BAKER, str(again))

    assert told == {"members": 2}
    assert shown["members"][0] == {
        "address": ANN,
        "name": "Ann",
        "amount": "10000000",
        "adm_charge_basis_points": 500,
        "is_manager": True,
    }
    assert desk.read(lambda tx: bakers.bond_pool(tx, BAKER)) == before
    out = desk.done("bond-pool", "show", BAKER)
    assert "the bond pool is not paid (bond_pool_enabled=no); 2 members" in out
    assert "10.000000 tez  80 %  charge 5 %  manager  Ann" in out


# Programs


def test_bakers_are_told_to_programs_with_amounts_as_strings(desk: Desk) -> None:
    desk.register("cycle_cap=5000000000", "minimum_payout=100000")

    [told] = json.loads(desk.done("baker", "list", "--json"))["bakers"]

    assert (told["baker_id"], told["mode"]) == (BAKER, "simulation")
    assert (told["cycle_cap"], told["payout_cap"], told["minimum_payout"]) == (
        "5000000000",
        None,
        "100000",
    )
    changed = json.loads(desk.done("baker", "set", BAKER, "default_fee=5", "--json"))
    assert changed == {**told, "default_fee_basis_points": 500}


@pytest.mark.parametrize(
    ("book", "columns"), [("exclusions", EXCLUSION_COLUMNS), ("adjustments", ADJUSTMENT_COLUMNS)]
)
def test_what_is_not_paid_as_planned_is_written_with_the_documented_columns(
    desk: Desk, book: str, columns: tuple[str, ...]
) -> None:
    played = play(desk, paid_ledger.two_held)

    out = desk.done("export", book, played.baker_id)

    assert tuple(next(csv.reader([out]))) == columns
    assert desk.done("export", book, played.baker_id, "--json", "--simulated") == ""
