"""What a person reads: whom it is about, what happened, and what to do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bakehouse.alerts.codes import KINDS, AlertCode
from bakehouse.alerts.message import Tone, compose
from bakehouse.ledger.alerts import Alert
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.states import Telling
from tests.alerts.conftest import NOW

ALERT = Alert(
    id=7,
    baker_id="tz1-baker",
    code="wallet-low",
    subject="tz1-baker",
    message="5 tez are missing",
    raised_at=NOW,
    repeated_at=NOW + timedelta(hours=1),
    times=3,
)
BAKER = Baker(
    baker_id="tz1-baker", network="NetX", payout_address="tz1-p", first_cycle=1, alias="Corner"
)


def test_a_message_says_who_what_when_and_what_to_do() -> None:
    message = compose(ALERT, Telling.RAISED, BAKER)

    assert message.title == "[critical] The wallet will not cover the next cycle (Corner)"
    assert message.body == (
        "Baker: Corner (tz1-baker)\n"
        "5 tez are missing\n"
        "\n"
        "Raised at 2026-11-24 12:30 UTC.\n"
        "What to do: Move funds to the payout address before the cycle ends. Its QR code: "
        "`bakehouse wallet qr`, or the page of the wallet."
    )
    assert message.tone is Tone.FAILURE


def test_a_repeated_one_says_how_often_and_how_to_end_it() -> None:
    message = compose(ALERT, Telling.REPEATED, BAKER)

    assert message.title.startswith("[critical, again] ")
    assert "3 times" in message.body
    assert "acknowledge it" in message.body


def test_one_that_is_over_gives_nothing_to_do() -> None:
    message = compose(ALERT, Telling.CLOSED, BAKER)

    assert message.title.startswith("[over] ")
    assert "The cause is gone." in message.body
    assert "What to do" not in message.body
    assert message.tone is Tone.SUCCESS


def test_a_baker_without_an_alias_is_called_by_its_address() -> None:
    message = compose(ALERT, Telling.RAISED, replace(BAKER, alias=None))

    assert message.title.endswith("(tz1-baker)")
    assert message.body.startswith("Baker: tz1-baker\n")


def test_what_is_about_the_whole_house_names_no_baker() -> None:
    message = compose(replace(ALERT, baker_id=None, code="queue-failing"), Telling.RAISED, None)

    assert message.title.endswith("(Bakehouse)")
    assert "Baker:" not in message.body
    assert message.tone is Tone.WARNING


@pytest.mark.parametrize("code", AlertCode)
def test_every_code_can_be_told(code: AlertCode) -> None:
    message = compose(replace(ALERT, code=code.value), Telling.RAISED, BAKER)

    assert KINDS[code].title in message.title
    assert KINDS[code].advice in message.body


def test_a_message_that_never_ends_is_cut() -> None:
    assert len(compose(replace(ALERT, message="x" * 10**6), Telling.RAISED, BAKER).body) < 3_000
