"""Splits changed at random: refused, or read as what they were; never as something else."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bakehouse.errors import SplitRefusedError
from bakehouse.tezos.rewards_split import parse_split, parse_split_text

Document = dict[str, Any]
NewSplit = Callable[[], Document]

#: What a broken indexer, proxy or disk may put in the place of a value.
junk = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(allow_nan=False),
    st.integers(max_value=-1),
    st.integers(min_value=2**63),
    # Digits are how some indexers write amounts.
    st.text().filter(lambda text: not text.isdigit()),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(), st.integers(), max_size=2),
)
#: Delegators of the split that is changed.
indexes = st.integers(0, 4)


@given(st.data(), junk)
def test_junk_in_the_place_of_anything_is_refused_or_changes_nothing(
    new_split: NewSplit, data: st.DataObject, value: Any
) -> None:
    split = new_split()
    name = data.draw(st.sampled_from(sorted(split)))

    assert_refused_or_the_same(split | {name: value}, new_split())


@given(indexes, st.sampled_from(["address", "delegatedBalance"]), junk)
def test_junk_in_the_place_of_a_delegators_field_is_refused_or_changes_nothing(
    new_split: NewSplit, index: int, name: str, value: Any
) -> None:
    split = new_split()
    split["delegators"][index][name] = value

    assert_refused_or_the_same(split, new_split())


@given(st.data())
def test_dropping_any_field_is_refused_or_changes_nothing(
    new_split: NewSplit, data: st.DataObject
) -> None:
    split = new_split()
    del split[data.draw(st.sampled_from(sorted(split)))]

    assert_refused_or_the_same(split, new_split())


@given(st.sets(indexes, min_size=1))
def test_dropping_delegators_with_a_balance_is_refused(
    new_split: NewSplit, dropped: set[int]
) -> None:
    split = new_split()
    kept = [each for index, each in enumerate(split["delegators"]) if index not in dropped]
    lost = sum(split["delegators"][index]["delegatedBalance"] for index in dropped)
    # One of the delegators has no balance, and is owed nothing.
    assume(lost)

    with pytest.raises(SplitRefusedError, match=f": {lost} mutez are missing"):
        parse_split(split | {"delegators": kept})


@given(indexes, st.integers(-(10**6), 10**6).filter(bool))
def test_a_balance_that_is_off_by_anything_is_refused(
    new_split: NewSplit, index: int, difference: int
) -> None:
    split = new_split()
    split["delegators"][index]["delegatedBalance"] += difference

    with pytest.raises(SplitRefusedError):
        parse_split(split)


@given(indexes, st.integers(1, 5), st.integers(0, 5))
def test_repeating_a_delegator_is_refused(
    new_split: NewSplit, index: int, times: int, at: int
) -> None:
    split = new_split()
    split["delegators"][at:at] = [split["delegators"][index]] * times

    with pytest.raises(SplitRefusedError, match="twice"):
        parse_split(split)


@given(indexes, st.integers(0, 35), st.characters(min_codepoint=33, max_codepoint=126))
def test_an_address_with_another_character_is_refused(
    new_split: NewSplit, index: int, position: int, character: str
) -> None:
    split = new_split()
    good = split["delegators"][index]["address"]
    assume(good[position] != character)
    split["delegators"][index]["address"] = good[:position] + character + good[position + 1 :]

    with pytest.raises(SplitRefusedError, match=rf"delegators\[{index}\]\.address: "):
        parse_split(split)


@given(st.data())
def test_a_file_cut_anywhere_is_refused(new_split: NewSplit, data: st.DataObject) -> None:
    text = json.dumps(new_split()).encode()
    length = data.draw(st.integers(0, len(text) - 1))

    with pytest.raises(SplitRefusedError):
        parse_split_text(text[:length])


@given(st.binary())
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(SplitRefusedError):
        parse_split_text(data)


@given(st.randoms())
def test_the_order_of_delegators_changes_no_balance(new_split: NewSplit, random: Random) -> None:
    split = new_split()
    random.shuffle(split["delegators"])

    assert set(parse_split(split).rewards.delegators) == set(
        parse_split(new_split()).rewards.delegators
    )


def assert_refused_or_the_same(changed: Document, original: Document) -> None:
    try:
        split = parse_split(changed)
    except SplitRefusedError:
        return
    assert split == parse_split(original)
