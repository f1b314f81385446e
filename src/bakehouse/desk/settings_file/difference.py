"""What differs between two states of the settings, setting by setting, in words. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bakehouse.desk.settings_file.entries import DELEGATOR, INCOME, MEMBER, Entry
from bakehouse.desk.settings_file.state import BakerState, HouseState
from bakehouse.desk.settings_file.toml_values import in_words
from bakehouse.ledger.setting import Setting
from bakehouse.ledger.setting_catalogue import CATALOGUE

#: What stands for a delegator or member without anything of its own.
_NOTHING: Entry = {}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is set otherwise; None where there is nothing of it."""

    baker_id: str
    #: The keys that lead to it in a file, below the baker.
    key: str
    #: What it is called.
    label: str
    before: str | None
    after: str | None


def differences(before: HouseState, after: HouseState) -> list[Difference]:
    """List what differs, baker by baker; a baker that was not there has everything new."""
    return [each for baker_id in after.bakers for each in _of_baker(baker_id, before, after)]


def _of_baker(baker_id: str, before: HouseState, after: HouseState) -> Iterator[Difference]:
    old, new = before.bakers.get(baker_id), after.bakers[baker_id]
    settings = old.settings if old is not None else {}
    yield from _of_entry(baker_id, "", "", (settings, new.settings), CATALOGUE)
    yield from _of_table(baker_id, "delegators", _delegators(old), new.delegators, DELEGATOR)
    yield from _of_table(baker_id, "income", {} if old is None else old.income, new.income, INCOME)
    yield from _of_table(baker_id, "bond_pool", _members(old), new.bond_pool, MEMBER)


def _delegators(state: BakerState | None) -> Mapping[str, Entry]:
    return {} if state is None else state.delegators


def _members(state: BakerState | None) -> Mapping[str, Entry]:
    return {} if state is None else state.bond_pool


def _of_table(
    baker_id: str,
    table: str,
    before: Mapping[str, Entry],
    after: Mapping[str, Entry],
    catalogue: Mapping[str, Setting],
) -> Iterator[Difference]:
    for address in {**before, **after}:
        entries = before.get(address, _NOTHING), after.get(address, _NOTHING)
        yield from _of_entry(baker_id, f"{table}.{address}.", f" of {address}", entries, catalogue)


def _of_entry(
    baker_id: str,
    within: str,
    whose: str,
    entries: tuple[Mapping[str, Any], Mapping[str, Any]],
    catalogue: Mapping[str, Setting],
) -> Iterator[Difference]:
    before, after = entries
    for name, setting in catalogue.items():
        old, new = _words(setting, before), _words(setting, after)
        if old != new:
            yield Difference(baker_id, f"{within}{name}", f"{setting.label}{whose}", old, new)


def _words(setting: Setting, entry: Mapping[str, Any]) -> str | None:
    return in_words(setting, entry[setting.name]) if setting.name in entry else None
