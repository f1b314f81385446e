"""Whatever a person writes for a setting: it fits a baker, or it is a mistake that is told."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.errors import AddressError, InputError, PercentageError, SettingError
from bakehouse.ledger.bakers import SETTINGS, Baker
from bakehouse.ledger.states import Mode
from bakehouse.payments.baker_settings import parse_settings

ADDRESS = "tz1RCFbB9GpALpsZtu6J58sb74dm8qe6XBzv"
NEEDED = {"baker_id": ADDRESS, "network": "NetX", "payout_address": ADDRESS, "first_cycle": 1}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("alias", "Bake = Nug", "Bake = Nug"),
        ("default_fee", "100", 10_000),
        ("default_fee", "0.01 %", 1),
        ("mode", "off", Mode.OFF),
        ("num_blocks_wait", "2", 2),
        ("payment_retries", "0", 0),
        ("scheduled", "FALSE", False),
        ("scheduled", "on", True),
    ],
)
def test_a_value_has_the_type_that_a_baker_takes(name: str, text: str, value: Any) -> None:
    parsed = parse_settings({name: f" {text} "})

    assert parsed == {name: value}
    assert type(parsed[name]) is type(value)
    assert getattr(Baker(**{**NEEDED, **parsed}), name) == value


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("update_freq", "", SettingError),
        ("update_freq", "1_0", SettingError),
        ("update_freq", "+1", SettingError),
        ("update_freq", "٣", SettingError),
        ("minimum_payout", "0.1", SettingError),
        ("mode", "", SettingError),
        ("mode", "live", SettingError),
        ("default_fee", "", PercentageError),
        ("default_fee", "-1", PercentageError),
        ("default_fee", "9,5", PercentageError),
        ("default_fee", "9.955", PercentageError),
        ("payout_address", "", AddressError),
        ("payout_address", ADDRESS[:-1], AddressError),
        ("payout_address", "KT1TxqZ8QtKvLu3V3JH7Gx58n7Co8pgtpQU5", AddressError),
    ],
)
def test_a_value_that_is_none_is_refused_in_one_sentence(
    name: str, text: str, error: type[InputError]
) -> None:
    with pytest.raises(error) as refused:
        parse_settings({name: text})

    assert "\n" not in refused.value.message
    assert len(refused.value.message) < 300


@given(st.sampled_from(sorted(SETTINGS)), st.text(max_size=40))
def test_any_text_is_a_value_or_a_mistake_that_is_told(name: str, text: str) -> None:
    with suppress(InputError):
        assert set(parse_settings({name: text})) == {name}
