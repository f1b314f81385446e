"""`bakehouse user …` and `bakehouse token …`: accounts made from the machine itself."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bakehouse.ledger import api_tokens, audit, users
from bakehouse.ledger.roles import Grant, Role
from tests.cli.bakers_desk import BAKER, Desk, open_desk


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        opened.done("baker", "add", BAKER, "first_cycle=750")
        yield opened


def code_of(link: str) -> str:
    return link.strip().partition("?code=")[2]


def test_a_user_is_added_with_a_link_to_choose_a_password(desk: Desk) -> None:
    out = desk.done(
        "user", "add", "Anna", "--role", "operator", "--bakers", BAKER, "--url", "https://b/"
    )

    assert out.startswith("https://b/welcome?code=")
    link = desk.read(lambda tx: users.find_link(tx, code_of(out), at=datetime.now(UTC)))
    assert link is not None
    assert link.user is not None
    assert link.user.grant == Grant(Role.OPERATOR, frozenset({BAKER}))
    assert not link.user.has_password
    later = datetime.now(UTC) + timedelta(days=1, minutes=1)
    assert desk.read(lambda tx: users.find_link(tx, code_of(out), at=later)) is None


def test_a_new_link_ends_the_one_before(desk: Desk) -> None:
    first, second = desk.done("user", "add", "anna"), desk.done("user", "link", "ANNA")
    now = datetime.now(UTC)

    assert desk.read(lambda tx: users.find_link(tx, code_of(first), at=now)) is None
    assert desk.read(lambda tx: users.find_link(tx, code_of(second), at=now)) is not None


def test_users_are_changed_shut_out_and_listed(desk: Desk) -> None:
    desk.done("user", "add", "anna")
    desk.done("user", "set", "anna", "--role", "administrator")
    desk.done("user", "disable", "anna")

    (listed,) = json.loads(desk.done("user", "list", "--json"))
    assert listed == {
        "name": "anna",
        "role": "administrator",
        "bakers": "all",
        "has_password": False,
        "disabled": True,
    }
    events = desk.read(audit.latest)
    assert [each.action for each in events][:3] == ["user.disabled", "user.changed", "user.added"]
    assert all(each.actor.startswith("cli:") for each in events)


def test_a_token_is_printed_once_and_ended(desk: Desk) -> None:
    token = desk.done("token", "new", "grafana", "--days", "30").strip()
    now = datetime.now(UTC)
    found = desk.read(lambda tx: api_tokens.find(tx, token, at=now))
    assert found is not None
    assert found.grant == Grant(Role.VIEWER)
    assert found.expires_at is not None
    assert token not in desk.done("token", "list")

    desk.done("token", "revoke", str(found.id))
    assert desk.read(lambda tx: api_tokens.find(tx, token, at=now)) is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("user", "add", "anna", "--bakers", "tz1nobody"), "tz1nobody"),
        (("user", "add", " "), "a name is"),
        (("user", "link", "nobody"), "no user 'nobody'"),
        (("token", "revoke", "7"), "no token 7"),
        (("user", "add", "anna", "--role", "king"), "king"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    desk: Desk, arguments: tuple[str, ...], words: str
) -> None:
    assert words in desk.refused(2, *arguments)
