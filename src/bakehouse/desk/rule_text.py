"""Rules of single delegators as texts: read, and written as they are read. Nothing is stored."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import StrEnum
from functools import partial
from typing import Any, Final

from bakehouse.desk.address_table import address_rows, is_json, mistake
from bakehouse.errors import InputError, SettingError
from bakehouse.rewards.money import Mutez, parse_tez, plain_tez
from bakehouse.rewards.payout_rules import CostBearer, DelegatorRule, ExcludedShare, Listing
from bakehouse.tezos.address import parse_recipient

#: What a rule may say, in the order in which it is written.
RULE_FIELDS: Final = tuple(each.name for each in fields(DelegatorRule))
#: Those of it that are amounts of tez.
AMOUNTS: Final = frozenset({"minimum_balance", "maximum_balance"})
#: Those of it that are one of several words.
CHOICES: Final[Mapping[str, type[StrEnum]]] = {
    "listing": Listing,
    "transfer_fee_payer": CostBearer,
    "burn_payer": CostBearer,
    "excluded_share": ExcludedShare,
}
_MUTEZ_DIGITS: Final = 18

ReadsAmount = Callable[[str], Mutez]


def parse_field(name: str, text: str, amount: ReadsAmount = parse_tez) -> Any:
    """Read what a rule says in one of its fields; an empty text is None: as for everybody.

    Raises SettingError for a field that there is not, or a word that it cannot be, AddressError for
    a recipient that cannot be paid, InputError for what is no amount.
    """
    if name not in RULE_FIELDS:
        raise SettingError(f"{name!r} is nothing a rule says: it has {', '.join(RULE_FIELDS)}")
    if not text:
        return None
    if name in AMOUNTS:
        return amount(text)
    if name in CHOICES:
        return _choice(name, CHOICES[name], text)
    return parse_recipient(text)


def parse_rules(text: str, name: str) -> dict[str, DelegatorRule]:
    """Read rules by address: CSV with a header and amounts in tez, or a JSON object, in mutez.

    Raises InputError with the name of the text and the line of the first mistake: an address whose
    checksum is wrong or that comes twice, a column that there is not, something that a rule cannot
    say, a rule that says nothing.
    """
    amount = parse_mutez if is_json(text) else parse_tez
    rules: dict[str, DelegatorRule] = {}
    for row in address_rows(text, name, RULE_FIELDS):
        address = row.address.read(parse_recipient)
        if address in rules:
            raise mistake(name, row.address.line, f"{address} has a rule already, further up")
        if not row.cells:
            raise mistake(name, row.address.line, f"the rule of {address} says nothing")
        said = {
            column: cell.read(partial(parse_field, column, amount=amount))
            for column, cell in row.cells.items()
        }
        rules[address] = DelegatorRule(**said)
    return rules


def parse_mutez(text: str) -> Mutez:
    """Read mutez as JSON has them: a string of digits; raises InputError."""
    if text.isascii() and text.isdigit() and len(text) <= _MUTEZ_DIGITS:
        return Mutez(int(text))
    raise InputError(f"{text!r} is not an amount of mutez: '1500000' is 1.5 tez")


def rule_document(rule: DelegatorRule) -> dict[str, str | None]:
    """Write a rule as JSON data, amounts as strings of mutez; null is as for everybody."""
    values = {name: getattr(rule, name) for name in RULE_FIELDS}
    return {name: None if value is None else str(value) for name, value in values.items()}


def rule_cells(rule: DelegatorRule) -> dict[str, str]:
    """Write a rule as people do: amounts in tez, and nothing for what is as for everybody."""
    return {name: _cell(name, getattr(rule, name)) for name in RULE_FIELDS}


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    return plain_tez(value) if name in AMOUNTS else str(value)


def _choice(name: str, choices: type[StrEnum], text: str) -> StrEnum:
    if text not in set(choices):
        raise SettingError(
            f"{text!r} is no {name.replace('_', ' ')}: choose one of {', '.join(choices)}",
            setting=name,
        )
    return choices(text)
