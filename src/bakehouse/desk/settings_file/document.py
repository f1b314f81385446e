"""What a file of settings says, typed, and where it says it. Nothing is read or stored here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bakehouse.desk.settings_file.entries import Entry
from bakehouse.desk.settings_file.place import KeyPath, line_of, written_path
from bakehouse.errors import InputError


@dataclass(frozen=True, slots=True)
class BakerPart:
    """What a file says of one baker; None for a table that it does not have."""

    settings: Mapping[str, Any]
    #: By address, whatever single delegators have of their own: all of them.
    delegators: Mapping[str, Entry] | None
    #: By address, who gets parts of the baker's income: all of them.
    income: Mapping[str, Entry] | None
    #: By address, all members of the bond pool.
    bond_pool: Mapping[str, Entry] | None


@dataclass(frozen=True, slots=True)
class SourceText:
    """The text of a file, and how mistakes in it are told."""

    name: str
    text: str

    def mistake(self, path: KeyPath, message: str) -> InputError:
        """Make the error that tells a mistake with its place: line and keys."""
        line = line_of(self.text, path)
        place = self.name if line is None else f"{self.name}, line {line}"
        keys = f"{written_path(path)}: " if path else ""
        return InputError(f"{place}: {keys}{message}")


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """What a file says: only what is named in it is meant."""

    source: SourceText
    #: Id of the chain.
    network: str
    bakers: Mapping[str, BakerPart]
    #: Names of channels that have to be here.
    alert_channels: tuple[str, ...]
