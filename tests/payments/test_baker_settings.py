"""Settings as people write them: typed by name, and each mistake told in a sentence."""

import pytest

from bakehouse.errors import AddressError, PercentageError, SettingError
from bakehouse.ledger.bakers import SETTINGS
from bakehouse.ledger.states import Mode
from bakehouse.payments.baker_settings import parse_assignments, parse_settings
from bakehouse.rewards.payout_rules import CostBearer, ExcludedShare, Leavers, RewardBasis, Rounding

ADDRESS = "tz1Ve3MiHQax9ipPLi5y7DAysjKrsmPB3YzA"

EVERY_SETTING = {
    "alias": ("my bakery", "my bakery"),
    "bond_pool_enabled": ("yes", True),
    "confirm_first_cycle": ("no", False),
    "public_page": ("yes", True),
    "cycle_cap": ("none", None),
    "default_fee": ("9.95", 995),
    "first_cycle": ("750", 750),
    "funding_address": (ADDRESS, ADDRESS),
    "target_balance": ("none", None),
    "top_up_cap": ("700", 700),
    "minimum_payout": ("1000000", 1_000_000),
    "minutes_between_retries": ("5", 5),
    "mode": ("on", Mode.ON),
    "num_blocks_wait": ("4", 4),
    "payment_retries": ("0", 0),
    "payout_address": (ADDRESS, ADDRESS),
    "payout_cap": ("5000000", 5_000_000),
    "payout_delay_cycles": ("1", 1),
    "scheduled": ("no", False),
    "share_block_fees": ("true", True),
    "update_freq": (" 10 ", 10),
    "share_block_rewards": ("no", False),
    "share_attestation_rewards": ("no", False),
    "share_dal_rewards": ("no", False),
    "share_nonce_rewards": ("no", False),
    "share_vdf_rewards": ("no", False),
    "share_denunciation_rewards": ("yes", True),
    "reward_basis": ("ideal", RewardBasis.IDEAL),
    "over_delegation_protection": ("yes", True),
    "rounding": ("fee-floor", Rounding.FEE_FLOOR),
    "transfer_fee_payer": ("delegator", CostBearer.DELEGATOR),
    "burn_payer": ("delegator", CostBearer.DELEGATOR),
    "minimum_balance": ("10000000", 10_000_000),
    "maximum_balance": ("none", None),
    "below_minimum_share": ("everyone", ExcludedShare.EVERYONE),
    "excluded_share": ("named", ExcludedShare.NAMED),
    "only_allowed": ("yes", True),
    "pay_emptied": ("no", False),
    "contract_cost_cap": ("100000", 100_000),
    "minimum_fee_multiple": ("2", 2),
    "leavers": ("pay", Leavers.PAY),
    "payout_interval": ("3", 3),
    "interval_offset": ("2", 2),
    "delay_blocks_least": ("500", 500),
    "delay_blocks_most": ("1500", 1_500),
}


def test_every_setting_of_a_baker_can_be_written() -> None:
    texts = {name: text for name, (text, _) in EVERY_SETTING.items()}

    assert parse_settings(texts) == {name: value for name, (_, value) in EVERY_SETTING.items()}
    assert set(texts) == set(SETTINGS)


def test_an_empty_alias_takes_the_alias_away() -> None:
    assert parse_settings({"alias": " "}) == {"alias": None}


@pytest.mark.parametrize("text", ["on", "ON", "yes", "True"])
def test_yes_is_written_in_several_ways(text: str) -> None:
    assert parse_settings({"bond_pool_enabled": text}) == {"bond_pool_enabled": True}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("first_cycle", "-1", "first_cycle: '-1' is not a whole number of 0 or more"),
        ("first_cycle", "²", "first_cycle: '²' is not a whole number of 0 or more"),
        ("update_freq", "1.5", "update_freq: '1.5' is not a whole number of 0 or more"),
        ("update_freq", "9" * 5_000, "update_freq: "),
        ("minimum_payout", "", "minimum_payout: '' is not a whole number of 0 or more"),
        ("scheduled", "maybe", "scheduled: 'maybe' is neither yes nor no"),
        ("mode", "ON", "mode: 'ON' is no mode: choose one of off, simulation, on"),
        ("fee", "5", "unknown setting 'fee': the settings are alias, below_minimum_share"),
    ],
)
def test_a_setting_that_cannot_be_is_told_by_name(name: str, text: str, message: str) -> None:
    with pytest.raises(SettingError) as refused:
        parse_settings({name: text})

    assert refused.value.message.startswith(message)


def test_a_fee_above_everything_is_no_percentage() -> None:
    with pytest.raises(PercentageError, match=r"'100\.01' is not a percentage"):
        parse_settings({"default_fee": "100.01"})


def test_a_wallet_that_cannot_sign_is_no_payout_address() -> None:
    with pytest.raises(AddressError):
        parse_settings({"payout_address": "KT1XGwfe36DiA88ATY8dogM1TCJoeUhx64YE"})


def test_assignments_are_split_at_the_first_equals_sign() -> None:
    assert parse_assignments(["alias=a=b", "mode=on"]) == {"alias": "a=b", "mode": "on"}
    assert parse_assignments([]) == {}


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["mode"], "'mode' is not a setting: write name=value"),
        (["=on"], "'=on' is not a setting: write name=value"),
        (["mode=on", "mode=off"], "mode is set twice"),
    ],
)
def test_an_assignment_without_a_name_or_twice_made_is_refused(
    assignments: list[str], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        parse_assignments(assignments)
