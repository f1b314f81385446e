"""`bakehouse baker fees` and `bond-pool`: what a file says replaces all, or nothing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakehouse.ledger import bakers, payout_rules
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import BasisPoints, Mutez
from tests.cli.bakers_desk import ANN, BAKER, BOB, MEMBERS, Desk, open_desk


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        yield opened


@pytest.mark.parametrize(
    "content",
    [f"address,fee\n{ANN},5\n{BOB},7.25\n", json.dumps({ANN: 5, BOB: "7.25"})],
    ids=["CSV", "JSON"],
)
def test_fees_of_single_delegators_come_from_a_file(desk: Desk, content: str) -> None:
    desk.register()

    out = desk.done("baker", "fees", BAKER, str(desk.write("fees", content)))

    assert out == "2 delegators have fees of their own\n"
    assert desk.read(lambda tx: payout_rules.fees(tx, BAKER)) == {ANN: 500, BOB: 725}


def test_a_file_of_fees_replaces_the_one_before(desk: Desk) -> None:
    desk.register()
    desk.done("baker", "fees", BAKER, str(desk.write("fees", f"{ANN},5\n{BOB},6")))

    desk.done("baker", "fees", BAKER, str(desk.write("fees", f"{BOB},0")))
    assert desk.read(lambda tx: payout_rules.fees(tx, BAKER)) == {BOB: 0}

    desk.done("baker", "fees", BAKER, str(desk.write("fees", "")))
    assert desk.read(lambda tx: payout_rules.fees(tx, BAKER)) == {}


def test_a_mistake_in_a_file_of_fees_is_told_with_its_line_and_changes_nothing(
    desk: Desk,
) -> None:
    desk.register()
    desk.done("baker", "fees", BAKER, str(desk.write("fees", f"{ANN},5")))
    file = desk.write("fees", f"address,fee\n{ANN},7\n{BOB},101\n")

    line = desk.refused(2, "baker", "fees", BAKER, str(file))

    assert line.startswith(f"{file}, line 3: '101' is not a percentage")


def test_a_file_that_is_not_there_is_told(desk: Desk) -> None:
    desk.register()
    absent = str(desk.folder / "absent")

    for command in ("fees", "bond-pool"):
        line = desk.refused(2, "baker", command, BAKER, absent)
        assert line == f"cannot read {absent}: No such file or directory"


# bond-pool


def test_the_bond_pool_comes_from_a_file(desk: Desk) -> None:
    desk.register()

    out = desk.done("baker", "bond-pool", BAKER, str(desk.write("members", MEMBERS)))

    assert out == "2 members are in the bond pool\n"
    members = desk.read(lambda tx: bakers.bond_pool(tx, BAKER))
    assert sorted(members, key=lambda member: member.name) == [
        BondPoolMember(ANN, Mutez(10_000_000), BasisPoints(500), is_manager=True, name="Ann"),
        BondPoolMember(BOB, Mutez(2_500_000), BasisPoints(750), is_manager=False, name="Bob"),
    ]


def test_a_file_of_members_replaces_the_one_before(desk: Desk) -> None:
    desk.register()
    desk.done("baker", "bond-pool", BAKER, str(desk.write("members", MEMBERS)))
    header = MEMBERS.split("\n", 1)[0]

    desk.done("baker", "bond-pool", BAKER, str(desk.write("members", f"{header}\n{BOB},1,0,yes,")))
    assert [each.address for each in desk.read(lambda tx: bakers.bond_pool(tx, BAKER))] == [BOB]

    desk.done("baker", "bond-pool", BAKER, str(desk.write("members", header)))
    assert desk.read(lambda tx: bakers.bond_pool(tx, BAKER)) == []


def test_a_mistake_in_a_file_of_members_is_told_and_changes_nothing(desk: Desk) -> None:
    desk.register()
    desk.done("baker", "bond-pool", BAKER, str(desk.write("members", MEMBERS)))
    file = desk.write("members", MEMBERS.replace("7.5", "107.5"))

    line = desk.refused(2, "baker", "bond-pool", BAKER, str(file))

    assert line.startswith(f"{file}, line 3: '107.5' is not a percentage")
