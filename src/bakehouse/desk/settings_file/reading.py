"""Reading a file of settings, strictly: what is unknown or of another kind is refused, with place.

Whether the ledger can take it over is not decided here.
"""

import tomllib
from collections.abc import Callable, Mapping
from typing import Any, Final

from bakehouse.desk.settings_file.document import BakerPart, SettingsFile, SourceText
from bakehouse.desk.settings_file.entries import (
    DELEGATOR,
    INCOME,
    MEMBER,
    MEMBER_DEFAULTS,
    Entry,
    member_in,
)
from bakehouse.desk.settings_file.place import KeyPath
from bakehouse.desk.settings_file.toml_values import Decimals, typed
from bakehouse.errors import InputError
from bakehouse.ledger.setting import Setting
from bakehouse.ledger.setting_catalogue import CATALOGUE
from bakehouse.rewards.bond_pool import check_members
from bakehouse.tezos.address import parse_implicit, parse_recipient

VERSION: Final = 1
#: Longer than 60,000 delegators take.
SIZE_MAX: Final = 16_000_000

DELEGATORS: Final = "delegators"
INCOME_SHARES: Final = "income"
BOND_POOL: Final = "bond_pool"
_TOP: Final = ("version", "network", "alert_channels", "bakers")


def read_settings(text: str, name: str) -> SettingsFile:
    """Read the text of a file that people know by this name.

    Raises InputError with line and keys of the first mistake.
    """
    return _Reader(SourceText(name, text)).read()


class _Reader:
    """Reads one text."""

    def __init__(self, source: SourceText) -> None:
        self._source = source

    def read(self) -> SettingsFile:
        document = self._parsed()
        self._refuse_unknown(document, (), _TOP)
        if document.get("version") != VERSION or document["version"] is True:
            path = ("version",) if "version" in document else ()
            raise self._source.mistake(path, f"this file must begin with version = {VERSION}")
        bakers = self._table(document.get("bakers", {}), ("bakers",))
        return SettingsFile(
            source=self._source,
            network=self._text(document, "network"),
            bakers={
                self._address(address, ("bakers", address), parse_implicit): self._baker(
                    part, ("bakers", address)
                )
                for address, part in bakers.items()
            },
            alert_channels=self._channels(document.get("alert_channels", [])),
        )

    def _parsed(self) -> Mapping[str, Any]:
        source = self._source
        if len(source.text) > SIZE_MAX:
            raise source.mistake((), f"it is longer than {SIZE_MAX:,} characters")
        try:
            return tomllib.loads(source.text, parse_float=Decimals)
        except RecursionError as error:
            raise source.mistake((), "it is nested too deep") from error
        except ValueError as error:
            # Its message has the line.
            raise source.mistake((), f"this is not TOML: {error}") from error

    def _baker(self, value: Any, path: KeyPath) -> BakerPart:
        table = self._table(value, path)
        self._refuse_unknown(table, path, (*CATALOGUE, DELEGATORS, INCOME_SHARES, BOND_POOL))
        return BakerPart(
            settings=self._entry(
                {name: each for name, each in table.items() if name in CATALOGUE}, path, CATALOGUE
            ),
            delegators=self._delegators(table.get(DELEGATORS), (*path, DELEGATORS)),
            income=self._income(table.get(INCOME_SHARES), (*path, INCOME_SHARES)),
            bond_pool=self._members(table.get(BOND_POOL), (*path, BOND_POOL)),
        )

    def _delegators(self, value: Any, path: KeyPath) -> Mapping[str, Entry] | None:
        if value is None:
            return None
        entries = self._entries(value, path, DELEGATOR)
        for address, entry in entries.items():
            if not entry:
                raise self._source.mistake(
                    (*path, address),
                    "it says nothing: write a fee, such as { fee = 5 }, or take the line out",
                )
        return entries

    def _income(self, value: Any, path: KeyPath) -> Mapping[str, Entry] | None:
        if value is None:
            return None
        entries = self._entries(value, path, INCOME)
        for address, entry in entries.items():
            if not any(entry.values()):
                raise self._source.mistake(
                    (*path, address),
                    "it gets nothing: write a part, such as { of_fees = 50 }, or take the line out",
                )
        return entries

    def _members(self, value: Any, path: KeyPath) -> Mapping[str, Entry] | None:
        if value is None:
            return None
        entries = self._entries(value, path, MEMBER)
        for address, entry in entries.items():
            if "bond" not in entry:
                raise self._source.mistake((*path, address), "the bond is missing")
        complete = {address: {**MEMBER_DEFAULTS, **entry} for address, entry in entries.items()}
        try:
            check_members([member_in(*each) for each in complete.items()])
        except InputError as error:
            raise self._source.mistake(path, error.message) from error
        return complete

    def _entries(
        self, value: Any, path: KeyPath, catalogue: Mapping[str, Setting]
    ) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        for address, each in self._table(value, path).items():
            inner = (*path, address)
            table = self._table(each, inner, "{ … } with keys and values")
            self._refuse_unknown(table, inner, tuple(catalogue))
            recipient = self._address(address, inner, parse_recipient)
            entries[recipient] = self._entry(table, inner, catalogue)
        return entries

    def _entry(
        self, table: Mapping[str, Any], path: KeyPath, catalogue: Mapping[str, Setting]
    ) -> dict[str, Any]:
        values = {}
        for name, value in table.items():
            try:
                values[name] = typed(catalogue[name], value)
            except InputError as error:
                message = error.message.replace(f"{name} must", "this must", 1)
                raise self._source.mistake((*path, name), message) from error
        return values

    def _channels(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(type(each) is str for each in value):
            raise self._source.mistake(("alert_channels",), "this must be a list of names")
        return tuple(value)

    def _text(self, document: Mapping[str, Any], name: str) -> str:
        value = document.get(name)
        if type(value) is not str:
            path = (name,) if name in document else ()
            raise self._source.mistake(path, f"{name} must be there, as a text in quotes")
        return value

    def _address(self, address: str, path: KeyPath, parse: Callable[[str], str]) -> str:
        try:
            return parse(address)
        except InputError as error:
            raise self._source.mistake(path, error.message) from error

    def _table(self, value: Any, path: KeyPath, wanted: str = "a table") -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self._source.mistake(path, f"this must be {wanted}")
        return value

    def _refuse_unknown(
        self, table: Mapping[str, Any], path: KeyPath, known: tuple[str, ...]
    ) -> None:
        for name in table:
            if name not in known:
                raise self._source.mistake(
                    (*path, name), f"unknown key: the keys here are {', '.join(known)}"
                )
