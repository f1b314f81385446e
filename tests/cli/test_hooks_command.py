"""`bakehouse hooks …` and `bakehouse announcements …`: entered, tried, switched and listed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerts.webhook import free_port
from tests.cli.bakers_desk import BAKER, BOB, Desk, open_desk
from tests.hooks.programs import GO, NO_CHANGES, program


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        opened.register()
        yield opened


def test_a_program_is_entered_tried_switched_and_removed(desk: Desk) -> None:
    assert desk.done("hooks", "list", BAKER) == "no hooks: nothing is asked or told\n"
    answers = f'[ "$BAKEHOUSE_HOOK_POINT" = plan-made ] && {NO_CHANGES} || {GO}'
    path = program(desk.folder, answers)

    entered = desk.done(
        *("hooks", "add", BAKER, "limits", "--at", "before-paying", "--at", "plan-made"),
        *("--program", path, "--arg", "--strict", "--seconds", "5"),
    )

    line = f"limits  program  before-paying, plan-made  {path} --strict  5 s"
    assert entered == f"{line}\n" == desk.done("hooks", "list", BAKER)
    assert desk.done("hooks", "test", BAKER, "limits") == (
        "plan-made: proposes 0 adjustments\nbefore-paying: lets it be paid\n"
    )
    assert desk.done("hooks", "off", BAKER, "limits") == f"{line}  off\n"
    assert desk.done("hooks", "on", BAKER, "limits") == f"{line}\n"
    [hook] = json.loads(desk.done("hooks", "list", BAKER, "--json"))["hooks"]
    assert (hook["name"], hook["kind"], hook["enabled"]) == ("limits", "program", True)
    assert desk.done("hooks", "remove", BAKER, "limits") == "the hook limits is gone\n"
    assert desk.refused(2, "hooks", "test", BAKER, "limits") == (
        f"the baker {BAKER} has no hook 'limits'"
    )


def test_a_program_that_prints_junk_fails_its_test(desk: Desk) -> None:
    path = program(desk.folder, "echo OK")
    desk.done("hooks", "add", BAKER, "junk", "--at", "before-paying", "--program", path)

    code, out, err = desk.run("hooks", "test", BAKER, "junk")

    assert (code, err) == (1, "")
    assert out.startswith("before-paying: its answer cannot be read: it is not JSON")


def test_the_secret_of_a_webhook_is_printed_once_and_stored_sealed(desk: Desk) -> None:
    url = f"http://127.0.0.1:{free_port()}/hook"

    out = desk.done("hooks", "add", BAKER, "told", "--at", "paid", "--url", url, "--json")

    secret = json.loads(out)["secret"]
    assert secret.startswith("whsec_")
    assert secret not in repr(desk.rows())
    assert "whsec_" not in desk.done("hooks", "list", BAKER)
    code, said, _ = desk.run("hooks", "test", BAKER, "told")
    assert (code, said.startswith("paid: it cannot be reached")) == (1, True)
    assert desk.refused(1, "hooks", "add", BAKER, "told", "--at", "held", "--url", url) == (
        "there is a hook 'told' already: choose another name"
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--program", "limits.sh"), "by its whole path"),
        (("--program", "/nowhere"), "cannot be run"),
        (("--url", "http://example.com/"), "begins with https"),
        (("--url", "https://example.com/", "--program", "/bin/sh"), "name one of them"),
        ((), "name one of them"),
        (("--program", "/bin/sh", "--seconds", "61"), "within 1 to 60 seconds"),
    ],
)
def test_what_cannot_be_called_is_refused(
    desk: Desk, options: tuple[str, ...], complaint: str
) -> None:
    said = desk.refused(2, "hooks", "add", BAKER, "x", "--at", "paid", *options)

    assert complaint in said
    assert "no baker" in desk.refused(2, "hooks", "list", BOB)
    for name in ("a/b", "..", " ", "a\nb", "x" * 101):
        said = desk.refused(2, "hooks", "add", BAKER, name, "--at", "paid", "--program", "/bin/sh")
        assert said.startswith("a hook's name")


def test_announcements_are_off_until_they_are_set_and_shown_as_they_would_read(desk: Desk) -> None:
    assert desk.done("announcements", "show", BAKER).startswith("announcing is off\n")

    desk.done(
        "announcements", "set", BAKER, "--on", "--text", "{amount} tez", "--link", "https://b"
    )

    shown = json.loads(desk.done("announcements", "show", BAKER, "--json"))
    assert shown == {
        "enabled": True,
        "title": "Cycle {cycle} is paid",
        "body": "{amount} tez",
        "link": "https://b",
    }
    assert desk.done("announcements", "preview", BAKER) == "Cycle 1336 is paid\n28.056046 tez\n"
    text = desk.write("text", "for {delegators}, see {link}\n")
    desk.done("announcements", "set", BAKER, "--text-file", str(text))
    assert desk.done("announcements", "preview", BAKER).endswith("for 42, see https://b\n")
    assert desk.done("announcements", "list", BAKER) == "nothing was said yet\n"


def test_a_template_with_an_unknown_field_is_refused_with_those_there_are(desk: Desk) -> None:
    said = desk.refused(2, "announcements", "set", BAKER, "--on", "--title", "{cylce}")

    assert said == (
        "the title names an unknown field {cylce}: the fields are {amount}, {baker}, {address}, "
        "{cycle}, {delegators}, {link}"
    )
    assert "no link is set" in desk.refused(2, "announcements", "set", BAKER, "--text", "{link}")


def test_a_test_goes_to_a_channel_that_is_for_announcements(desk: Desk) -> None:
    desk.write("url", f"json://127.0.0.1:{free_port()}/")
    file = str(desk.folder / "url")
    listed = desk.done("alerts", "add", "wall", "--for", "announcements", "--url-file", file)
    desk.done("alerts", "add", "phone", "--url-file", file)

    assert listed == "wall  json://…  announcements  all bakers\n"
    assert desk.run("announcements", "test", BAKER, "wall") == (
        1,
        "wall: not delivered: the service cannot be reached\n",
        "",
    )
    assert "not for announcements" in desk.refused(1, "announcements", "test", BAKER, "phone")
    both = desk.done("alerts", "set", "phone", "--for", "both")
    assert "warning and worse  all codes  announcements" in both
    assert desk.refused(2, "announcements", "again", "9", "--why", "x") == (
        "there is no announcement 9"
    )
