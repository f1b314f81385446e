"""The units of systemd: they run our commands, shut in, and systemd itself finds no fault."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.deployed import (
    DEPLOY,
    assert_are_settings,
    assert_is_a_command,
    variables_in,
)

UNITS = DEPLOY / "systemd"
SERVICES = sorted(UNITS.glob("*.service"), key=lambda unit: unit.stem)
LASTING = [unit for unit in SERVICES if unit.stem != "bakehouse-backup"]
PROGRAM = "/opt/bakehouse/bin/bakehouse"

#: Tenths: below 2 is what systemd calls OK.
EXPOSURE_MAX = 15

by_name = pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
of_those_that_last = pytest.mark.parametrize("unit", LASTING, ids=lambda unit: unit.stem)
where_systemd_is = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not on this machine"
)


def settings(unit: Path, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units in a folder, with a program that is on this machine."""
    for unit in (*SERVICES, *UNITS.glob("*.timer")):
        (tmp_path / unit.name).write_text(unit.read_text().replace(PROGRAM, "/bin/true"))
    return tmp_path


def test_there_are_units_for_one_machine_and_for_several() -> None:
    assert [unit.stem for unit in SERVICES] == [
        "bakehouse",
        "bakehouse-backup",
        "bakehouse-scheduler",
        "bakehouse-web",
        "bakehouse-worker@",
    ]


@by_name
def test_a_unit_runs_a_command_of_ours_as_its_own_user(unit: Path) -> None:
    [command] = settings(unit, "ExecStart")
    program, *words = command.split()

    assert program == PROGRAM
    assert_is_a_command(words)
    assert (settings(unit, "User"), settings(unit, "Group")) == (["bakehouse"], ["bakehouse"])


@by_name
def test_a_unit_sets_what_there_is_to_set(unit: Path) -> None:
    pairs = [pair for line in settings(unit, "Environment") for pair in line.split()]

    assert_are_settings(dict(pair.split("=", 1) for pair in pairs))
    assert "/etc/bakehouse/bakehouse.env" in settings(unit, "EnvironmentFile")


def test_the_example_of_the_settings_is_one() -> None:
    assert_are_settings(variables_in(UNITS / "bakehouse.env"))


@of_those_that_last
def test_jobs_have_time_to_end_and_the_queue_outlives_them(unit: Path) -> None:
    assert settings(unit, "KillMode") == ["mixed"]
    assert settings(unit, "TimeoutStopSec") == ["60"]
    assert settings(unit, "Restart") == ["on-failure"]
    # What is configured wrong stays stopped, with its reason in the log.
    assert settings(unit, "RestartPreventExitStatus") == ["2"]


def test_only_those_who_sign_are_handed_the_passphrase() -> None:
    handed = {unit.stem: settings(unit, "LoadCredential") for unit in SERVICES}

    credential = ["bakehouse-passphrase:/etc/bakehouse/passphrase"]
    assert handed.pop("bakehouse") == handed.pop("bakehouse-worker@") == credential
    assert set(map(tuple, handed.values())) == {()}


@where_systemd_is
def test_systemd_finds_no_fault_with_them(installed: Path) -> None:
    units = sorted(map(str, installed.iterdir()))

    done = _analyze("verify", *units)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@where_systemd_is
def test_systemd_would_find_a_fault(installed: Path) -> None:
    unit = installed / "bakehouse.service"
    unit.write_text(unit.read_text().replace("NoNewPrivileges", "NoNewPrivilege"))

    assert "NoNewPrivilege" in _analyze("verify", str(unit)).stderr


@where_systemd_is
@by_name
def test_a_unit_is_shut_in(installed: Path, unit: Path) -> None:
    threshold = f"--threshold={EXPOSURE_MAX}"

    done = _analyze("security", "--offline=true", threshold, str(installed / unit.name))

    assert done.returncode == 0, done.stdout


def _analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - a program of the system
        ["systemd-analyze", *arguments],  # noqa: S607 - same
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "SYSTEMD_COLORS": "0"},
    )
