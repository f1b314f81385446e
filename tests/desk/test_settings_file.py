"""A file of settings: reads back as it was written, and every mistake is told with its place."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakehouse.desk.settings_file.entries import (
    DELEGATOR,
    INCOME,
    Entry,
    fees_in,
    rules_in,
    shares_in,
)
from bakehouse.desk.settings_file.place import line_of
from bakehouse.desk.settings_file.reading import read_settings
from bakehouse.desk.settings_file.state import BakerState, HouseState
from bakehouse.desk.settings_file.writing import write_settings
from bakehouse.errors import InputError
from bakehouse.ledger.bakers import TOP_UP_SETTINGS, Baker
from bakehouse.ledger.setting import Kind, Setting
from bakehouse.ledger.setting_catalogue import CATALOGUE
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.rewards.payout_rules import IncomeShare, PayoutRules
from bakehouse.tezos.base58check import Prefix, encode

BAKER, PAYOUT, ANN, BOB = (encode(Prefix.TZ1, bytes([index] * 20)) for index in range(4))
CONTRACT, ROLLUP = encode(Prefix.KT1, bytes(20)), encode(Prefix.SR1, bytes(20))
CHAIN = "NetXdQprcVkpaWU"

HEAD = f'version = 1\nnetwork = "{CHAIN}"\n'
OF_BAKER = f"{HEAD}[bakers.{BAKER}]\n"
OF_DELEGATORS = f"{HEAD}[bakers.{BAKER}.delegators]\n"
OF_INCOME = f"{HEAD}[bakers.{BAKER}.income]\n"
OF_POOL = f"{HEAD}[bakers.{BAKER}.bond_pool]\n"

MEMBERS = (
    BondPoolMember(ANN, Mutez(10_000_000), BasisPoints(500), is_manager=True, name='An "n"'),
    BondPoolMember(BOB, Mutez(1), BasisPoints(0)),
)
NOVICE = Baker(baker_id=BAKER, network=CHAIN, payout_address=PAYOUT, first_cycle=700)

# What the ledger can hold: no NUL, no half characters.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


def values(setting: Setting) -> st.SearchStrategy[Any]:
    numbers = st.integers(setting.least, setting.most)
    kinds: dict[Kind, st.SearchStrategy[Any]] = {
        Kind.NUMBER: numbers,
        Kind.MUTEZ: numbers,
        Kind.PERCENTAGE: numbers,
        Kind.YES_NO: st.booleans(),
        Kind.TEXT: texts.filter(bool),
        Kind.SIGNER: st.sampled_from([BAKER, PAYOUT]),
        Kind.RECIPIENT: st.sampled_from([ANN, BOB, CONTRACT]),
        Kind.CHOICE: st.sampled_from(list(setting.choices or [""])),
    }
    found = kinds[setting.kind]
    return st.none() | found if setting.has_none else found


def entries(catalogue: Mapping[str, Setting]) -> st.SearchStrategy[dict[str, dict[str, Any]]]:
    """Give lines of a table, of which none is empty and no part is nothing."""
    keys = {name: values(each) for name, each in catalogue.items()}
    lines = st.fixed_dictionaries({}, optional=keys)
    return st.dictionaries(
        st.sampled_from([ANN, BOB, CONTRACT]), lines.filter(lambda line: any(line.values()))
    )


def shares(entries: Mapping[str, Mapping[str, Any]]) -> tuple[IncomeShare, ...]:
    """Give income shares, none of which is nothing."""
    parts = {
        address: {name: min(part, 3_333) for name, part in line.items() if part}
        for address, line in entries.items()
    }
    return tuple(IncomeShare(address, **line) for address, line in parts.items())


def state_of(
    baker: Baker,
    delegators: Mapping[str, Entry],
    *members: BondPoolMember,
    income: tuple[IncomeShare, ...] = (),
) -> HouseState:
    state = BakerState(
        baker=baker,
        delegators=delegators,
        members=members,
        rules=PayoutRules(BasisPoints(0), income=income),
    )
    return HouseState({baker.baker_id: state}, ("ops", 'a "channel"'))


@settings(max_examples=25)
@given(
    st.fixed_dictionaries({name: values(each) for name, each in CATALOGUE.items()}),
    entries(DELEGATOR),
    entries(INCOME),
)
def test_whatever_is_set_reads_back_as_it_was_written(
    chosen: dict[str, Any], delegators: dict[str, Entry], parts: dict[str, Entry]
) -> None:
    chosen["delay_blocks_most"] = max(chosen["delay_blocks_least"], chosen["delay_blocks_most"])
    top_up = {name: chosen[name] for name in TOP_UP_SETTINGS}
    if None in top_up.values() or chosen["funding_address"] == chosen["payout_address"]:
        chosen |= dict.fromkeys(top_up)
    income = shares(parts)
    state = state_of(replace(NOVICE, **chosen), delegators, *MEMBERS, income=income)

    text = "".join(write_settings(state, CHAIN))
    file = read_settings(text, "file")

    [(address, part)] = file.bakers.items()
    assert (file.network, address, file.alert_channels) == (CHAIN, BAKER, state.channels)
    assert part.settings == chosen
    assert part.delegators == delegators
    assert part.income is not None
    assert shares_in(part.income) == tuple(sorted(income, key=lambda share: share.address))
    assert rules_in(part.delegators).keys() | fees_in(part.delegators).keys() == delegators.keys()
    assert part.bond_pool == state.bakers[BAKER].bond_pool


def test_a_file_says_of_every_setting_what_it_means_and_what_it_may_be() -> None:
    lines = list(write_settings(state_of(NOVICE, {}), CHAIN))

    for setting in CATALOGUE.values():
        [said] = [line for line in lines if f"\n{setting.name} = " in line]
        assert setting.meaning in said
        assert setting.range_text in said
        assert setting.none_means in said
    assert "# Cap of a cycle: A cycle that pays more is refused. In mutez." in "".join(lines)
    assert "From 1 to 10080 minutes." in "".join(lines)


def test_what_is_not_named_is_not_meant() -> None:
    file = read_settings(f"{OF_BAKER}update_freq = 5\n", "file")

    part = file.bakers[BAKER]
    assert (part.settings, part.delegators, part.bond_pool) == ({"update_freq": 5}, None, None)
    assert file.alert_channels == ()


MISTAKES = {
    "an unknown key": (f"{OF_BAKER}default_fe = 5", 4, "default_fe: unknown key: the keys here"),
    "an unknown table": (f"{HEAD}[backers.x]\n", 3, "backers: unknown key: the keys here are"),
    "a network as a setting": (f'{OF_BAKER}network = "x"', 4, "network: unknown key"),
    "text for a number": (f'{OF_BAKER}update_freq = "5"', 4, "must be a whole number, not '5'"),
    "a yes for a number": (f"{OF_BAKER}update_freq = true", 4, "must be a whole number, not True"),
    "a fraction of mutez": (f"{OF_BAKER}minimum_payout = 0.5", 4, "must be whole mutez"),
    "out of its range": (f"{OF_BAKER}update_freq = 0", 4, "must be a whole number from 1 to 10080"),
    "a cap of nothing": (f"{OF_BAKER}cycle_cap = 0", 4, "must be 1 mutez or more, or none, not 0"),
    "none where it must be": (f'{OF_BAKER}update_freq = "none"', 4, "must be a whole number"),
    "a fee in quotes": (f'{OF_BAKER}default_fee = "5"', 4, "a percentage without quotes"),
    "a fee too fine": (f"{OF_BAKER}default_fee = 9.955", 4, "not a percentage"),
    "a fee with a power": (f"{OF_BAKER}default_fee = 1e1", 4, "not a percentage"),
    "a fee that is none": (f"{OF_BAKER}default_fee = nan", 4, "'nan' is not a percentage"),
    "a fee above all": (f"{OF_BAKER}default_fee = 101", 4, "not a percentage"),
    "a number for yes": (f"{OF_BAKER}public_page = 1", 4, "must be true or false, not 1"),
    "an unknown mode": (f'{OF_BAKER}mode = "live"', 4, "one of off, simulation, on, not 'live'"),
    "a wallet that cannot sign": (f'{OF_BAKER}payout_address = "{CONTRACT}"', 4, CONTRACT),
    "a date": (f"{OF_BAKER}alias = 2026-11-25", 4, "must be a text in quotes"),
    "a list": (f"{OF_BAKER}alias = [\n]", 4, "must be a text in quotes, or"),
    "a mistyped baker": (f"{HEAD}[bakers.{BAKER[:-1]}x]\n", 3, "checksum"),
    "a baker that is no table": (f"{HEAD}bakers.{BAKER} = 5\n", 3, "this must be a table"),
    "a mistyped delegator": (f"{OF_DELEGATORS}{ANN[:-1]}x = {{ fee = 5 }}", 4, "checksum"),
    "a delegator that cannot be paid": (
        f"{OF_DELEGATORS}{ROLLUP} = {{ fee = 5 }}",
        4,
        "smart rollup",
    ),
    "an override without a fee": (f"{OF_DELEGATORS}\n{ANN} = {{}}", 5, "it says nothing"),
    "a bare fee": (f"{OF_DELEGATORS}{ANN} = 5", 4, "this must be { … } with keys"),
    "an unknown rule": (f"{OF_DELEGATORS}{ANN} = {{ fe = 5 }}", 4, "fe: unknown key: the keys"),
    "a wrong fee": (f"{OF_DELEGATORS}{ANN} = {{ fee = 5 }}\n{BOB} = {{ fee = -5 }}", 5, "'-5' is"),
    "a redirect to what cannot be paid": (
        f'{OF_DELEGATORS}{ANN} = {{ recipient = "{ROLLUP}" }}',
        4,
        "smart rollup",
    ),
    "an unknown listing": (f'{OF_DELEGATORS}{ANN} = {{ listing = "no" }}', 4, "one of ignored"),
    "a share of nothing": (f"{OF_INCOME}{ANN} = {{ of_fees = 0 }}", 4, "it gets nothing"),
    "a share above all": (f"{OF_INCOME}{ANN} = {{ of_fees = 101 }}", 4, "not a percentage"),
    "a member without bond": (f"{OF_POOL}{ANN} = {{ manager = true }}", 4, "the bond is missing"),
    "a bond of nothing": (f"{OF_POOL}{ANN} = {{ bond = 0, manager = true }}", 4, "from 1 to"),
    "a pool without manager": (f"{OF_POOL}{ANN} = {{ bond = 1 }}", 3, "exactly one manager"),
    "an earlier version": (f'version = 0\nnetwork = "{CHAIN}"', 1, "begin with version = 1"),
    "channels that are no names": (f"{HEAD}alert_channels = [\n1]", 3, "a list of names"),
    "the same key twice": (f"{OF_BAKER}update_freq = 5\nupdate_freq = 6\n", 5, "this is not TOML"),
    "no TOML": (f"{OF_BAKER}update_freq: 5\n", 4, "this is not TOML"),
}


@pytest.mark.parametrize(("text", "line", "said"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_in_one_sentence_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(InputError) as refused:
        read_settings(text, "house.toml")

    message = refused.value.message
    assert said in message
    assert message.startswith(f"house.toml, line {line}: ") or f"(at line {line}," in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "this file must begin with version = 1"),
        ("version = true", "this file must begin with version = 1"),
        ("version = 1", "network must be there"),
        ("x = " + "[" * 5_000, "house.toml: "),
        ("x = " + "9" * 5_000, "this is not TOML: Exceeds the limit"),
    ],
)
def test_what_is_no_file_of_settings_at_all_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        read_settings(text, "house.toml")

    assert said in refused.value.message


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("a = 1\n[b]\nc = 2\n", ("b", "c"), 3),
        ("a = 1\n[b]\nc = 2\n", ("b",), 2),
        ("[b.c]\nd = 1\n[b.e]\nd = 2\n", ("b", "e", "d"), 4),
        ('# d\nb = { d = 1 }\nd = """\n\n"""\n', ("d",), 3),
        ("b.c = 1\nb.d = [\n 1,\n 2,\n]\n", ("b", "d"), 2),
        ('"\\u0061" = 1\nb = 1\n', ("a",), 1),
        ("a = 1\n", ("b",), None),
        ("", ("b",), None),
        ("a = 1\n", (), None),
    ],
)
def test_a_key_is_found_however_it_is_written(
    text: str, path: tuple[str, ...], line: int | None
) -> None:
    tomllib.loads(text)

    assert line_of(text, path) == line


@given(st.text(max_size=80))
def test_any_text_is_settings_or_a_mistake_that_is_told(text: str) -> None:
    with pytest.raises(InputError):
        read_settings(f"{HEAD}[bakers.{BAKER}]\nunknown = {text}", "file")


def test_the_example_in_the_documents_is_read_as_they_say() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings-file.md").read_text()
    [example] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)

    [part] = read_settings(example, "example").bakers.values()

    assert (part.settings["default_fee"], part.settings["minimum_payout"]) == (950, 1_000_000)
    assert part.settings["cycle_cap"] is None
    assert [part.delegators, part.bond_pool] != [None, None]
