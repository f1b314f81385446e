"""A baker's settings as people write them."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.errors import AddressError, InputError, PercentageError, SettingError
from bakehouse.ledger.bakers import SETTINGS, Baker
from bakehouse.ledger.states import Mode
from bakehouse.payments import baker_settings
from bakehouse.payments.baker_settings import parse_assignments, parse_settings

ADDRESS = "tz1RCFbB9GpALpsZtu6J58sb74dm8qe6XBzv"

WRITTEN: dict[str, tuple[str, Any]] = {
    "mode": ("on", Mode.ON),
    "payout_address": (ADDRESS, ADDRESS),
    "default_fee": ("9.95", 995),
    "first_cycle": ("750", 750),
    "payout_delay_cycles": ("0", 0),
    "share_block_fees": ("yes", True),
    "minimum_payout": ("100000", 100_000),
    "update_freq": ("15", 15),
    "payment_retries": ("3", 3),
    "minutes_between_retries": ("2", 2),
    "num_blocks_wait": ("4", 4),
    "bond_pool_enabled": ("no", False),
    "scheduled": ("off", False),
    "alias": ("Bake Nug", "Bake Nug"),
}


def test_exactly_the_settings_that_the_ledger_can_change_can_be_written() -> None:
    assert set(baker_settings._PARSERS) == set(SETTINGS) == set(WRITTEN)


@pytest.mark.parametrize(("name", "expected"), WRITTEN.items(), ids=WRITTEN.keys())
def test_a_setting_is_typed_by_its_name_and_fits_a_baker(
    name: str, expected: tuple[str, Any]
) -> None:
    text, value = expected

    parsed = parse_settings({name: f" {text} "})

    assert parsed == {name: value}
    assert type(parsed[name]) is type(value)
    needed = {"baker_id": ADDRESS, "network": "NetX", "payout_address": ADDRESS, "first_cycle": 1}
    assert getattr(Baker(**{**needed, **parsed}), name) == value


def test_an_alias_of_nothing_takes_the_name_away() -> None:
    assert parse_settings({"alias": ""}) == {"alias": None}


@pytest.mark.parametrize("text", ["yes", "true", "on", "YES", "True"])
def test_there_are_several_words_for_yes(text: str) -> None:
    assert parse_settings({"scheduled": text}) == {"scheduled": True}


@pytest.mark.parametrize("text", ["no", "false", "off", "No", "FALSE"])
def test_there_are_several_words_for_no(text: str) -> None:
    assert parse_settings({"scheduled": text}) == {"scheduled": False}


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("update_freq", "ten", SettingError),
        ("update_freq", "", SettingError),
        ("update_freq", "-1", SettingError),
        ("update_freq", "1.5", SettingError),
        ("update_freq", "1_0", SettingError),
        ("update_freq", "٣", SettingError),
        ("update_freq", "9" * 5_000, SettingError),
        ("minimum_payout", "0.1", SettingError),
        ("scheduled", "maybe", SettingError),
        ("scheduled", "", SettingError),
        ("mode", "live", SettingError),
        ("mode", "ON", SettingError),
        ("mode", "", SettingError),
        ("default_fee", "100.01", PercentageError),
        ("default_fee", "-1", PercentageError),
        ("default_fee", "9.955", PercentageError),
        ("default_fee", "9,5", PercentageError),
        ("default_fee", "", PercentageError),
        ("payout_address", ADDRESS[:-1], AddressError),
        ("payout_address", ADDRESS[:-1] + "w", AddressError),
        ("payout_address", "KT1TxqZ8QtKvLu3V3JH7Gx58n7Co8pgtpQU5", AddressError),
        ("payout_address", "", AddressError),
    ],
)
def test_a_value_that_is_none_is_refused_in_one_sentence(
    name: str, text: str, error: type[InputError]
) -> None:
    with pytest.raises(error) as refused:
        parse_settings({name: text})

    assert "\n" not in refused.value.message
    assert len(refused.value.message) < 300
    if error is SettingError:
        assert refused.value.message.startswith(f"{name}: ")


@pytest.mark.parametrize(
    "name", ["update_frequency", "MODE", "baker_id", "network", "", "__class__"]
)
def test_an_unknown_setting_is_refused_with_the_list_of_those_there_are(name: str) -> None:
    with pytest.raises(SettingError) as refused:
        parse_settings({name: "1"})

    assert refused.value.message == (
        f"unknown setting {name!r}: the settings are {', '.join(sorted(SETTINGS))}"
    )


def test_assignments_are_split_at_their_first_equals_sign() -> None:
    assert parse_assignments(["mode=on", "alias=a=b", "alias2="]) == {
        "mode": "on",
        "alias": "a=b",
        "alias2": "",
    }
    assert parse_assignments([]) == {}


@pytest.mark.parametrize("assignment", ["mode", "=on", "", "mode:on"])
def test_what_assigns_nothing_is_refused(assignment: str) -> None:
    with pytest.raises(SettingError, match="is not a setting: write name=value"):
        parse_assignments(["alias=x", assignment])


def test_a_setting_given_twice_is_refused_as_nobody_knows_which_is_meant() -> None:
    with pytest.raises(SettingError, match=r"^mode is set twice$"):
        parse_assignments(["mode=on", "mode=off"])


@given(st.sampled_from(sorted(SETTINGS)), st.text(max_size=40))
def test_any_text_is_a_value_or_a_mistake_that_is_told(name: str, text: str) -> None:
    with suppress(InputError):
        assert set(parse_settings({name: text})) == {name}
