"""The command around the commands: version, help, and what it imports."""

import subprocess
import sys

import pytest

from bakehouse import __version__
from bakehouse.cli import main
from bakehouse.cli.application import COMMANDS


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0

    assert capsys.readouterr() == (f"bakehouse {__version__}\n", "")


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"]])
def test_without_a_command_help_is_printed(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(arguments) == 0

    output = capsys.readouterr()
    assert "Usage: bakehouse" in output.out
    assert output.err == ""


def test_a_group_of_commands_without_one_prints_its_help_and_exits_with_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["key"]) == 2

    output = capsys.readouterr()
    assert "Usage: bakehouse key" in output.out
    assert output.err == ""


def test_help_of_a_command_names_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--help"]) == 0

    help_text = capsys.readouterr().out
    for option in ("--split", "--baker", "--fee", "--fees", "--share-block-fees", "--json"):
        assert option in help_text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_that_the_help_names_has_help_of_its_own(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert main([name, "--help"]) == 0

    assert f"Usage: bakehouse {name}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--help"], ["plan", "--split", "absent.json"]])
def test_help_and_planning_import_nothing_of_the_network_the_database_or_the_web(
    arguments: list[str],
) -> None:
    """What keeps the start quick; told by modules, as clocks lie on a busy machine."""
    program = (
        f"import sys; from bakehouse.cli import main; main({arguments!r}); "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )

    finished = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    imported = set(finished.stdout.split("\n")[-2].split())
    assert "bakehouse" in imported
    assert imported.isdisjoint({"fastapi", "sqlalchemy", "httpx2", "redis", "bullmq"})
