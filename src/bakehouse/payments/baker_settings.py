"""A baker's settings as people write them, checked and typed by name. Nothing is stored here."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

from bakehouse.errors import SettingError
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.setting import Kind, Setting
from bakehouse.ledger.setting_catalogue import CATALOGUE
from bakehouse.rewards.money import parse_percentage
from bakehouse.tezos.address import parse_implicit, parse_recipient

#: How it is written that there is none.
NONE: Final = "none"

_BASIS_POINTS: Final = "_basis_points"
_YES_NO: Final = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


def parse_settings(texts: Mapping[str, str]) -> dict[str, Any]:
    """Type settings by their names; raises SettingError, AddressError or PercentageError.

    Ranges are the ledger's business.
    """
    return {name: _parsed(name, text.strip()) for name, text in texts.items()}


def parse_assignments(assignments: list[str]) -> dict[str, str]:
    """Split `name=value` arguments; raises SettingError for one without a name or twice set."""
    texts: dict[str, str] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name:
            raise SettingError(f"{assignment!r} is not a setting: write name=value")
        if name in texts:
            raise SettingError(f"{name} is set twice")
        texts[name] = value
    return texts


def setting_document(baker: Baker) -> dict[str, Any]:
    """Write a baker's settings as JSON data: amounts as strings of mutez, fees in basis points."""
    return dict(_written(each, getattr(baker, name)) for name, each in CATALOGUE.items())


def document_name(setting: Setting) -> str:
    """Name a setting in JSON: a percentage with its unit, since people write it in percent."""
    return f"{setting.name}{_BASIS_POINTS if setting.kind is Kind.PERCENTAGE else ''}"


def _written(setting: Setting, value: Any) -> tuple[str, Any]:
    is_amount = setting.kind is Kind.MUTEZ and value is not None
    return document_name(setting), str(value) if is_amount else value


def _parsed(name: str, text: str) -> Any:
    setting = CATALOGUE.get(name)
    if setting is None:
        raise SettingError(
            f"unknown setting {name!r}: the settings are {', '.join(sorted(CATALOGUE))}"
        )
    try:
        return _typed(setting, text)
    except ValueError as error:
        raise SettingError(f"{name}: {error}") from error


def _typed(setting: Setting, text: str) -> Any:
    if setting.kind is Kind.TEXT:
        return text or None
    if setting.has_none and text.lower() == NONE:
        return None
    if setting.kind is Kind.CHOICE and setting.choices is not None:
        return _choice(setting, setting.choices, text)
    return _PARSERS[setting.kind](text)


def _choice(setting: Setting, choices: type[StrEnum], text: str) -> StrEnum:
    if text not in set(choices):
        name = setting.name.replace("_", " ")
        raise ValueError(f"{text!r} is no {name}: choose one of {', '.join(choices)}")
    return choices(text)


def _whole_number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def _yes_or_no(text: str) -> bool:
    if text.lower() not in _YES_NO:
        raise ValueError(f"{text!r} is neither yes nor no")
    return _YES_NO[text.lower()]


_PARSERS: Final[Mapping[Kind, Callable[[str], Any]]] = {
    Kind.NUMBER: _whole_number,
    Kind.MUTEZ: _whole_number,
    Kind.PERCENTAGE: parse_percentage,
    Kind.YES_NO: _yes_or_no,
    Kind.SIGNER: parse_implicit,
    Kind.RECIPIENT: parse_recipient,
}
