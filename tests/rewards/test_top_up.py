"""How much tops a wallet up: to its target, within the day's cap, and never for a trifle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.rewards.money import Mutez
from bakehouse.rewards.top_up import is_low, top_up_amount

amounts = st.integers(min_value=0, max_value=10**15).map(Mutez)


@pytest.mark.parametrize(
    ("balance", "owed", "spent", "expected"),
    [
        (10, 0, 0, 90),
        (89, 0, 0, 11),
        (90, 0, 0, 0),
        (95, 99, 0, 5),
        (95, 95, 0, 0),
        # What is owed beyond the target is for a person to bring.
        (100, 500, 0, 0),
        (95, 500, 0, 5),
        (0, 0, 50, 70),
        (0, 0, 120, 0),
        # A cap that was lowered after more was spent.
        (0, 0, 300, 0),
        (500, 0, 0, 0),
    ],
)
def test_examples_with_a_target_of_100_and_a_cap_of_120(
    balance: int, owed: int, spent: int, expected: int
) -> None:
    amount = top_up_amount(
        Mutez(balance), target=Mutez(100), owed=Mutez(owed), spent=Mutez(spent), cap=Mutez(120)
    )

    assert amount == expected


@given(balance=amounts, target=amounts, owed=amounts, spent=amounts, cap=amounts)
def test_neither_target_nor_cap_is_ever_passed(
    balance: Mutez, target: Mutez, owed: Mutez, spent: Mutez, cap: Mutez
) -> None:
    amount = top_up_amount(balance, target=target, owed=owed, spent=spent, cap=cap)

    assert amount >= 0
    assert amount == 0 or balance + amount <= target
    assert amount == 0 or spent + amount <= cap
    assert amount == 0 or is_low(balance, target, owed)
