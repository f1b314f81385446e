"""Percentages and amounts are read and written without losing a hundredth or a mutez."""

from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.errors import PercentageError
from bakehouse.rewards.money import (
    WHOLE,
    BasisPoints,
    Mutez,
    format_percentage,
    format_tez,
    parse_percentage,
    share_floor,
)

ANY_AMOUNT = st.integers(min_value=0, max_value=10**18)


def test_every_fee_with_two_decimals_is_read_exactly() -> None:
    for points in range(WHOLE + 1):
        whole, hundredths = divmod(points, 100)
        assert parse_percentage(f"{whole}.{hundredths:02d}") == points


def test_every_fee_is_written_in_the_shortest_form_and_read_back() -> None:
    for points in range(WHOLE + 1):
        written = format_percentage(BasisPoints(points))
        assert Decimal(written) * 100 == points
        assert "." not in written or not written.endswith(("0", "."))
        assert parse_percentage(written) == points


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("0", 0),
        ("10", 1000),
        ("9.9", 990),
        ("9.95", 995),
        ("0.01", 1),
        ("100", 10_000),
        ("100.00", 10_000),
        ("007", 700),
        (" 5 ", 500),
        ("5%", 500),
        ("5 %", 500),
    ],
)
def test_percentages_are_read_as_people_write_them(text: str, points: int) -> None:
    assert parse_percentage(text) == points


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "%",
        "-1",
        "+1",
        "-0",
        "100.01",
        "100.5",
        "101",
        "999",
        "1000",
        "10.123",
        "10.000",
        "1e1",
        "0x1",
        ".5",
        "5.",
        "5,5",
        "5%%",
        "1 0",
        "ten",
        "nan",
        "inf",
        "٣",
        "10\n20",
    ],
)
def test_what_is_not_a_percentage_from_0_to_100_is_refused(text: str) -> None:
    with pytest.raises(PercentageError) as refusal:
        parse_percentage(text)
    assert repr(text) in refusal.value.message
    assert "from 0 to 100" in refusal.value.message


@given(st.text())
def test_reading_a_percentage_gives_basis_points_or_one_refusal(text: str) -> None:
    try:
        points = parse_percentage(text)
    except PercentageError:
        return
    assert 0 <= points <= WHOLE


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (0, "0.000000"),
        (1, "0.000001"),
        (999_999, "0.999999"),
        (1_000_000, "1.000000"),
        (1_234_567_890, "1,234.567890"),
        (10**15, "1,000,000,000.000000"),
        (-1, "-0.000001"),
        (-1_500_000, "-1.500000"),
    ],
)
def test_mutez_are_written_as_tez_with_six_decimals(amount: int, written: str) -> None:
    assert format_tez(Mutez(amount)) == written


@given(st.integers(min_value=-(10**18), max_value=10**18))
def test_a_written_amount_says_every_mutez(amount: int) -> None:
    written = format_tez(Mutez(amount))
    assert Decimal(written.replace(",", "")) * 1_000_000 == amount
    assert len(written.partition(".")[2]) == 6


@given(amount=ANY_AMOUNT, part=ANY_AMOUNT, whole=st.integers(min_value=1, max_value=10**18))
def test_a_share_is_the_exact_fraction_rounded_down(amount: int, part: int, whole: int) -> None:
    assert share_floor(Mutez(amount), part, whole) == floor(Fraction(amount) * part / whole)


def test_a_share_of_10_to_the_15_mutez_is_exact() -> None:
    assert share_floor(Mutez(10**15), 10**15 - 1, 10**15) == 10**15 - 1
    assert share_floor(Mutez(10**15 + 1), 1, 3) == 333_333_333_333_333
