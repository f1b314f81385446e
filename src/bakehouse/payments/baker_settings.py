"""A baker's settings as people write them, checked and typed by name. Nothing is stored here."""

from collections.abc import Callable, Mapping
from typing import Any

from bakehouse.errors import SettingError
from bakehouse.ledger.states import Mode
from bakehouse.rewards.money import parse_percentage
from bakehouse.tezos.address import parse_implicit

_YES_NO = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


def parse_settings(texts: Mapping[str, str]) -> dict[str, Any]:
    """Type settings by their names; raises SettingError, AddressError or PercentageError.

    Ranges are the ledger's business.
    """
    return {name: _parser_of(name)(text.strip()) for name, text in texts.items()}


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


def _parser_of(name: str) -> Callable[[str], Any]:
    parser = _PARSERS.get(name)
    if parser is None:
        raise SettingError(
            f"unknown setting {name!r}: the settings are {', '.join(sorted(_PARSERS))}"
        )
    return lambda text: _named(name, parser, text)


def _named(name: str, parser: Callable[[str], Any], text: str) -> Any:
    try:
        return parser(text)
    except ValueError as error:
        raise SettingError(f"{name}: {error}") from error


def _whole_number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def _yes_or_no(text: str) -> bool:
    if text.lower() not in _YES_NO:
        raise ValueError(f"{text!r} is neither yes nor no")
    return _YES_NO[text.lower()]


def _cap(text: str) -> int | None:
    return None if text.lower() == "none" else _whole_number(text)


def _mode(text: str) -> Mode:
    if text not in set(Mode):
        raise ValueError(f"{text!r} is no mode: the modes are {', '.join(Mode)}")
    return Mode(text)


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "alias": lambda text: text or None,
    "bond_pool_enabled": _yes_or_no,
    "confirm_first_cycle": _yes_or_no,
    "public_page": _yes_or_no,
    "cycle_cap": _cap,
    "default_fee": parse_percentage,
    "first_cycle": _whole_number,
    "funding_address": lambda text: None if text.lower() == "none" else parse_implicit(text),
    "minimum_payout": _whole_number,
    "minutes_between_retries": _whole_number,
    "mode": _mode,
    "num_blocks_wait": _whole_number,
    "payment_retries": _whole_number,
    "payout_address": parse_implicit,
    "payout_cap": _cap,
    "payout_delay_cycles": _whole_number,
    "scheduled": _yes_or_no,
    "share_block_fees": _yes_or_no,
    "target_balance": _cap,
    "top_up_cap": _cap,
    "update_freq": _whole_number,
}
