"""The commands that read the chain, as a person runs them: init, status, simulate, pay, doctor."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bakehouse.ledger import bakers, distributions
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.states import Mode
from bakehouse.tezos.base58check import Prefix, encode
from tests.cli.bakers_desk import ANN, BOB, Desk, open_desk
from tests.cli.chain_desk import LivingChain, living_chain

WHY = ("--why", "looks right")

#: No operation of any chain.
UNKNOWN = encode(Prefix.OPERATION_HASH, bytes(range(32)))
#: Whom no command of this file pays.
UNPAID = encode(Prefix.TZ1, b"never paid anything!")


@pytest.fixture(scope="module")
def chain() -> Iterator[LivingChain]:
    with living_chain() as opened:
        yield opened


@pytest.fixture
def desk(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    chain: LivingChain,
) -> Iterator[Desk]:
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        chain.set_up(opened, monkeypatch)
        yield opened


def register(desk: Desk, chain: LivingChain, *settings: str) -> None:
    """Register the chain's baker, for its first cycle and those after it."""
    desk.done(
        "baker",
        "add",
        chain.baker,
        f"payout_address={chain.payout_address}",
        f"first_cycle={chain.first_cycle}",
        "payout_delay_cycles=0",
        *settings,
    )


def document(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def baker_of(desk: Desk, chain: LivingChain) -> Baker:
    return desk.read(lambda tx: bakers.get(tx, chain.baker))


# init


def test_init_sets_up_a_baker_in_simulation_and_tells_the_next_step(
    desk: Desk, chain: LivingChain
) -> None:
    out = desk.done("init", "--baker", chain.baker, "--fee", "9.5", "--wallet", "new")

    baker = baker_of(desk, chain)
    assert (baker.mode, baker.default_fee, baker.update_freq) == (Mode.SIMULATION, 950, 10)
    keys = desk.folder / "data" / "keys"
    assert (keys / f"{baker.payout_address}.key").exists()
    assert f"is set up in mode {Mode.SIMULATION}" in out
    assert f"bakehouse baker set {chain.baker} mode=on" in out


def test_init_links_a_wallet_that_is_there(desk: Desk, chain: LivingChain) -> None:
    told = document(
        desk.done(
            "init",
            *("--baker", chain.baker, "--wallet", chain.payout_address, "--alias", "Ann's bakery"),
            *("--update-freq", "30", "--json"),
        )
    )

    assert (told["payout_address"], told["key_file"]) == (chain.payout_address, None)
    assert (told["alias"], told["update_freq"]) == ("Ann's bakery", 30)
    assert told["next"][0] == f"bakehouse wallet qr {chain.payout_address}"


def test_init_refuses_an_address_that_bakes_nothing_here(desk: Desk, chain: LivingChain) -> None:
    line = desk.refused(1, "init", "--baker", ANN, "--wallet", chain.payout_address)

    assert line.startswith(f"{ANN} is no registered baker on {chain.server.chain_id}")


def test_init_refuses_a_baker_that_is_set_up(desk: Desk, chain: LivingChain) -> None:
    register(desk, chain)

    line = desk.refused(1, "init", "--baker", chain.baker, "--wallet", chain.payout_address)

    assert "is registered already" in line


def test_init_without_a_person_needs_to_be_told_the_baker(desk: Desk) -> None:
    assert "--baker ADDRESS" in desk.refused(2, "init")


# simulate


def test_simulate_shows_the_plan_by_the_bakers_own_settings(desk: Desk, chain: LivingChain) -> None:
    register(desk, chain, "default_fee=7.5")

    out = desk.done("simulate", chain.baker, "--cycle", str(chain.first_cycle))

    assert out.startswith(f"Payout plan of cycle {chain.first_cycle}, baker {chain.baker}")
    assert "Proven: every row and every sum adds up to the mutez." in out
    assert "Fee 7.5 %" in out
    assert "No earlier cycle was planned here" in out
    assert desk.read(lambda tx: distributions.of_baker(tx, chain.baker)) == []


def test_simulate_tries_another_fee_and_minimum(desk: Desk, chain: LivingChain) -> None:
    register(desk, chain)
    cycle = ("--cycle", str(chain.first_cycle), "--json")

    as_set = document(desk.done("simulate", chain.baker, *cycle))
    tried = document(desk.done("simulate", chain.baker, *cycle, "--fee", "0", "--minimum", "1000"))

    assert as_set["rules"]["default_fee_basis_points"] == 1_000
    assert (tried["total_fees"], tried["rules"]["minimum_payout"]) == ("0", "1000")
    assert int(tried["total_net"]) > int(as_set["total_net"])
    assert tried["is_final"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fee", "101"], "is not a percentage"),
        (["--cycle", "99999"], "cycle 99999 has not begun"),
        (["--minimum", "-1"], "--minimum"),
    ],
)
def test_simulate_refuses_what_cannot_be(
    desk: Desk, chain: LivingChain, arguments: list[str], said: str
) -> None:
    register(desk, chain)

    assert said in desk.refused(2, "simulate", chain.baker, *arguments)


def test_simulate_is_for_registered_bakers(desk: Desk) -> None:
    assert "no baker" in desk.refused(2, "simulate", ANN)


# pay


def test_a_cycle_is_paid_to_its_end_and_paying_it_again_pays_nothing(
    desk: Desk, chain: LivingChain
) -> None:
    register(desk, chain, "mode=on", "bond_pool_enabled=yes")
    members = desk.write(
        "members.csv", f"address,amount,adm_charge,is_manager,name\n{ANN},10,0,yes,Ann\n"
    )
    desk.done("bond-pool", "import", chain.baker, str(members))
    cycle = ("--cycle", str(chain.first_cycle))

    code, out, _ = desk.run("pay", chain.baker, *cycle)
    assert code == 3
    assert f"`bakehouse go {chain.baker} {chain.first_cycle} --why …`" in out
    desk.done("go", chain.baker, str(chain.first_cycle), *WHY)

    paid = document(desk.done("pay", chain.baker, *cycle, "--json"))

    delegators, bond_pool = paid["payments"]
    assert (delegators["kind"], bond_pool["kind"]) == ("delegators", "bond_pool")
    assert (delegators["state"], bond_pool["state"]) == ("paid", "paid")
    assert delegators["paid"] == delegators["payouts"] > 0
    transfers = len(chain.server.transfers_from(chain.payout_address))
    assert transfers == delegators["paid"] + 1

    again = desk.done("pay", chain.baker, *cycle)
    assert f"{delegators['paid']} of {delegators['payouts']} payouts paid; settled" in again
    assert len(chain.server.transfers_from(chain.payout_address)) == transfers

    [row] = document(desk.done("status", "--json"))["bakers"]
    assert row["last_settled_cycle"] == chain.first_cycle
    assert row["wallet"]["cycles_covered"] > 0
    later = ("--cycle", str(chain.first_cycle + 2))
    assert "cycles are paid in order" in desk.refused_line(1, "pay", chain.baker, *later)


@pytest.mark.parametrize("mode", [Mode.SIMULATION, Mode.OFF])
def test_nothing_is_paid_for_a_baker_that_is_not_on(
    desk: Desk, chain: LivingChain, mode: Mode
) -> None:
    register(desk, chain, f"mode={mode}")

    line = desk.refused(1, "pay", chain.baker, "--cycle", str(chain.first_cycle))

    assert f"is in mode {mode}: nothing is paid" in line
    assert f"`bakehouse baker set {chain.baker} mode=on`" in line


def test_a_cycle_before_the_first_or_not_due_is_not_paid(desk: Desk, chain: LivingChain) -> None:
    register(desk, chain, "mode=on")

    early = desk.refused_line(1, "pay", chain.baker, "--cycle", str(chain.first_cycle - 1))
    late = desk.refused_line(1, "pay", chain.baker, "--cycle", "99999")

    assert "is older than the first" in early
    assert "cycle 99999 is not due" in late


def test_a_cycle_that_is_planned_can_be_held_for_one_person(desk: Desk, chain: LivingChain) -> None:
    register(desk, chain, "mode=on")
    cycle = str(chain.first_cycle)
    desk.run("pay", chain.baker, "--cycle", cycle)
    largest = document(desk.done("export", "payouts", chain.baker, "--json").splitlines()[0])

    out = desk.done("hold", chain.baker, cycle, largest["owed_to"], *WHY)

    assert out == "1 payouts are held\n"
    [held] = document(desk.done("held", chain.baker, "--json"))["held"]
    assert (held["owed_to"], held["net"]) == (largest["owed_to"], largest["net"])
    code, _, _ = desk.run("status", "--check")
    assert code == 3


# status and doctor


def test_status_says_what_to_begin_with(desk: Desk) -> None:
    out = desk.done("status")

    assert "Bakehouse is not running here" in out
    assert "`bakehouse init`" in out


def test_status_works_without_a_node(
    desk: Desk, chain: LivingChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(desk, chain)
    monkeypatch.setenv("BAKEHOUSE_NODE_URLS", "http://127.0.0.1:1")

    told = document(desk.done("status", "--json"))

    [row] = told["bakers"]
    assert (told["running"], row["baker"], row["mode"]) == (False, chain.baker, "simulation")
    assert row["wallet"]["balance"] is None
    assert "cannot be reached" in row["wallet"]["trouble"]


def test_doctor_finds_nothing_wrong_where_all_is_well(desk: Desk, chain: LivingChain) -> None:
    register(desk, chain, "mode=on")
    url = desk.write("channel.url", "json://127.0.0.1:9/")
    desk.done("alerts", "add", "phone", "--url-file", str(url))

    findings = document(desk.done("doctor", "--json"))["findings"]

    assert {each["verdict"] for each in findings} == {"ok"}
    subjects = {each["subject"] for each in findings}
    assert {"ledger", "queue", "agreement", "disk", "passphrase", "secret key"} <= subjects
    assert {f"signer of {chain.baker}", f"rules of {chain.baker}", "channel phone"} <= subjects


def test_doctor_names_what_is_wrong_and_what_to_do(
    desk: Desk, chain: LivingChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(desk, chain, "mode=on")
    # Not Ann: she is paid in another of these tests.
    desk.done("baker", "set", chain.baker, f"payout_address={BOB}")
    (desk.folder / "data").chmod(0o755)
    (desk.folder / "data" / "keys" / "payout.key").chmod(0o644)
    monkeypatch.setenv("BAKEHOUSE_NODE_URLS", f"{chain.server.node_url},http://127.0.0.1:1")

    code, out, _ = desk.run("doctor", "--json")

    assert code == 1
    verdicts = {each["subject"]: each for each in document(out)["findings"]}
    assert verdicts["data directory"]["advice"].startswith("run chmod 700")
    assert verdicts["key file payout.key"]["verdict"] == "fail"
    assert verdicts["node"]["verdict"] == "fail"
    assert "BAKEHOUSE_NODE_URLS" in verdicts["node"]["advice"]
    assert verdicts[f"wallet of {chain.baker}"]["verdict"] == "fail"
    code, out, _ = desk.run("doctor")
    assert code == 1
    assert "→ run chmod 700" in out


def test_doctor_tells_another_network_by_name(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAKEHOUSE_NETWORK", "mainnet")

    code, out, _ = desk.run("doctor")

    assert code == 1
    assert "correct BAKEHOUSE_NODE_URLS or BAKEHOUSE_NETWORK" in out


def test_doctor_says_what_is_not_set_at_all(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BAKEHOUSE_NODE_URLS")
    monkeypatch.delenv("BAKEHOUSE_INDEXER_URLS")

    code, out, _ = desk.run("doctor")

    assert code == 1
    assert "set BAKEHOUSE_NODE_URLS" in out
    assert "set BAKEHOUSE_INDEXER_URLS" in out


def test_what_a_wallet_holds_is_shown(desk: Desk, chain: LivingChain) -> None:
    [wallet] = document(desk.done("wallet", "show", "--json"))["wallets"]

    assert wallet["address"] == chain.payout_address
    assert int(wallet["balance"]) > 0
    assert f"balance  {int(wallet['balance']) // 1_000_000:,}" in desk.done("wallet", "show")


# import


def test_history_is_looked_up_on_the_chain_that_is_set(desk: Desk, chain: LivingChain) -> None:
    config = desk.write("config.hjson", f"baker: {chain.baker}\nincome_recipients: {{}}\n")
    report = desk.folder / "reports" / str(chain.first_cycle) / "payouts.csv"
    report.parent.mkdir(parents=True)
    report.write_text(
        "baker,cycle,kind,op_kind,delegator,recipient,amount,op_hash,success\n"
        f"{chain.baker},{chain.first_cycle},delegator reward,tez,"
        f"{UNPAID},{UNPAID},7,{UNKNOWN},true\n"
    )
    arguments = ("import", "tezpay", str(config), str(desk.folder / "reports"))
    wallet = ("--payout-address", chain.payout_address)

    told = document(desk.done(*arguments, *wallet, "--apply", "--yes", "--json"))

    # The report calls it paid: the chain does not.
    assert (told["applied"], told["paid"]["payments"], len(told["held"])) == (True, 0, 1)
    assert f"by {UNKNOWN}, which has not paid it; provably not paid" in told["held"][0]["reason"]
    assert told["checked_to_level"] > 0
    baker = baker_of(desk, chain)
    assert (baker.mode, baker.first_cycle) == (Mode.SIMULATION, chain.first_cycle + 1)
    assert baker.payout_address == chain.payout_address
    again = desk.done(*arguments, *wallet, "--apply", "--yes")
    assert again.endswith("All of it is here already: nothing changes.\n")
