"""Writing settings as a file: what is set, each with its meaning and range. Reads back the same."""

from collections.abc import Iterator, Mapping

from bakehouse.desk.settings_file.entries import DELEGATOR, INCOME, MEMBER, Entry
from bakehouse.desk.settings_file.reading import BOND_POOL, DELEGATORS, INCOME_SHARES, VERSION
from bakehouse.desk.settings_file.state import BakerState, HouseState
from bakehouse.desk.settings_file.toml_values import in_words, quoted, written
from bakehouse.ledger.setting import Group, Kind, Setting
from bakehouse.ledger.setting_catalogue import CATALOGUE
from bakehouse.payments.baker_settings import NONE

_HEAD = """\
# Settings of Bakehouse.
# `bakehouse config diff FILE` says what this file would change, and what that means in tez;
# `bakehouse config apply FILE` changes it, all of it or nothing.
# What is left out stays as it is. Amounts are whole mutez: 1_000_000 is 1 tez.
"""
_CHANNELS = """\
# Channels that alerts are sent to, by name: `apply` only sees to it that they are here.
# `bakehouse alerts add` sets them up; where they lead is secret, and in no file.
"""


def write_settings(state: HouseState, network: str) -> Iterator[str]:
    """Give the lines of a file that says what is set; the same state gives the same text."""
    yield f"{_HEAD}version = {VERSION}\n"
    yield f"# Id of the chain that these bakers are on.\nnetwork = {quoted(network)}\n"
    channels = ", ".join(quoted(name) for name in state.channels)
    yield f"\n{_CHANNELS}alert_channels = [{channels}]\n"
    for baker_id, baker in state.bakers.items():
        yield f"\n[bakers.{baker_id}]\n"
        yield from _settings(baker)
        yield from _table(
            f"bakers.{baker_id}.{DELEGATORS}",
            "What single delegators have of their own. Whoever is not in this table has none.",
            DELEGATOR,
            baker.delegators,
        )
        yield from _table(
            f"bakers.{baker_id}.{INCOME_SHARES}",
            "Parts of the baker's income. Whoever is not in this table gets none.",
            INCOME,
            baker.income,
        )
        yield from _table(
            f"bakers.{baker_id}.{BOND_POOL}",
            "The bond pool. Whoever is not in this table is no member.",
            MEMBER,
            baker.bond_pool,
        )


def _settings(baker: BakerState) -> Iterator[str]:
    values = baker.settings
    for group in Group:
        members = [each for each in CATALOGUE.values() if each.group is group]
        if members:
            yield f"\n# -- {group} --\n"
        yield from (_setting(each, values[each.name]) for each in members)


def _setting(setting: Setting, value: object) -> str:
    in_tez = f"  # {in_words(setting, value)}" if setting.kind is Kind.MUTEZ and value else ""
    comment = f"# {setting.label}: {_comment(setting)}\n"
    return f"{comment}{setting.name} = {written(setting, value)}{in_tez}\n"


def _comment(setting: Setting) -> str:
    none = '""' if setting.kind is Kind.TEXT else f'"{NONE}"'
    parts = [
        setting.meaning,
        _range(setting),
        f"{none}: {setting.none_means}." if setting.has_none else "",
        "A file never switches a baker on." if setting.name == "mode" else "",
    ]
    return " ".join(part for part in parts if part)


def _range(setting: Setting) -> str:
    match setting.kind:
        case Kind.MUTEZ:
            return "In mutez."
        case Kind.PERCENTAGE:
            return f"In percent, {setting.range_text}."
        case Kind.CHOICE:
            return f"One of: {setting.range_text}."
        case Kind.NUMBER if setting.range_text:
            return f"From {setting.range_text} {setting.unit}."
        case _:
            return ""


def _table(
    name: str, meaning: str, catalogue: Mapping[str, Setting], entries: Mapping[str, Entry]
) -> Iterator[str]:
    yield f"\n# {meaning}\n"
    yield from (f"# {each.name}: {_comment(each)}\n" for each in catalogue.values())
    yield f"[{name}]\n"
    for address, entry in entries.items():
        pairs = ", ".join(
            f"{key} = {written(catalogue[key], value)}" for key, value in entry.items()
        )
        yield f"{address} = {{ {pairs} }}\n"
