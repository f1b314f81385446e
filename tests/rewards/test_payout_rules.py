"""Rules that contradict themselves or each other are refused, with what to do about it."""

from typing import Any

import pytest

from bakehouse.errors import SettingError
from bakehouse.rewards.money import NO_SHARE, BasisPoints, Mutez
from bakehouse.rewards.payout_rules import DelegatorRule, ExcludedShare, IncomeShare, PayoutRules

HALF = BasisPoints(5_000)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"default_fee": 10_001}, "a fee of 10001 basis points is outside 0 to 10000"),
        ({"fees": {"d": -1}}, "a fee of -1 basis points"),
        ({"minimum_payout": -1}, "a minimum payout of -1 mutez is negative"),
        ({"minimum_fee_multiple": -1}, "minimum_fee_multiple -1 is negative"),
        ({"payout_interval": 0}, "a payout interval of 0 cycles is less than 1"),
        ({"payout_interval": 3, "interval_offset": 3}, "must be from 0 to below .* of 3"),
        ({"interval_offset": -1}, "interval_offset -1"),
        ({"minimum_balance": -1}, "a minimum of -1 mutez"),
        ({"maximum_balance": 0}, "is to count up to 0 mutez"),
        ({"minimum_balance": 10, "maximum_balance": 9}, "below the minimum of 10"),
        (
            {
                "minimum_balance": 10,
                "delegators": {"d": DelegatorRule(maximum_balance=Mutez(9))},
            },
            "the balance of d is to count up to 9 mutez, which is below the minimum of 10",
        ),
        (
            {
                "maximum_balance": 10,
                "delegators": {"d": DelegatorRule(minimum_balance=Mutez(11))},
            },
            "the balance of d is to count up to 10 mutez",
        ),
        ({"income": (IncomeShare("a", HALF), IncomeShare("a", HALF))}, "twice among the income"),
        (
            {"income": (IncomeShare("a", HALF), IncomeShare("b", BasisPoints(5_001)))},
            "the shares of_bonds must be .* 100 % at most together",
        ),
        (
            {"income": (IncomeShare("a", of_fees=BasisPoints(10_001)),)},
            "the shares of_fees must be",
        ),
        ({"income": (IncomeShare("a", of_bonds=BasisPoints(-1)),)}, "the shares of_bonds must be"),
        ({"excluded_share": ExcludedShare.NAMED}, "do not add up to 100 %"),
        (
            {
                "below_minimum_share": ExcludedShare.NAMED,
                "income": (IncomeShare("a", of_excluded=HALF),),
            },
            "set them, or let the share go to the baker or to everyone",
        ),
        (
            {"delegators": {"d": DelegatorRule(excluded_share=ExcludedShare.NAMED)}},
            "do not add up to 100 %",
        ),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        PayoutRules(**{"default_fee": NO_SHARE, **settings})


@pytest.mark.parametrize(
    "settings",
    [
        {"minimum_balance": 10, "maximum_balance": 10},
        {"payout_interval": 3, "interval_offset": 2},
        {"income": (IncomeShare("a", HALF, HALF, HALF), IncomeShare("b", HALF, HALF, HALF))},
        {
            "minimum_balance": 10,
            "delegators": {
                "d": DelegatorRule(minimum_balance=Mutez(0), maximum_balance=Mutez(9)),
            },
        },
    ],
)
def test_what_is_just_within_bounds_is_taken(settings: dict[str, Any]) -> None:
    PayoutRules(NO_SHARE, **settings)
