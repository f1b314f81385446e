"""Every error is one harmless line, and its exit code tells whose move it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakehouse import errors
from bakehouse.cli.refusal import as_line, exit_code_of
from bakehouse.errors import BakehouseError, InputError, NotFoundError

ERRORS = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, BakehouseError)
]


@pytest.mark.parametrize("error", ERRORS)
def test_mistakes_in_what_was_entered_exit_with_2_all_others_with_1(
    error: type[BakehouseError],
) -> None:
    is_mistake = issubclass(error, InputError | NotFoundError)

    assert exit_code_of(error("why")) == (2 if is_mistake else 1)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("two\nlines", "two lines"),
        ("  a\r\n\tb  ", "a b"),
        ("red \x1b[31mtext\x1b[0m", "red \ufffd[31mtext\ufffd[0m"),
        ("a right-to-left \u202egnol", "a right-to-left \ufffdgnol"),
        ("tz1…", "tz1…"),
        ("", ""),
    ],
)
def test_nothing_quoted_in_a_message_breaks_or_colours_its_line(message: str, line: str) -> None:
    assert as_line(message) == line


@settings(deadline=None)
@given(st.text())
def test_any_text_becomes_one_printable_line(message: str) -> None:
    line = as_line(message)

    assert line.isprintable()
    assert len(f"{line}.".splitlines()) == 1
