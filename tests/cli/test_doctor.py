"""`bakehouse doctor` on what a baker sets: rules, hooks, channels, funding wallet, secret key."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bakehouse.cli.checks import machine
from bakehouse.cli.checks.finding import Finding, Verdict
from bakehouse.cli.checks.rules import check_rules
from bakehouse.cli.checks.services import judge_server
from bakehouse.config import load_config
from bakehouse.ledger import bakers, payout_rules
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.postgresql_facts import OLDEST_TESTED, ServerFacts
from bakehouse.opening import utc_now
from bakehouse.payments.payer import PaymentLimits
from bakehouse.payments.standing import standings
from bakehouse.rewards.money import BasisPoints, Mutez
from bakehouse.rewards.payout_rules import IncomeShare
from tests.alerts.webhook import free_port
from tests.cli.bakers_desk import ANN, BAKER, BOB, Desk, open_desk
from tests.cli.chain_desk import LivingChain, living_chain
from tests.hooks.programs import GO, program

Change = Callable[[AsyncConnection], Awaitable[object]]


@pytest.fixture(scope="module")
def chain() -> Iterator[LivingChain]:
    with living_chain() as opened:
        yield opened


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        yield opened


def change(desk: Desk, *changes: Change) -> None:
    """Write what no command would let through, as an older version might have."""

    async def enter() -> None:
        ledger = await Ledger.open(f"sqlite:///{desk.ledger_file}")
        async with ledger.write() as tx:
            for each in changes:
                await each(tx)
        await ledger.close()

    asyncio.run(enter())


def looked(desk: Desk) -> dict[str, list[dict[str, str]]]:
    """What the doctor finds, by subject."""
    _, out, err = desk.run("doctor", "--json")
    assert not err
    found: dict[str, list[dict[str, str]]] = {}
    for each in json.loads(out)["findings"]:
        found.setdefault(each["subject"], []).append(each)
    return found


def test_every_newer_setting_is_looked_at_and_what_is_wrong_comes_with_what_to_do(
    desk: Desk, chain: LivingChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain.set_up(desk, monkeypatch)
    desk.done("baker", "add", chain.baker, f"payout_address={chain.payout_address}")
    gone = program(desk.folder, GO)
    desk.done(*("hooks", "add", chain.baker, "limits", "--at", "before-paying"), "--program", gone)
    url = f"http://127.0.0.1:{free_port()}/"
    desk.done(*("hooks", "add", chain.baker, "books", "--at", "paid"), "--url", url)
    channel = desk.write("channel.url", f"json://127.0.0.1:{free_port()}/")
    desk.done("alerts", "add", "phone", "--url-file", str(channel))
    desk.run("alerts", "test", "phone")
    desk.done("announcements", "set", chain.baker, "--on")
    Path(gone).unlink()
    clash = (IncomeShare(ANN, of_fees=BasisPoints(9_000)), IncomeShare(BOB, BasisPoints(1)))

    async def contradict(tx: AsyncConnection) -> None:
        baker = await bakers.get(tx, chain.baker)
        shares = (*clash, IncomeShare(chain.payout_address, of_fees=BasisPoints(1)))
        await payout_rules.replace_income(
            tx, baker, shares, actor="test", at=utc_now(), checks_rules=False
        )

    change(desk, contradict)

    found = looked(desk)

    told = {
        subject: (each["verdict"], each["seen"], each["advice"])
        for subject in found
        for each in found[subject]
    }
    expected = {
        f"rules of {chain.baker}": ("fail", "which is the wallet that pays", "nothing is planned"),
        f"hook limits of {chain.baker}": ("fail", "No such file", "bakehouse hooks off"),
        f"hook books of {chain.baker}": ("warn", "cannot be reached", "its service runs"),
        "channel phone": ("warn", "was not taken", "bakehouse alerts test phone"),
        f"announcements of {chain.baker}": ("warn", "no channel is for them", "alerts add"),
    }
    for subject, (verdict, seen, advice) in expected.items():
        assert told[subject][0] == verdict, told[subject]
        assert seen in told[subject][1], told[subject]
        assert advice in told[subject][2], told[subject]
    assert told["secret key"][0] == "ok"
    assert "alerts" not in told

    (desk.folder / "data" / "secret.key").write_text("0" * 63)
    blind = looked(desk)

    assert "holds no key" in blind["secret key"][0]["seen"]
    assert blind["channel phone"][0]["verdict"] == "fail"
    assert "alerts set phone" in blind["channel phone"][0]["advice"]


def test_a_funding_wallet_is_looked_at_like_the_one_it_fills(
    desk: Desk, chain: LivingChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain.set_up(desk, monkeypatch)
    wallet = f"payout_address={chain.payout_address}"
    desk.done("baker", "add", chain.baker, wallet)
    settings = {"target_balance": Mutez(10**15), "top_up_cap": Mutez(10**9)}

    def fund(address: str) -> Change:
        return lambda tx: bakers.change(
            tx, chain.baker, {"funding_address": address, **settings}, actor="t", at=utc_now()
        )

    subject = f"funding wallet of {chain.baker}"
    change(desk, fund(BOB))
    unknown = looked(desk)
    # Whose key is there, and which has less than it is to fill up to.
    other = {"payout_address": BOB, "funding_address": chain.payout_address, **settings}
    change(desk, lambda tx: bakers.change(tx, chain.baker, other, actor="t", at=utc_now()))
    poor = looked(desk)

    assert unknown[subject][0]["verdict"] == "fail"
    assert f"no key for the payout address {BOB}" in unknown[subject][0]["seen"]
    assert poor[subject][0]["verdict"] == "warn"
    assert "less than target_balance" in poor[subject][0]["seen"]
    assert f"bakehouse wallet qr {chain.payout_address}" in poor[subject][0]["advice"]
    # Nobody was entered who would be told.
    assert "nobody is told" in poor["alerts"][0]["seen"]


BLOCKS_PER_CYCLE = 100


@pytest.mark.parametrize(
    ("settings", "cost", "told"),
    [
        ({"only_allowed": True}, None, "nobody is on the allow-list"),
        ({"cycle_cap": Mutez(10)}, 11, "more than cycle_cap"),
        ({"cycle_cap": Mutez(11)}, 11, ""),
        ({"delay_blocks_least": 90, "delay_blocks_most": 98}, None, "later and later"),
        ({"delay_blocks_most": 97}, None, ""),
        ({}, None, ""),
    ],
)
async def test_rules_that_are_allowed_and_seldom_meant_are_doubted(
    desk: Desk, settings: dict[str, object], cost: int | None, told: str
) -> None:
    await asyncio.to_thread(desk.register)
    ledger = await Ledger.open(f"sqlite:///{desk.ledger_file}")
    async with ledger.write() as tx:
        await bakers.change(tx, BAKER, settings, actor="test", at=utc_now())
    (standing,) = await standings(ledger)
    standing = replace(standing, cycle_cost=None if cost is None else Mutez(cost))

    async def constants() -> SimpleNamespace:
        return SimpleNamespace(blocks_per_cycle=BLOCKS_PER_CYCLE)

    payer = SimpleNamespace(ledger=ledger, node=SimpleNamespace(constants=constants))
    findings = [each async for each in check_rules(payer, standing, "Rye")]  # type: ignore[arg-type]
    await ledger.close()

    (found,) = findings
    assert found.verdict is (Verdict.WARN if told else Verdict.OK)
    assert told in found.seen


@pytest.mark.parametrize(
    ("server", "verdict", "told"),
    [
        (ServerFacts("15.4", OLDEST_TESTED, survives_power_cut=True), Verdict.OK, "15.4 answers"),
        (ServerFacts("14.9", 14, survives_power_cut=True), Verdict.WARN, "older than 15"),
        (ServerFacts("17.1", 17, survives_power_cut=False), Verdict.FAIL, "power cut may lose"),
    ],
)
def test_a_server_is_judged_by_its_version_and_by_what_a_power_cut_leaves(
    server: ServerFacts, verdict: Verdict, told: str
) -> None:
    found = judge_server(server)

    assert found.verdict is verdict
    assert told in found.seen


@pytest.mark.usefixtures("desk")
def test_a_disk_too_full_to_sign_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    least = PaymentLimits().free_bytes_min

    def disk(free: int) -> Finding:
        monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
        (found,) = [
            each for each in machine.check_machine(load_config({})) if each.subject == "disk"
        ]
        return found

    assert disk(least - 1).verdict is Verdict.FAIL
    assert disk(least).verdict is Verdict.WARN
    assert disk(10 * least).verdict is Verdict.OK
