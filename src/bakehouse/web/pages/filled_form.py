"""A form as somebody filled it in, with what is wrong beside each field. Templates show it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from bakehouse.errors import BakehouseError, InputError
from bakehouse.ledger.audit import WHY_LENGTH_MAX

Value = TypeVar("Value")

REASON_LENGTH_MAX: Final = WHY_LENGTH_MAX


@dataclass(frozen=True, slots=True)
class FilledForm:
    """What was entered, by field, and what is wrong: with single fields, and with the whole."""

    entered: Mapping[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    trouble: str | None = None

    def read(self, name: str, parse: Callable[[str], Value]) -> Value | None:
        """Read one field; what is wrong with it is kept beside it, and None given."""
        try:
            return parse(self.entered.get(name, "").strip())
        except InputError as error:
            self.errors[name] = error.message
            return None

    def with_trouble(self, error: BakehouseError) -> "FilledForm":
        """Give the same form with what is wrong as a whole."""
        return replace(self, trouble=error.message)

    def with_import_refusal(self, error: BakehouseError) -> "FilledForm":
        """Give the same form with what is wrong beside what was pasted, or beside why."""
        name = "why" if error.facts.get("setting") == "why" else "pasted"
        return replace(self, errors={**self.errors, name: error.message})

    def with_refusal(self, error: BakehouseError, fields: Collection[str]) -> "FilledForm":
        """Give the same form with what is wrong beside the field that the error names, if any."""
        name = error.facts.get("setting")
        if name not in fields:
            return self.with_trouble(error)
        return replace(self, errors={**self.errors, str(name): error.message})

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong so far."""
        return not self.errors and self.trouble is None


def reason(text: str) -> str:
    """Read why somebody decides something; InputError when it is left out."""
    if not text:
        raise InputError("say why: it is kept in the audit trail")
    if len(text) > REASON_LENGTH_MAX:
        raise InputError(f"say it in {REASON_LENGTH_MAX} characters")
    return text


def optional_reason(text: str) -> str | None:
    """Read why somebody changes something that can be changed back: it may be left out."""
    return reason(text) if text else None


def whole_number(text: str, most: int) -> int:
    """Read a whole number up to `most`; raises InputError."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and int(text) <= most:
        return int(text)
    raise InputError(f"{text!r} is not a whole number from 0 to {most}")


def unless_empty(parse: Callable[[str], Value]) -> Callable[[str], Value | None]:
    """Make a parser for a field that may be left empty, which is None."""
    return lambda text: parse(text) if text else None
