"""What is known of each code, here and in the document."""

import re
from pathlib import Path

import pytest

from bakehouse.alerts.codes import KINDS, AlertCode, Severity, codes_of, kind_of, severity_of

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "alerts.md").read_text()
_ROW = re.compile(r"^\| `([a-z-]+)` \| (\w+) \|", re.MULTILINE)


def test_every_code_has_a_severity_a_title_and_something_to_do() -> None:
    assert set(KINDS) == set(AlertCode)
    for kind in KINDS.values():
        assert kind.title
        assert kind.advice.endswith(".")


def test_the_document_names_every_code_with_its_severity() -> None:
    assert dict(_ROW.findall(DOCUMENT)) == {
        code.value: kind.severity.value for code, kind in KINDS.items()
    }


@pytest.mark.parametrize(
    ("severity", "reached"),
    [
        (Severity.CRITICAL, {Severity.CRITICAL, Severity.WARNING, Severity.INFO}),
        (Severity.WARNING, {Severity.WARNING, Severity.INFO}),
        (Severity.INFO, {Severity.INFO}),
    ],
)
def test_a_severity_reaches_those_who_want_it_or_less(
    severity: Severity, reached: set[Severity]
) -> None:
    assert {least for least in Severity if severity.reaches(least)} == reached


def test_the_codes_of_all_severities_are_all_codes() -> None:
    assert frozenset().union(*map(codes_of, Severity)) == frozenset(AlertCode)


def test_a_code_of_another_version_is_a_warning_that_can_be_shown() -> None:
    assert severity_of("of-tomorrow") is Severity.WARNING
    assert kind_of("of-tomorrow").title
