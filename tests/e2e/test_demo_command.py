"""The first thing a newcomer runs: `bakehouse demo`."""

import json
import signal
from pathlib import Path

import pytest

from bakehouse.cli import main
from tests.e2e.command_line import Commands
from tests.fault_scale import some_of


async def test_the_demo_pays_its_first_cycle_in_full_and_says_so_in_json(
    commands: Commands,
) -> None:
    finished = await commands.run(
        "demo", "--exit-when-paid", "--json", "--delegators", "40", "--block-seconds", "0.2"
    )
    assert finished.code == 0, finished.err
    outcome = finished.document
    assert outcome["paid"] == outcome["delegators"] > 0
    assert outcome["total_mutez"] > 0
    assert outcome["fees_mutez"] > 0
    assert sum(each["count"] for each in outcome["operations"]) == outcome["paid"]
    assert all(each["hash"].startswith("o") and each["level"] > 0 for each in outcome["operations"])


@pytest.mark.conformance
@pytest.mark.parametrize("recorded", some_of(["trd-tz1fikAG-420.json", "trd-tz1NRGxX-750.json"]))
async def test_a_replayed_cycle_is_paid_exactly_as_its_plan_says(
    commands: Commands, chain_fixtures: Path, capsys: pytest.CaptureFixture[str], recorded: str
) -> None:
    split = str(chain_fixtures / "tzkt" / "rewards-split" / recorded)
    assert main(["plan", "--split", split, "--fee", "7.25", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    finished = await commands.run(
        *("demo", "--replay", split, "--fee", "7.25", "--block-seconds", "0.2"),
        *("--exit-when-paid", "--json"),
    )
    assert finished.code == 0, finished.err
    outcome = finished.document
    assert outcome["cycle"] == plan["cycle"]
    assert outcome["total_mutez"] == plan["total_net"]
    assert outcome["paid"] == outcome["delegators"] == len(plan["payouts"])


async def test_a_demo_that_is_stopped_leaves_nothing_running_and_only_its_log(
    commands: Commands,
) -> None:
    process = await commands.start("demo", "--port", "0", "--delegators", "3")
    assert process.stderr is not None
    greeting = await process.stderr.readline()
    assert b"http://localhost:" in greeting
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 0
    assert [path.name for path in commands.data_dir.iterdir()] == ["demo.log"]


@pytest.mark.parametrize(
    ("content", "code", "complaint"),
    [
        ("<html>busy</html>", 1, "not"),
        (json.dumps({"cycle": 5, "delegators": []}), 1, "split"),
        (None, 2, "cannot read"),
    ],
)
async def test_a_document_that_cannot_be_replayed_is_refused_in_one_line(
    commands: Commands, tmp_path: Path, content: str | None, code: int, complaint: str
) -> None:
    path = tmp_path / "split.json"
    if content is not None:
        path.write_text(content)
    finished = await commands.run("demo", "--replay", str(path), "--exit-when-paid", "--json")
    assert finished.code == code
    assert finished.out == ""
    assert finished.err.count("\n") == 1
    assert complaint in finished.err
