"""The catalogue of settings: complete, in words, and held against the baker it describes."""

import pytest

from bakehouse.errors import SettingError
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.setting import Group, Kind, Setting
from bakehouse.ledger.setting_catalogue import CATALOGUE
from bakehouse.payments.baker_settings import document_name
from bakehouse.web.api.bakers import BakerView, SettingsBody
from bakehouse.web.pages.setting_fields import FIELDS

NOVICE = Baker(baker_id="tz1-new", network="NetX", payout_address="tz1-pay", first_cycle=700)


def in_documents() -> set[str]:
    return {document_name(each) for each in CATALOGUE.values()}


@pytest.mark.parametrize("setting", CATALOGUE.values(), ids=CATALOGUE.keys())
def test_a_setting_is_told_in_sentences_and_its_default_is_in_its_range(setting: Setting) -> None:
    assert setting.label[0].isupper()
    assert setting.meaning.endswith(".")
    assert (setting.kind is Kind.CHOICE) is (setting.choices is not None)
    setting.check(getattr(NOVICE, setting.name))


def test_settings_stand_in_the_order_of_their_groups() -> None:
    groups = [setting.group for setting in CATALOGUE.values()]

    assert groups == sorted(groups, key=list(Group).index)


def test_the_interface_for_programs_and_the_page_have_every_setting() -> None:
    assert set(BakerView.model_fields) == in_documents() | {"baker_id", "network"}
    # Mode has a route and a page of its own; why something is changed is no setting.
    assert set(SettingsBody.model_fields) == (in_documents() - {"mode"}) | {"why"}
    assert set(FIELDS) == {name for name, each in CATALOGUE.items() if not each.is_apart}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("share_block_fees", 1, "share_block_fees must be yes or no, not 1"),
        ("update_freq", True, "update_freq must be a whole number from 1 to 10080, not True"),
        ("alias", 7, "alias must be a text, not 7"),
        ("payout_address", None, "payout_address must be an address that holds a key, not None"),
    ],
)
def test_a_value_of_another_kind_is_refused(name: str, value: object, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        CATALOGUE[name].check(value)
