"""Deductions take what is agreed, in order, and never make a payout negative."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.rewards.deduction import DeductedPart, OpenDeduction, by_recipient, deduct
from bakehouse.rewards.money import Mutez

amounts = st.integers(min_value=1, max_value=10**15).map(Mutez)


def of_one(*left: int) -> list[OpenDeduction]:
    return [OpenDeduction(number, "tz1", Mutez(each)) for number, each in enumerate(left, start=1)]


@pytest.mark.parametrize(
    ("net", "left", "remaining", "taken"),
    [
        (100, [], 100, []),
        (100, [30], 70, [30]),
        (100, [100], 0, [100]),
        (100, [250], 0, [100]),
        (100, [30, 90], 0, [30, 70]),
        (100, [100, 90], 0, [100]),
        (1, [1], 0, [1]),
    ],
)
def test_examples(net: int, left: list[int], remaining: int, taken: list[int]) -> None:
    found = deduct(Mutez(net), of_one(*left))

    assert found.remaining == remaining
    assert [part.amount for part in found.parts] == taken
    assert [part.deduction_id for part in found.parts] == list(range(1, len(taken) + 1))


@given(nets=st.lists(amounts, max_size=8), left=st.lists(amounts, max_size=5))
def test_over_cycles_exactly_what_was_agreed_is_taken_and_nothing_is_lost(
    nets: list[Mutez], left: list[Mutez]
) -> None:
    agreed = dict(zip(count(1), left, strict=False))
    taken = dict.fromkeys(agreed, 0)
    paid = 0
    for net in nets:
        open_ones = [
            OpenDeduction(number, "tz1", Mutez(amount - taken[number]))
            for number, amount in agreed.items()
        ]
        found = deduct(net, open_ones)
        assert found.remaining >= 0
        assert found.remaining + found.deducted == net
        assert all(part.amount > 0 for part in found.parts)
        for part in found.parts:
            taken[part.deduction_id] += part.amount
        paid += found.remaining
    assert all(taken[number] <= amount for number, amount in agreed.items())
    assert sum(taken.values()) == min(sum(nets), sum(left))
    assert paid == sum(nets) - sum(taken.values())


def test_deductions_are_found_by_whom_they_are_taken_from_in_their_order() -> None:
    first, second = OpenDeduction(1, "a", Mutez(5)), OpenDeduction(2, "b", Mutez(6))
    third = OpenDeduction(3, "a", Mutez(7))

    assert by_recipient([first, second, third]) == {"a": [first, third], "b": [second]}
    assert DeductedPart(1, Mutez(5)) in deduct(Mutez(9), [first]).parts
