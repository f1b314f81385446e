"""Templates: known fields are filled in, anything else is refused as it is entered."""

from dataclasses import replace

import pytest

from bakehouse.alerts.announcement_text import (
    FIELDS,
    SAMPLE_CYCLE,
    check_settings,
    compose,
)
from bakehouse.errors import SettingError
from bakehouse.ledger.announcement_settings import AnnouncementSettings
from bakehouse.rewards.money import Mutez

EVERY_FIELD = " ".join(f"{{{name}}}" for name in FIELDS)


def test_the_default_words_say_what_was_paid() -> None:
    message = compose(AnnouncementSettings(), SAMPLE_CYCLE)

    assert message.title == "Cycle 1336 is paid"
    assert message.body == "Corner bakery has paid 28.056046 tez to 42 delegators for cycle 1336."


def test_every_field_can_be_named() -> None:
    settings = AnnouncementSettings(title="t", body=EVERY_FIELD, link="https://bakery.example/")

    assert compose(settings, replace(SAMPLE_CYCLE, alias=None, amount=Mutez(1))).body == (
        f"0.000001 {SAMPLE_CYCLE.baker_id} {SAMPLE_CYCLE.baker_id} 1336 42 https://bakery.example/"
    )


def test_what_looks_like_a_field_in_a_name_stays_what_it_is() -> None:
    named = replace(SAMPLE_CYCLE, alias="{amount} {0.__class__}")

    assert compose(AnnouncementSettings(body="{baker} {{cycle}}"), named).body == (
        "{amount} {0.__class__} {cycle}"
    )


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (
            "{amout} tez",
            "the text names an unknown field {amout}: the fields are {amount}, {baker}",
        ),
        ("{}", "unknown field {}"),
        ("{0}", "unknown field {0}"),
        ("{baker.__class__}", "unknown field {baker.__class__}"),
        ("{baker[0]}", r"unknown field {baker\[0\]}"),
        ("{amount:>1000000}", "unknown field {amount:>1000000}"),
        ("{amount!r}", "unknown field {amount!r}"),
        ("{amount:{cycle}}", "unknown field {amount:{cycle}}"),
        ("{amount", "a brace that stands alone"),
        ("amount}", "a brace that stands alone"),
        ("", "the text of an announcement is 1 to 2000 characters"),
        ("x" * 2_001, "the text of an announcement is 1 to 2000 characters"),
        ("see {link}", "names the field {link}, and no link is set"),
    ],
)
def test_another_text_is_refused_with_what_is_wrong(body: str, complaint: str) -> None:
    with pytest.raises(SettingError, match=complaint):
        check_settings(AnnouncementSettings(body=body))


@pytest.mark.parametrize("title", ["", "two\nlines", "{nope}", "x" * 201])
def test_another_title_is_refused(title: str) -> None:
    with pytest.raises(SettingError, match="title"):
        check_settings(AnnouncementSettings(title=title))


@pytest.mark.parametrize(
    "link", ["", "javascript:alert(1)", "ftp://x", "https://a b", "https://" + "x" * 500]
)
def test_a_link_that_leads_nowhere_is_refused(link: str) -> None:
    with pytest.raises(SettingError, match="the link is an address"):
        check_settings(AnnouncementSettings(link=link))
