"""Switching a baker on at a terminal: a person types whose money it is; a script need not."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakehouse.ledger import bakers
from bakehouse.ledger.states import Mode
from tests.cli.bakers_desk import BAKER, Desk, open_desk
from tests.cli.terminal import Terminal

PROMPT = "to switch it on: "


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        opened.register("alias=Bake Nug")
        yield opened


def mode_of(desk: Desk) -> Mode:
    return desk.read(lambda tx: bakers.get(tx, BAKER)).mode


def environment() -> dict[str, str]:
    return {"BAKEHOUSE_DATA_DIR": os.environ["BAKEHOUSE_DATA_DIR"]}


@pytest.mark.parametrize("typed", ["Bake Nug", BAKER])
def test_the_alias_or_the_address_switches_it_on(desk: Desk, typed: str) -> None:
    with Terminal(["baker", "set", BAKER, "mode=on"], environment()) as terminal:
        terminal.answer(PROMPT, f"{typed}\n")
        seen = terminal.end()

    assert seen.code == 0, seen.screen
    assert mode_of(desk) is Mode.ON


def test_anything_else_changes_nothing(desk: Desk) -> None:
    with Terminal(["baker", "set", BAKER, "mode=on"], environment()) as terminal:
        terminal.answer(PROMPT, "yes\n")
        seen = terminal.end()

    assert seen.code == 1
    assert "that is not Bake Nug: nothing is changed" in seen.screen
    assert mode_of(desk) is Mode.SIMULATION


def test_scripts_are_not_asked(desk: Desk) -> None:
    desk.done("baker", "set", BAKER, "mode=on")
    assert mode_of(desk) is Mode.ON
    desk.done("baker", "set", BAKER, "mode=off")

    with Terminal(["baker", "set", BAKER, "mode=on", "--yes"], environment()) as terminal:
        assert terminal.end().code == 0

    assert mode_of(desk) is Mode.ON
