"""What a check found: a value, and nothing else."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"  # it works, but a person should know
    FAIL = "fail"  # payments cannot go on


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, what was seen, and what to do about it if anything."""

    subject: str
    verdict: Verdict
    seen: str
    advice: str | None = None


def ok(subject: str, seen: str) -> Finding:
    """Make a finding that needs nobody."""
    return Finding(subject, Verdict.OK, seen)


def warn(subject: str, seen: str, advice: str) -> Finding:
    """Make a finding that a person should know of."""
    return Finding(subject, Verdict.WARN, seen, advice)


def fail(subject: str, seen: str, advice: str) -> Finding:
    """Make a finding that keeps payments from going on."""
    return Finding(subject, Verdict.FAIL, seen, advice)
