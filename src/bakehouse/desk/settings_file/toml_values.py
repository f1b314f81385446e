"""Values of settings in TOML: read strictly by their kind, and written so that they read back."""

import json
from typing import Any, Final

from bakehouse.errors import InputError, SettingError
from bakehouse.ledger.setting import Kind, Setting
from bakehouse.payments.baker_settings import NONE
from bakehouse.rewards.money import format_percentage, format_tez, parse_percentage
from bakehouse.tezos.address import parse_implicit, parse_recipient


class Decimals(str):
    """A number with a point, as it stands in the file: no float ever stands for a percentage."""

    __slots__ = ()


_WANTED: Final = {
    Kind.NUMBER: "a whole number",
    Kind.MUTEZ: "whole mutez, such as 1_000_000 for 1 tez",
    Kind.PERCENTAGE: "a percentage without quotes, such as 9.5",
    Kind.YES_NO: "true or false",
    Kind.TEXT: "a text in quotes",
    Kind.SIGNER: "an address in quotes",
    Kind.RECIPIENT: "an address in quotes",
    Kind.CHOICE: "a word in quotes",
}


def typed(setting: Setting, value: Any) -> Any:
    """Type what TOML holds for a setting; raises InputError for what it cannot be."""
    if setting.has_none and setting.kind is not Kind.TEXT and value == NONE:
        return None
    if not _is_of_kind(setting.kind, value):
        wanted = _WANTED[setting.kind] + (f', or "{NONE}"' if setting.has_none else "")
        raise SettingError(f"this must be {wanted}, not {_told(value)}")
    result = _of_kind(setting, value)
    setting.check(result)
    return result


def written(setting: Setting, value: Any) -> str:
    """Write a value as TOML."""
    if value is None:
        return quoted("" if setting.kind is Kind.TEXT else NONE)
    match setting.kind:
        case Kind.PERCENTAGE:
            return format_percentage(value)
        case Kind.YES_NO:
            return "true" if value else "false"
        case Kind.NUMBER | Kind.MUTEZ:
            return str(value)
        case _:
            return quoted(str(value))


def quoted(text: str) -> str:
    """Write a text as a basic string: escaped as JSON is, and DEL, which only TOML escapes."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def in_words(setting: Setting, value: Any) -> str:
    """Say a value to a person: amounts in tez, none as what it means."""
    if value is None:
        return setting.none_means
    match setting.kind:
        case Kind.MUTEZ:
            return f"{format_tez(value)} tez"
        case Kind.PERCENTAGE:
            return f"{format_percentage(value)} %"
        case Kind.YES_NO:
            return "yes" if value else "no"
        case _:
            return f"{value} {setting.unit}".strip()


def _is_of_kind(kind: Kind, value: Any) -> bool:
    is_text = isinstance(value, str) and not isinstance(value, Decimals)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    match kind:
        case Kind.NUMBER | Kind.MUTEZ:
            return is_whole
        case Kind.PERCENTAGE:
            return is_whole or isinstance(value, Decimals)
        case Kind.YES_NO:
            return isinstance(value, bool)
        case _:
            return is_text


def _of_kind(setting: Setting, value: Any) -> Any:
    match setting.kind:
        case Kind.PERCENTAGE:
            return parse_percentage(str(value))
        case Kind.TEXT:
            return value or None if setting.has_none else value
        case Kind.SIGNER:
            return parse_implicit(value)
        case Kind.RECIPIENT:
            return parse_recipient(value)
        case Kind.CHOICE if setting.choices is not None:
            if value not in set(setting.choices):
                raise InputError(f"this is one of {setting.range_text}, not {_told(value)}")
            return setting.choices(value)
        case _:
            return value


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    text = str(value) if isinstance(value, Decimals) else repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"  # noqa: PLR2004 - enough to find it
