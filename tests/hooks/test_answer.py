"""What hooks answer is read strictly: junk of every kind is no answer."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.errors import HookFailedError
from bakehouse.hooks.answer import (
    REASON_LENGTH_MAX,
    PayingAnswer,
    read_paying_answer,
    read_plan_answer,
)
from bakehouse.rewards.adjustment import Adjustment
from bakehouse.rewards.money import Mutez

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["version", "verdict", "reason", "adjustments", "amount", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


def write(document: Any) -> bytes:
    return json.dumps(document).encode()


def test_a_go_and_a_veto_are_read() -> None:
    assert read_paying_answer(write({"version": 1, "verdict": "go"})) == PayingAnswer(None)
    veto = {"version": 1, "verdict": "veto", "reason": " the sum is over 500 tez "}
    assert read_paying_answer(write(veto)) == PayingAnswer("the sum is over 500 tez")


def test_adjustments_are_read() -> None:
    answer = {
        "version": 1,
        "adjustments": [
            {"recipient": "tz1-a", "amount": "30", "why": "agreed"},
            {"recipient": "tz1-a", "amount": 5, "to": "tz1-b", "why": "shared"},
        ],
    }

    assert read_plan_answer(write(answer)) == (
        Adjustment("tz1-a", Mutez(30), None, "agreed"),
        Adjustment("tz1-a", Mutez(5), "tz1-b", "shared"),
    )
    assert read_plan_answer(write({"version": 1, "adjustments": []})) == ()


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "it is empty"),
        (b"OK", "it is not JSON"),
        (b"<html>", "an HTML or XML page"),
        (b"[]", "it must be an object"),
        (b'{"version":1,"verdict":"go","verdict":"veto"}', 'names "verdict" twice'),
        (write({"verdict": "go"}), "version is missing"),
        (write({"version": 2, "verdict": "go"}), "version must be 1"),
        (write({"version": 1}), "verdict is missing"),
        (write({"version": 1, "verdict": "yes"}), "neither 'go' nor 'veto'"),
        (write({"version": 1, "verdict": True}), "verdict must be a text"),
        (write({"version": 1, "verdict": "go", "reason": "but"}), "'reason' is not known here"),
        (write({"version": 1, "verdict": "veto"}), "reason is missing"),
        (write({"version": 1, "verdict": "veto", "reason": "a\nb"}), "on one line"),
        (
            write({"version": 1, "verdict": "veto", "reason": "x" * (REASON_LENGTH_MAX + 1)}),
            "reason must be 1 to 500 characters",
        ),
    ],
)
def test_an_answer_about_paying_that_is_none_says_what_is_wrong(
    body: bytes, complaint: str
) -> None:
    with pytest.raises(HookFailedError, match=complaint):
        read_paying_answer(body)


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"recipient": "a", "why": "w"}, r"adjustments\[0\].amount is missing"),
        ({"recipient": "a", "amount": 0, "why": "w"}, "amount must be more than 0"),
        ({"recipient": "a", "amount": -1, "why": "w"}, "amount must be a whole number"),
        ({"recipient": "a", "amount": 1.5, "why": "w"}, "amount must be a whole number"),
        ({"recipient": "a", "amount": "1e3", "why": "w"}, "amount must be a whole number"),
        ({"recipient": "", "amount": 1, "why": "w"}, "recipient must be a text"),
        ({"recipient": "a", "amount": 1, "to": None, "why": "w"}, "to must be a text"),
        ({"recipient": "a", "amount": 1}, "why is missing"),
        ({"recipient": "a", "amount": 1, "why": "w", "net": 2}, r"adjustments\[0\].net' is not"),
        ("a", r"adjustments\[0\] must be an object"),
    ],
)
def test_an_adjustment_that_is_none_says_what_is_wrong(entry: Any, complaint: str) -> None:
    with pytest.raises(HookFailedError, match=complaint):
        read_plan_answer(write({"version": 1, "adjustments": [entry]}))


@given(JSON_VALUES | st.binary(max_size=20))
def test_whatever_comes_is_an_answer_or_a_failure_of_the_hook(document: Any) -> None:
    body = document if isinstance(document, bytes) else write(document)
    for read in (read_paying_answer, read_plan_answer):
        with suppress(HookFailedError):
            read(body)
