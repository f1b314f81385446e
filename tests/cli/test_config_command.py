"""`bakehouse config`: written, compared and taken over; all of it, or nothing."""

import asyncio
import io
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bakehouse.cli import config
from bakehouse.desk.settings_file.applying import Look
from bakehouse.desk.settings_file.document import SettingsFile
from bakehouse.ledger import alert_channels, audit, bakers, payout_rules
from bakehouse.ledger.alert_channels import ChannelSettings, ChannelUrl
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.states import Mode
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import BasisPoints, Mutez
from tests.cli import paid_ledger
from tests.cli.bakers_desk import ANN, BAKER, BOB, PAYOUT, Desk, open_desk
from tests.cli.paid_ledger import play

NOW = datetime(2026, 11, 26, tzinfo=UTC)
FURNISHED = Baker(
    baker_id=BAKER,
    network="NetXdQprcVkpaWU",
    payout_address=PAYOUT,
    first_cycle=750,
    alias="Nug",
    cycle_cap=Mutez(5_000_000),
    mode=Mode.ON,
)
POOL = [
    BondPoolMember(ANN, Mutez(10_000_000), BasisPoints(500), is_manager=True, name="Ann"),
    BondPoolMember(BOB, Mutez(2_500_000), BasisPoints(750), name="Bob"),
]
HEAD = 'version = 1\nnetwork = "NetXdQprcVkpaWU"\n'


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        yield opened


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger in which everything is set of one baker; made once, for it takes a while."""
    path = tmp_path_factory.mktemp("furnished") / "ledger.db"

    async def furnish() -> None:
        ledger = await Ledger.open(f"sqlite:///{path}")
        async with ledger.write() as tx:
            await bakers.add(tx, FURNISHED, actor="test", at=NOW)
            await bakers.replace_fees(tx, BAKER, {ANN: BasisPoints(500)}, actor="test", at=NOW)
            await bakers.replace_bond_pool(tx, BAKER, POOL, actor="test", at=NOW)
            url = ChannelUrl(sealed=b"sealed", shown="json://localhost/…")
            channel = ChannelSettings(name="ops", severity_min="warning")
            await alert_channels.add(tx, channel, url, actor="test", at=NOW)
        await ledger.close()

    asyncio.run(furnish())
    return path


@pytest.fixture
def house(desk: Desk, furnished: Path) -> Path:
    """The file of a baker with everything set."""
    desk.ledger_file.parent.mkdir()
    shutil.copy(furnished, desk.ledger_file)
    file = desk.folder / "house.toml"
    assert desk.done("config", "export", str(file)) == f"the settings of 1 bakers are in {file}\n"
    return file


def edited(file: Path, *changes: tuple[str, str]) -> Path:
    """Write the file anew with texts replaced; each of them has to be there."""
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    other = file.with_name("edited.toml")
    other.write_text(text)
    return other


def baker_of(desk: Desk) -> Baker:
    return desk.read(lambda tx: bakers.get(tx, BAKER))


def test_what_was_exported_changes_nothing_when_it_is_applied(desk: Desk, house: Path) -> None:
    before = desk.rows()

    assert desk.done("config", "diff", str(house), "--check") == (
        "Nothing differs from what is set.\n"
    )
    said = desk.done("config", "apply", str(house), "--yes", "--reason", "x")

    assert said == "Nothing differs from what is set.\n"
    assert desk.rows() == before
    assert desk.done("config", "export") == house.read_text()


def test_no_secret_and_nobody_else_s_file_is_touched(desk: Desk, house: Path) -> None:
    text = house.read_text()

    assert 'alert_channels = ["ops"]' in text
    assert "localhost" not in text
    assert house.stat().st_mode & 0o777 == 0o600
    assert desk.refused(2, "config", "export", str(house)) == f"cannot write {house}: File exists"


CHANGES = (
    ("default_fee = 10", "default_fee = 9.5"),
    ("cycle_cap = 5000000", 'cycle_cap = "none"'),
    ('alias = "Nug"', 'alias = ""'),
    (f"{ANN} = {{ fee = 5 }}", f"{BOB} = {{ fee = 0.01 }}"),
    ('charge = 7.5, manager = false, name = "Bob"', "charge = 7"),
)


def test_a_file_is_taken_over_whole_in_words_with_who_and_why(desk: Desk, house: Path) -> None:
    file = edited(house, *CHANGES)

    said = desk.done("config", "apply", str(file), "--yes", "--reason", "new year")

    assert said.splitlines() == [
        BAKER,
        "  Alias: Nug → no name",
        "  Fee: 10 % → 9.5 %",
        "  Cap of a cycle: 5.000000 tez → no cap",
        f"  Fee of {ANN}: 5 % → nothing",
        f"  Fee of {BOB}: nothing → 0.01 %",
        f"  Charge of {BOB}: 7.5 % → 7 %",
        f"  Name of {BOB}: Bob → no name",
        "",
        f"{BAKER}: not to be said in tez: no cycle was planned here yet.",
        "These are the settings now.",
    ]
    after = baker_of(desk)
    assert (after.default_fee, after.cycle_cap, after.alias, after.mode) == (950, None, None, "on")
    assert desk.read(lambda tx: payout_rules.fees(tx, BAKER)) == {BOB: 1}
    assert [each.adm_charge for each in desk.read(lambda tx: bakers.bond_pool(tx, BAKER))] == [
        500,
        700,
    ]
    applied, *before = desk.read(lambda tx: audit.latest(tx, limit=4))
    assert (applied.action, applied.subject) == ("settings.applied", str(file))
    assert applied.actor.startswith("cli:")
    assert {each.detail["why"] for each in (applied, *before)} == {"new year"}
    assert {each.action for each in before} == {
        "baker.changed",
        "fees.replaced",
        "bond_pool.replaced",
    }


def test_looking_changes_nothing_and_tells_a_program_everything(desk: Desk, house: Path) -> None:
    file = edited(house, *CHANGES)
    before = desk.rows()

    code, out, _ = desk.run("config", "diff", str(file), "--json", "--check")
    dry = json.loads(desk.done("config", "apply", str(file), "--dry-run", "--json"))

    assert code == 1
    assert dry == {**json.loads(out), "applied": False}
    assert dry["changes"][1] == {
        "baker": BAKER,
        "key": "default_fee",
        "before": "10 %",
        "after": "9.5 %",
    }
    assert dry["changes"][3]["key"] == f"delegators.{ANN}.fee"
    assert desk.rows() == before


REFUSED: dict[str, tuple[tuple[str, str], str]] = {
    "another chain": (("NetXdQprcVkpaWU", "NetXsqzbfFenSTS"), "and Bakehouse on NetXdQprcVkpaWU"),
    "a channel that is not here": (('["ops"]', '["ops", "pager"]'), "no channel 'pager'"),
    "a typing error": (("cycle_cap =", "cycle_cup ="), "cycle_cup: unknown key"),
    "two managers": (("manager = false", "manager = true"), "exactly one manager"),
}


@pytest.mark.parametrize(("change", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refused_file_leaves_every_setting_in_force(
    desk: Desk, house: Path, change: tuple[str, str], said: str
) -> None:
    file = edited(house, ("default_fee = 10", "default_fee = 1"), change)

    line = desk.refused(2, "config", "apply", str(file), "--yes", "--reason", "x")

    assert said in line
    assert line.startswith(f"{file}, line ")


def test_a_file_never_switches_a_baker_on_but_may_switch_it_off(desk: Desk, house: Path) -> None:
    off = edited(house, ('mode = "on"', 'mode = "off"'))
    desk.done("config", "apply", str(off), "--yes", "--reason", "stop")
    assert baker_of(desk).mode is Mode.OFF

    line = desk.refused(2, "config", "apply", str(house), "--yes", "--reason", "x")

    assert "a file never switches a baker on" in line


def test_a_baker_that_is_not_here_is_registered_in_simulation(desk: Desk, house: Path) -> None:
    part = f"{HEAD}[bakers.{BOB}]\n"
    # What comes before it in the file has been entered when it is refused.
    first = f"{HEAD}[bakers.{BAKER}]\ndefault_fee = 3\n[bakers.{BOB}]\n"
    file = desk.write("bob.toml", first + "default_fee = 3\n")
    assert "name its first_cycle" in desk.refused(
        2, "config", "apply", str(file), "--yes", "--reason", "x"
    )
    file = desk.write("bob.toml", f'{part}first_cycle = 9\nmode = "on"\n')
    assert "never switches a baker on" in desk.refused(2, "config", "diff", str(file))
    file = desk.write("bob.toml", f"{part}first_cycle = 9\n")

    said = desk.done("config", "apply", str(file), "--yes", "--reason", "x")

    assert said.startswith(f"{BOB}, new here\n  Mode: nothing → simulation\n")
    assert f"Not in the file, and left as they are: {BAKER}." in said
    new = desk.read(lambda tx: bakers.get(tx, BOB))
    assert (new.mode, new.payout_address, new.first_cycle) == (Mode.SIMULATION, BOB, 9)


def test_nothing_is_changed_without_a_reason_or_an_answer(desk: Desk, house: Path) -> None:
    file = edited(house, *CHANGES)
    before = desk.rows()

    code, _, err = desk.run("config", "apply", str(file), "--yes", "--reason", " ")
    assert (code, "--reason" in err) == (2, True)
    code, _, err = desk.run("config", "apply", str(file), "--reason", "x")
    assert (code, "--yes" in err) == (1, True)
    assert desk.rows() == before


@pytest.mark.parametrize("is_yes", [False, True])
def test_a_person_is_asked_after_having_seen_it(
    desk: Desk,
    house: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_yes: bool,  # noqa: FBT001 - a case of the test
) -> None:
    file = edited(house, *CHANGES)
    keyboard = io.StringIO("y\n" if is_yes else "n\n")
    monkeypatch.setattr(keyboard, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", keyboard)

    answered, out, err = desk.run("config", "apply", str(file), "--reason", "x")

    assert answered == (0 if is_yes else 130)
    assert "10 % → 9.5 %" in out
    assert "Change these settings? [y/N]" in err
    assert baker_of(desk).default_fee == (950 if is_yes else 1_000)


def test_what_somebody_else_has_changed_meanwhile_is_not_overwritten(
    desk: Desk, house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = edited(house, *CHANGES)

    look = config._look

    def looked(read: SettingsFile) -> Look:
        seen = look(read)
        desk.done("baker", "set", BAKER, "default_fee=2")
        return seen

    monkeypatch.setattr(config, "_look", looked)

    code, _, err = desk.run("config", "apply", str(file), "--reason", "x", "--yes")

    assert (code, "somebody has changed settings" in err) == (1, True)
    assert baker_of(desk).default_fee == 200


def test_the_last_cycle_is_worked_out_by_both_settings_to_the_mutez(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = play(desk, paid_ledger.planned)
    baker = desk.read(lambda tx: bakers.get(tx, played.baker_id))
    monkeypatch.setenv("BAKEHOUSE_NETWORK", baker.network)
    [books] = map(json.loads, desk.done("export", "cycles", baker.baker_id, "--json").splitlines())
    payouts = [
        json.loads(line)
        for line in desk.done("export", "payouts", baker.baker_id, "--json").splitlines()
    ]
    file = desk.write(
        "half.toml",
        f'version = 1\nnetwork = "{baker.network}"\n[bakers.{baker.baker_id}]\n'
        "default_fee = 100\nbond_pool_enabled = true\n"
        f"[bakers.{baker.baker_id}.delegators]\n{payouts[0]['owed_to']} = {{ fee = 0 }}\n"
        f"[bakers.{baker.baker_id}.bond_pool]\n{ANN} = {{ bond = 1, manager = true }}\n",
    )

    document = json.loads(desk.done("config", "diff", str(file), "--json"))
    said = desk.done("config", "diff", str(file))

    [effect] = document["last_cycle"]
    before, after = effect["before"], effect["after"]
    assert effect["cycle"] == int(books["cycle"])
    assert before["for_delegators"] == books["total_net"]
    assert before["fees"] == books["total_fees"]
    # Without a fee one gets its gross; all others get nothing.
    assert after["for_delegators"] == payouts[0]["gross"]
    assert int(after["for_the_baker"]) == int(books["pool"]) - int(payouts[0]["gross"])
    changed = {each["owed_to"]: each for each in effect["delegators"]}
    assert changed == {
        row["owed_to"]: {
            "owed_to": row["owed_to"],
            "before": row["net"],
            "after": row["gross"] if row is payouts[0] else "0",
        }
        for row in payouts
    }
    pool = int(books["pool"]) - int(payouts[0]["gross"])
    assert effect["members"] == [{"owed_to": ANN, "before": "0", "after": str(pool)}]
    assert f"cycle {books['cycle']} by these settings" in said


def test_rules_that_need_each_other_are_taken_over_together_or_not_at_all(
    desk: Desk, house: Path
) -> None:
    named = ('excluded_share = "baker"', 'excluded_share = "named"')
    file = edited(house, named)

    said = desk.refused(2, "config", "apply", str(file), "--yes", "--reason", "r")

    assert "do not add up to 100 %" in said
    assert baker_of(desk).excluded_share == "baker"

    income = (
        f"[bakers.{BAKER}.income]",
        f"[bakers.{BAKER}.income]\n{BOB} = {{ of_excluded = 100 }}",
    )
    desk.done("config", "apply", str(edited(house, named, income)), "--yes", "--reason", "r")

    assert baker_of(desk).excluded_share == "named"
    desk.done("config", "apply", str(house), "--yes", "--reason", "back")
    assert baker_of(desk).excluded_share == "baker"
