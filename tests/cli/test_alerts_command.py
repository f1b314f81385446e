"""`bakehouse alerts …`: what deserves attention, seen and acknowledged; channels managed."""

import asyncio
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bakehouse.ledger import alerts
from bakehouse.ledger.database import Ledger
from tests.alerts.webhook import PASSWORD, TOKEN, Webhook, free_port
from tests.cli.bakers_desk import ANN, BAKER, Desk, open_desk
from tests.cli.terminal import Terminal

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        opened.register()
        yield opened


@pytest.fixture
def hook(desk: Desk) -> Webhook:
    """A webhook whose URL is in the file `hook.url`."""
    webhook = Webhook(free_port())
    desk.write("hook.url", f"{webhook.url}\n")
    return webhook


def raise_two(desk: Desk) -> None:
    """An alert that is open (1), and one that is closed (2)."""

    async def enter() -> None:
        ledger = await Ledger.open(f"sqlite:///{desk.ledger_file}")
        async with ledger.write() as tx:
            for code, subject in (("wallet-low", "a"), ("balance-unknown", "b")):
                await alerts.raise_alert(
                    tx, code=code, subject=subject, message="5 tez\nleft", at=NOW, baker_id=BAKER
                )
            await alerts.close(tx, code="balance-unknown", subject="b", at=NOW)
        await ledger.close()

    asyncio.run(enter())


def add(desk: Desk, *options: str) -> str:
    return desk.done("alerts", "add", "hook", "--url-file", str(desk.folder / "hook.url"), *options)


def test_open_alerts_are_listed_one_a_line(desk: Desk) -> None:
    assert desk.done("alerts", "list") == "no open alerts\n"
    raise_two(desk)

    assert desk.done("alerts", "list") == (
        f"1  critical  open  2026-11-24 12:30  wallet-low  {BAKER}: 5 tez left\n"
    )
    assert desk.done("alerts", "list", "--all").count("\n") == 2
    assert desk.done("alerts", "list", "--all", "--limit", "1").startswith("2  warning  closed")
    assert desk.done("alerts", "list", "--baker", ANN) == "no open alerts\n"


def test_programs_get_the_objects_of_the_api(desk: Desk) -> None:
    raise_two(desk)

    [alert] = json.loads(desk.done("alerts", "list", "--json"))

    assert (alert["id"], alert["severity"], alert["message"]) == (1, "critical", "5 tez\nleft")
    assert json.loads(desk.done("alerts", "acknowledge", "1", "--json"))["acknowledged_by"]


def test_an_alert_is_acknowledged_by_whoever_runs_the_command(desk: Desk) -> None:
    raise_two(desk)

    assert desk.done("alerts", "acknowledge", "1").startswith("alert 1 was acknowledged by cli:")

    assert "  acknowledged  " in desk.done("alerts", "list")
    assert desk.refused(1, "alerts", "acknowledge", "2") == (
        "alert 2 is closed: there is nothing left to acknowledge"
    )
    assert desk.refused(2, "alerts", "acknowledge", "9") == "there is no alert 9"


def test_a_channel_is_entered_from_a_file_and_shown_without_its_secrets(
    desk: Desk, hook: Webhook
) -> None:
    assert desk.done("alerts", "channels").startswith("no channels")

    out = add(desk, "--least", "critical", "--code", "wallet-low", "--bakers", BAKER)
    listing = desk.done("alerts", "channels")

    assert out == listing == f"hook  json://…hook  critical and worse  wallet-low  {BAKER}\n"
    [channel] = json.loads(desk.done("alerts", "channels", "--json"))
    assert channel["url"] == "json://…hook"
    assert PASSWORD not in repr(desk.rows())
    assert (desk.folder / "data" / "secret.key").stat().st_mode & 0o777 == 0o600


def test_a_change_leaves_what_it_does_not_name(desk: Desk, hook: Webhook) -> None:
    add(desk, "--least", "critical", "--bakers", BAKER)

    desk.done("alerts", "set", "hook", "--off")
    desk.done("alerts", "set", "hook", "--code", "go-needed", "--code", "wallet-low")

    [channel] = json.loads(desk.done("alerts", "channels", "--json"))
    assert (channel["severity_min"], channel["baker_ids"]) == ("critical", [BAKER])
    assert (channel["enabled"], channel["codes"]) == (False, ["go-needed", "wallet-low"])
    desk.done("alerts", "set", "hook", "--on", "--bakers", "all")
    [channel] = json.loads(desk.done("alerts", "channels", "--json"))
    assert (channel["enabled"], channel["baker_ids"]) == (True, None)
    assert channel["url"] == "json://…hook"


def test_a_removed_channel_is_gone(desk: Desk, hook: Webhook) -> None:
    add(desk)

    assert desk.done("alerts", "remove", "hook") == "the channel hook is gone\n"

    for command in (("remove",), ("test",), ("set",)):
        assert desk.refused(2, "alerts", *command, "hook") == "there is no channel 'hook'"


def test_a_test_ends_with_what_came_of_it(desk: Desk, hook: Webhook) -> None:
    add(desk)

    assert desk.run("alerts", "test", "hook") == (
        1,
        "hook: not delivered: the service cannot be reached\n",
        "",
    )
    code, out, _ = desk.run("alerts", "test", "hook", "--json")
    assert (code, json.loads(out)["sent"]) == (1, False)

    async def try_it() -> tuple[int, str, str]:
        async with hook.up():
            return await asyncio.to_thread(desk.run, "alerts", "test", "hook")

    assert asyncio.run(try_it()) == (0, "hook: the message was taken\n", "")
    assert hook.titles == ["Bakehouse: a test"]


def test_a_bad_url_is_refused_without_being_repeated(desk: Desk) -> None:
    bad = desk.write("bad.url", "nosuch://hunter2hunter2")

    said = desk.refused(2, "alerts", "add", "x", "--url-file", str(bad))

    assert said.startswith("Apprise knows no service nosuch://")
    assert "hunter2" not in said
    assert "cannot read" in desk.refused(2, "alerts", "add", "x", "--url-file", "/nowhere")


def test_a_url_that_is_typed_is_not_echoed(desk: Desk, hook: Webhook) -> None:
    environment = {"BAKEHOUSE_DATA_DIR": os.environ["BAKEHOUSE_DATA_DIR"]}
    with Terminal(["alerts", "add", "typed"], environment) as terminal:
        terminal.answer_unseen("Apprise URL:", f"{hook.url}\n")
        seen = terminal.end()

    assert seen.code == 0, seen.screen
    assert "typed  json://…hook" in seen.screen
    assert PASSWORD not in seen.screen
    assert TOKEN not in seen.screen
