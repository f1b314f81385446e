"""Shares as they are shown add up to 100 %, and no one is off by more than a hundredth."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from bakehouse.rewards.money import WHOLE, Mutez
from bakehouse.rewards.shown_shares import shown_shares

AMOUNTS = st.lists(st.integers(0, 2**63 - 1).map(Mutez), max_size=50)


@given(AMOUNTS)
def test_they_add_up_and_are_nearly_exact(amounts: list[Mutez]) -> None:
    shares = shown_shares(amounts)

    total = sum(amounts)
    assert sum(shares) == (WHOLE if total else 0)
    for amount, share in zip(amounts, shares, strict=True):
        exact = Fraction(amount * WHOLE, total) if total else Fraction(0)
        assert abs(share - exact) < 1


def test_the_largest_remainders_are_lifted_and_the_first_of_equals() -> None:
    assert shown_shares([Mutez(1), Mutez(1), Mutez(1)]) == [3334, 3333, 3333]
    assert shown_shares([Mutez(1), Mutez(5)]) == [1667, 8333]
    assert shown_shares([Mutez(0), Mutez(7)]) == [0, 10_000]
