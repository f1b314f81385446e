"""Fees: never below what nodes take, to the nanotez, and hardly above."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.errors import SourceMalformedError
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.tezos.address import parse_address
from bakehouse.tezos.fees import FeeFilter, fees_for, minimum_fee, parse_fee_filter
from bakehouse.tezos.forging import forge
from bakehouse.tezos.operation import Content, Delegation, OperationGroup, Reveal, Transaction

TZ1 = parse_address("tz1VSUr8wwNhLAzempoch5d6hLRiTh8Cjcjb")
KT1 = parse_address("KT1DieU51jzXLerQx5AqMCiLC1SsCeM8yRat")
EDPK = "edpkvGfYw3LyB1UcCahKQk4rF2tvbMUk8GFiTuMjL75uGXrpvKXhjn"
BRANCH = "BLockGenesisGenesisGenesisGenesisGenesisCCCCCeZiLHU"
SIGNATURE_SIZE = 64

#: What octez nodes come with.
DEFAULT = FeeFilter(Mutez(100), Fraction(100), Fraction(1000))

numbers = st.integers(0, 2**40)
common = {"fee": numbers, "counter": numbers, "gas_limit": st.integers(0, 1_040_000)}
contents: st.SearchStrategy[Content] = st.one_of(
    st.builds(
        Transaction,
        source=st.just(TZ1),
        **common,
        storage_limit=st.sampled_from([0, 257]),
        amount=numbers,
        destination=st.sampled_from([TZ1, KT1]),
    ),
    st.builds(
        Reveal,
        source=st.just(TZ1),
        **common,
        storage_limit=st.just(0),
        public_key=st.just(EDPK),
        proof=st.none(),
    ),
    st.builds(
        Delegation,
        source=st.just(TZ1),
        **common,
        storage_limit=st.just(0),
        delegate=st.sampled_from([None, TZ1]),
    ),
)
groups = st.builds(
    OperationGroup,
    branch=st.just(BRANCH),
    contents=st.lists(contents, min_size=1, max_size=20).map(tuple),
)
prices = st.fractions(min_value=0, max_value=10**9, max_denominator=1000)
filters = st.builds(FeeFilter, st.integers(0, 10**6).map(Mutez), prices, prices)
margins = st.integers(0, 10_000).map(BasisPoints)


def with_fees(group: OperationGroup, fees: tuple[Mutez, ...]) -> OperationGroup:
    paired = zip(group.contents, fees, strict=True)
    return replace(group, contents=tuple(replace(content, fee=fee) for content, fee in paired))


def minimum_of(group: OperationGroup, fee_filter: FeeFilter) -> Mutez:
    gas = sum(content.gas_limit for content in group.contents)
    return minimum_fee(fee_filter, gas=gas, size_bytes=len(forge(group)) + SIGNATURE_SIZE)


def transfers(count: int) -> OperationGroup:
    one = Transaction(TZ1, Mutez(0), 140_000_000, 2269, 0, Mutez(1_500_000), TZ1)
    return OperationGroup(BRANCH, (one,) * count)


@pytest.mark.parametrize(
    ("gas", "size_bytes", "fee"),
    [
        (0, 0, 100),
        (1, 0, 101),
        (10, 0, 101),
        (11, 0, 102),
        (2269, 155, 482),
        # A batch of 300 transfers as measured for this project's design.
        (300 * 2269, 17_796, 85_966),
    ],
)
def test_the_minimum_is_100_mutez_and_a_tenth_a_gas_and_one_a_byte_rounded_up(
    gas: int, size_bytes: int, fee: int
) -> None:
    assert minimum_fee(DEFAULT, gas=gas, size_bytes=size_bytes) == fee


def test_prices_that_are_fractions_of_nanotez_are_exact() -> None:
    third = FeeFilter(Mutez(0), Fraction(1, 3), Fraction(0))

    assert minimum_fee(third, gas=3000, size_bytes=0) == 1
    assert minimum_fee(third, gas=3001, size_bytes=0) == 2


@given(groups, filters, margins)
def test_a_group_reaches_its_minimum_as_finally_forged(
    group: OperationGroup, fee_filter: FeeFilter, margin: BasisPoints
) -> None:
    fees = fees_for(group, fee_filter, margin)
    minimum = minimum_of(with_fees(group, fees), fee_filter)

    assert sum(fees) >= minimum
    # The minimum is rounded up; the margin is of what it was before.
    assert sum(fees) * 10_000 >= (minimum - 1) * (10_000 + margin)


@given(groups, filters)
def test_a_group_without_margin_overpays_less_than_a_mutez_a_content(
    group: OperationGroup, fee_filter: FeeFilter
) -> None:
    fees = fees_for(group, fee_filter, BasisPoints(0))
    minimum = minimum_of(with_fees(group, fees), fee_filter)

    assert sum(fees) < minimum + len(fees)


@given(contents, filters)
def test_a_single_content_pays_the_least_fee_that_is_enough(
    content: Content, fee_filter: FeeFilter
) -> None:
    group = OperationGroup(BRANCH, (content,))
    (fee,) = fees_for(group, fee_filter, BasisPoints(0))
    less = Mutez(fee - 1)

    assert fee == 0 or minimum_of(with_fees(group, (less,)), fee_filter) > less


@given(groups, filters)
def test_fees_do_not_depend_on_fees_set_before(
    group: OperationGroup, fee_filter: FeeFilter
) -> None:
    blank = with_fees(group, (Mutez(0),) * len(group.contents))

    assert fees_for(group, fee_filter, BasisPoints(500)) == fees_for(
        blank, fee_filter, BasisPoints(500)
    )


@given(groups, filters, margins)
def test_a_larger_margin_never_costs_less(
    group: OperationGroup, fee_filter: FeeFilter, margin: BasisPoints
) -> None:
    without = fees_for(group, fee_filter, BasisPoints(0))
    with_margin = fees_for(group, fee_filter, margin)

    assert all(more >= less for more, less in zip(with_margin, without, strict=True))


def test_only_the_first_content_pays_for_what_the_group_shares() -> None:
    first, *others = fees_for(transfers(150), DEFAULT, BasisPoints(0))

    # 226.9 for gas and 57 for bytes, each content's rounded up; the first adds 196 before that.
    assert set(others) == {284}
    assert first == 480


def test_a_margin_is_a_share_of_the_minimum() -> None:
    group = transfers(1)

    (fee,) = fees_for(group, DEFAULT, BasisPoints(0))
    (fee_with_margin,) = fees_for(group, DEFAULT, BasisPoints(500))

    assert (fee, fee_with_margin) == (480, 504)


def test_the_filter_of_a_node_is_read() -> None:
    document = {
        "minimal_fees": "100",
        "minimal_nanotez_per_gas_unit": ["100", "1"],
        "minimal_nanotez_per_byte": ["2000", "2"],
        "replace_by_fee_factor": ["21", "20"],
    }

    assert parse_fee_filter(document) == DEFAULT


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("minimal_fees", 1.5, "minimal_fees must be a whole number"),
        ("minimal_fees", "-100", "minimal_fees must be a whole number"),
        ("minimal_nanotez_per_byte", "1000", "minimal_nanotez_per_byte must be a list"),
        ("minimal_nanotez_per_byte", ["1"], "must be a numerator and a denominator"),
        ("minimal_nanotez_per_byte", ["1", "0"], "must not be divided by 0"),
        ("minimal_nanotez_per_gas_unit", ["1", None], "gas_unit must be a whole number"),
        ("minimal_nanotez_per_gas_unit", [True, 1], "gas_unit must be a whole number"),
    ],
)
def test_a_filter_that_makes_no_sense_is_malformed(field: str, value: Any, complaint: str) -> None:
    document = {
        "minimal_fees": "100",
        "minimal_nanotez_per_gas_unit": ["100", "1"],
        "minimal_nanotez_per_byte": ["1000", "1"],
    }

    with pytest.raises(SourceMalformedError, match=complaint):
        parse_fee_filter(document | {field: value})


def test_an_empty_filter_is_malformed() -> None:
    with pytest.raises(SourceMalformedError, match="minimal_fees is missing"):
        parse_fee_filter({})
