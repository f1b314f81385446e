"""`bakehouse baker …`: settings go into the ledger whole, and mistakes not at all."""

import asyncio
import getpass
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bakehouse.ledger import audit, bakers
from bakehouse.ledger.bakers import SETTINGS, Baker
from bakehouse.ledger.states import Mode
from bakehouse.rewards.money import BasisPoints
from bakehouse.sandbox.server import SandboxServer
from bakehouse.sandbox.settings import SandboxSettings
from tests.cli.bakers_desk import ANN, BAKER, CONTRACT, MEMBERS, PAYOUT, ROLLUP, Desk, open_desk

MAINNET = "NetXdQprcVkpaWU"


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        yield opened


def baker_of(desk: Desk) -> Baker:
    return desk.read(lambda tx: bakers.get(tx, BAKER))


# add


def test_a_baker_is_registered_with_what_is_said_and_simulates_at_first(desk: Desk) -> None:
    out = desk.done("baker", "add", BAKER, "first_cycle=750", "default_fee=9.5")

    assert out == (
        f"{BAKER} is registered: mode simulation, fee 9.5 %, from cycle 750, paid from {BAKER}\n"
    )
    assert baker_of(desk) == Baker(
        baker_id=BAKER,
        network=MAINNET,
        payout_address=BAKER,
        first_cycle=750,
        default_fee=BasisPoints(950),
        mode=Mode.SIMULATION,
    )


def test_the_ledger_is_for_its_owners_eyes(desk: Desk) -> None:
    desk.register()

    assert desk.ledger_file.stat().st_mode & 0o777 == 0o600
    assert desk.ledger_file.parent.stat().st_mode & 0o777 == 0o700


async def test_without_a_first_cycle_the_one_that_runs_now_is_the_first(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SandboxSettings(delegator_count=1, block_seconds=None, first_cycle=1_234)
    async with await SandboxServer.start(settings) as chain:
        monkeypatch.setenv("BAKEHOUSE_NETWORK", chain.chain_id)
        monkeypatch.setenv("BAKEHOUSE_NODE_URLS", chain.node_url)
        monkeypatch.setenv("BAKEHOUSE_INDEXER_URLS", chain.indexer_url)

        out = await asyncio.to_thread(desk.done, "baker", "add", BAKER)

    assert "from cycle 1234" in out


async def test_a_node_on_another_chain_is_not_asked_for_the_first_cycle(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SandboxSettings(delegator_count=1, block_seconds=None)
    async with await SandboxServer.start(settings) as chain:
        monkeypatch.setenv("BAKEHOUSE_NODE_URLS", chain.node_url)
        monkeypatch.setenv("BAKEHOUSE_INDEXER_URLS", chain.indexer_url)

        line = await asyncio.to_thread(desk.refused, 1, "baker", "add", BAKER)

    assert f"serves chain {chain.chain_id}, but this is about {MAINNET}" in line


def test_without_a_first_cycle_a_node_is_needed(desk: Desk) -> None:
    line = desk.refused(2, "baker", "add", BAKER)

    assert line.startswith("set BAKEHOUSE_NODE_URLS to one or more URLs")


def test_a_url_that_is_none_is_refused_and_not_repeated(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAKEHOUSE_NODE_URLS", "https://fine.example,ftp://user:hunter2@node")
    monkeypatch.setenv("BAKEHOUSE_INDEXER_URLS", "https://fine.example")

    line = desk.refused(2, "baker", "add", BAKER)

    assert line.startswith("a node or indexer needs a URL of the form https://host")
    assert "hunter2" not in line


def test_a_baker_is_registered_once(desk: Desk) -> None:
    desk.register("mode=on")

    line = desk.refused(1, "baker", "add", BAKER, "first_cycle=1", "mode=off")

    assert line == f"the baker {BAKER} is registered already"


def test_a_baker_is_registered_for_the_network_that_is_configured(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAKEHOUSE_NETWORK", "shadownet")
    desk.register()

    assert baker_of(desk).network == "NetXsqzbfFenSTS"


# set and list


def test_every_setting_can_be_set_and_is_listed_as_it_was_written(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It may have the key of the funding wallet.
    monkeypatch.setenv("BAKEHOUSE_REMOTE_SIGNER_URL", "http://localhost:1")
    desk.register()
    written = {
        "alias": "Bake Nug",
        "below_minimum_share": "everyone",
        "burn_payer": "delegator",
        "contract_cost_cap": "100000",
        "delay_blocks_least": "5",
        "delay_blocks_most": "15",
        "excluded_share": "baker",
        "interval_offset": "2",
        "leavers": "pay",
        "maximum_balance": "90000000",
        "minimum_balance": "10000000",
        "minimum_fee_multiple": "2",
        "only_allowed": "yes",
        "over_delegation_protection": "yes",
        "pay_emptied": "no",
        "payout_interval": "3",
        "reward_basis": "ideal",
        "rounding": "fee-floor",
        "share_attestation_rewards": "no",
        "share_block_rewards": "no",
        "share_dal_rewards": "no",
        "share_denunciation_rewards": "yes",
        "share_nonce_rewards": "no",
        "share_vdf_rewards": "no",
        "transfer_fee_payer": "delegator",
        "bond_pool_enabled": "yes",
        "confirm_first_cycle": "no",
        "cycle_cap": "5000000000",
        "default_fee": "9.95 %",
        "first_cycle": "751",
        "funding_address": ANN,
        "target_balance": "9000000000",
        "top_up_cap": "800000000",
        "minimum_payout": "100000",
        "minutes_between_retries": "3",
        "mode": "on",
        "num_blocks_wait": "5",
        "payment_retries": "4",
        "payout_address": PAYOUT,
        "payout_cap": "250000000",
        "payout_delay_cycles": "2",
        "public_page": "yes",
        "scheduled": "no",
        "share_block_fees": "yes",
        "update_freq": "30",
    }
    assert set(written) == set(SETTINGS)

    out = desk.done("baker", "set", BAKER, *(f"{name}={text}" for name, text in written.items()))

    assert out == f"changed: {', '.join(sorted(written))}\n"
    lines = desk.done("baker", "list").splitlines()
    assert lines[0] == BAKER
    assert dict(line.strip().split(" = ") for line in lines[1:]) == written


def test_what_is_not_named_stays_as_it_is(desk: Desk) -> None:
    desk.register("default_fee=5", "alias=Nug")
    before = baker_of(desk)

    desk.done("baker", "set", BAKER, "update_freq=20", "alias=")

    after = baker_of(desk)
    assert (after.update_freq, after.alias) == (20, None)
    assert (after.default_fee, after.mode, after.first_cycle) == (
        before.default_fee,
        before.mode,
        before.first_cycle,
    )


def test_no_bakers_are_listed_as_nothing(desk: Desk) -> None:
    assert desk.done("baker", "list") == ""


def test_who_changed_what_is_in_the_audit_trail(desk: Desk) -> None:
    desk.register()
    desk.done("baker", "set", BAKER, "mode=on")

    changed, added = desk.read(lambda tx: audit.latest(tx, limit=10))
    assert (added.action, changed.action) == ("baker.added", "baker.changed")
    assert changed.actor == added.actor == f"cli:{getpass.getuser()}"
    assert changed.subject == BAKER


def test_a_user_without_a_name_is_known_by_number(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(_uid: int) -> Any:
        raise KeyError("uid not found")

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    desk.register()

    [added] = desk.read(lambda tx: audit.latest(tx, limit=10))
    assert added.actor == f"cli:{os.getuid()}"


BAD_SETTINGS = {
    "default_fee=100.01": "'100.01' is not a percentage from 0 to 100",
    "default_fee=-1": "'-1' is not a percentage from 0 to 100",
    "update_freq=0": "update_freq must be a whole number from 1 to 10080, not 0",
    "update_freq=ten": "update_freq: 'ten' is not a whole number",
    "payment_retries=101": "payment_retries must be a whole number from 0 to 100, not 101",
    "minutes_between_retries=0": "minutes_between_retries must be a whole number from 1 to 1440",
    "num_blocks_wait=1": "num_blocks_wait must be a whole number from 2 to 100, not 1",
    "first_cycle=2147483648": "first_cycle must be a whole number from 0 to 2147483647",
    "minimum_payout=-5": "minimum_payout: '-5' is not a whole number of 0 or more",
    "mode=live": "mode: 'live' is no mode: choose one of off, simulation, on",
    "scheduled=maybe": "scheduled: 'maybe' is neither yes nor no",
    f"payout_address={PAYOUT[:-1]}x": "checksum",
    f"payout_address={CONTRACT}": CONTRACT,
    "colour=blue": "unknown setting 'colour': the settings are alias, below_minimum_share",
    "network=mainnet": "unknown setting 'network'",
    "mode": "'mode' is not a setting: write name=value",
    "=on": "'=on' is not a setting: write name=value",
}


@pytest.mark.parametrize(("assignment", "said"), BAD_SETTINGS.items(), ids=BAD_SETTINGS.keys())
def test_a_bad_setting_is_refused_in_one_line_and_none_beside_it_counts(
    desk: Desk, assignment: str, said: str
) -> None:
    first_cycle = [] if assignment.startswith("first_cycle") else ["first_cycle=1"]
    assert said in desk.refused(2, "baker", "add", BAKER, "alias=x", *first_cycle, assignment)
    desk.register()

    assert said in desk.refused(2, "baker", "set", BAKER, "alias=x", assignment)


@pytest.mark.parametrize("address", ["", "tz1", BAKER[:-1], BAKER[:-1] + "x", CONTRACT, ROLLUP])
def test_an_address_that_is_no_bakers_is_refused_in_one_line(desk: Desk, address: str) -> None:
    desk.register()
    file = str(desk.write("file", MEMBERS))

    for arguments in (
        ["add", address, "first_cycle=1"],
        ["set", address, "mode=on"],
        ["fees", address, str(desk.write("fees.csv", f"{ANN},5"))],
        ["bond-pool", address, file],
    ):
        desk.refused(2, "baker", *arguments)


def test_a_baker_that_is_not_registered_is_refused_in_one_line(desk: Desk) -> None:
    said = f"no baker '{BAKER}' is registered here"

    assert desk.refused(2, "baker", "set", BAKER, "mode=on") == said
    assert desk.refused(2, "baker", "fees", BAKER, str(desk.write("f.csv", f"{ANN},5"))) == said
    assert desk.refused(2, "baker", "bond-pool", BAKER, str(desk.write("m.csv", MEMBERS))) == said


def test_nothing_to_change_is_a_mistake(desk: Desk) -> None:
    desk.register()

    assert desk.refused(2, "baker", "set", BAKER) == "say what to change, as name=value"
    assert desk.refused(2, "baker", "set", BAKER, "mode=on", "mode=off") == "mode is set twice"


def test_a_database_of_another_kind_is_refused_without_its_password(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://user:hunter2@host/db")

    line = desk.refused(2, "baker", "list")

    assert line.startswith("a database of kind 'mysql' is not supported: use sqlite:///PATH")
    assert "hunter2" not in line


def test_an_unknown_variable_stops_every_command(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAKEHOUSE_NODE_URL", "https://user:hunter2@node")

    line = desk.refused(2, "baker", "list")

    assert line.startswith("unknown setting BAKEHOUSE_NODE_URL: the settings are ")
    assert "hunter2" not in line
