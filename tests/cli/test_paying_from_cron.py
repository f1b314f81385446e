"""`pay --pending` and its like, and transfers by hand, as cron runs them, with their codes."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bakehouse.ledger import bakers, distributions, leases
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.distributions import DistributionKey
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode
from tests.cli.bakers_desk import ANN, BAKER, Desk, open_desk
from tests.cli.chain_desk import QUICK, LivingChain, living_chain

KIND = DistributionKind.DELEGATORS

#: Long enough that what is due is paid before the next cycle is over.
LONG_CYCLES = replace(QUICK, blocks_per_cycle=30)


@pytest.fixture
def chain() -> Iterator[LivingChain]:
    # One for each test: what the wallet has paid in another is paid already.
    with living_chain(LONG_CYCLES) as opened:
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


@pytest.fixture
def bare_desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    """A desk without a chain."""
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        yield opened


def register(desk: Desk, chain: LivingChain, *settings: str) -> int:
    """Register the chain's baker as one that has paid before; gives the cycle it begins with."""
    now = chain.server.chain
    first = now.cycle_length.cycle_of(now.head.level) - 1
    desk.done(
        *("baker", "add", chain.baker, "mode=on", f"first_cycle={first}"),
        *(f"payout_address={chain.payout_address}", "payout_delay_cycles=0"),
        *("confirm_first_cycle=no", *settings),
    )
    return first


def told(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    return document


def key_of(chain: LivingChain, cycle: int) -> DistributionKey:
    return DistributionKey(chain.server.chain_id, chain.baker, cycle, KIND, Mode.ON)


def state_of(desk: Desk, chain: LivingChain, cycle: int) -> DistributionState:
    found = desk.read(lambda tx: distributions.get(tx, key_of(chain, cycle)))
    return found.state


def sent(chain: LivingChain, address: str) -> list[int]:
    transfers = chain.server.transfers_from(chain.payout_address)
    return [each.amount for each in transfers if each.destination == address]


def mark_failed(desk: Desk, chain: LivingChain, cycle: int) -> None:
    async def fail() -> None:
        ledger = await Ledger.open(f"sqlite:///{desk.ledger_file}")
        async with ledger.write() as tx:
            at = datetime.now(UTC)
            distribution = await distributions.ensure(tx, key_of(chain, cycle), at=at)
            to = DistributionState.FAILED
            await distributions.enter_state(tx, distribution, to, at=at, message="cycle-cap: no")
        await ledger.close()

    asyncio.run(fail())


def test_nothing_due_is_no_failure_unless_one_wants_to_know(desk: Desk, chain: LivingChain) -> None:
    # From a cycle on that is far ahead.
    register(desk, chain)
    desk.done("baker", "set", chain.baker, "first_cycle=99999")

    assert desk.done("pay", "--pending") == "nothing to do\n"
    code, out, _ = desk.run("pay", "--pending", "--detailed-exit-code", "--json")

    assert (code, told(out)["outcome"]) == (6, "nothing")


def test_all_that_is_due_is_paid_the_oldest_first(desk: Desk, chain: LivingChain) -> None:
    first = register(desk, chain)

    paid = told(desk.done("pay", "--pending", "--json"))

    assert paid["outcome"] == "paid"
    (run,) = paid["bakers"]
    cycles = [each["cycle"] for each in run["payments"]]
    assert cycles == sorted(cycles)
    assert cycles[0] == first
    assert state_of(desk, chain, first) is DistributionState.PAID


def test_a_failed_cycle_is_told_of_and_taken_up_by_ones_word_only(
    desk: Desk, chain: LivingChain
) -> None:
    first = register(desk, chain)
    mark_failed(desk, chain, first)

    code, out, _ = desk.run("pay", "--one", "--json")
    assert code == 4
    (run,) = told(out)["bakers"]
    assert run["failed"] == [{"cycle": first, "kind": "delegators"}]
    assert state_of(desk, chain, first) is DistributionState.FAILED

    retried = told(desk.done("pay", "--failed", "--json"))

    assert [each["cycle"] for each in retried["bakers"][0]["payments"]] == [first]
    assert state_of(desk, chain, first) is DistributionState.PAID


def test_what_is_refused_again_stays_failed(desk: Desk, chain: LivingChain) -> None:
    first = register(desk, chain, "cycle_cap=1")
    mark_failed(desk, chain, first)

    code, out, _ = desk.run("pay", "--failed")

    assert code == 1
    assert f"cycle {first}, delegators: refused: cycle-cap: " in out
    assert state_of(desk, chain, first) is DistributionState.FAILED


def test_held_payouts_and_a_wallet_that_is_busy_elsewhere_have_codes_of_their_own(
    desk: Desk, chain: LivingChain
) -> None:
    first = register(desk, chain, "payout_cap=1")
    lock_wallet(desk, chain, timedelta(seconds=30))
    code, out, _ = desk.run("pay", "--one", "--patience", "0")
    assert code == 5
    assert f"cycle {first}, delegators: another process is at work" in out
    lock_wallet(desk, chain, timedelta(0))

    code, out, _ = desk.run("pay", "--one")

    assert code == 3
    assert "held, see `bakehouse held" in out


def lock_wallet(desk: Desk, chain: LivingChain, duration: timedelta) -> None:
    async def lock() -> None:
        ledger = await Ledger.open(f"sqlite:///{desk.ledger_file}")
        async with ledger.write() as tx:
            await leases.acquire(
                tx,
                chain.server.chain_id,
                chain.payout_address,
                holder="another",
                at=datetime.now(UTC),
                seconds=int(duration.total_seconds()),
            )
        await ledger.close()

    asyncio.run(lock())


def test_a_month_is_paid_by_the_timestamps_of_blocks_and_a_span_in_order(
    desk: Desk, chain: LivingChain
) -> None:
    first = register(desk, chain)
    now = datetime.now(UTC)
    last_year = f"{now.year - 1}-{now.month:02d}"

    assert desk.done("pay", chain.baker, "--month", last_year) == "nothing to do\n"
    paid = told(desk.done("pay", chain.baker, "--month", f"{now:%Y-%m}", "--json"))

    assert paid["outcome"] == "paid"
    cycles = [each["cycle"] for each in paid["bakers"][0]["payments"]]
    assert cycles[0] == first
    span = f"{first}..{cycles[-1]}"
    again = desk.done("pay", chain.baker, "--cycle", span)
    assert again.count("settled") == len(cycles)


def test_what_cannot_be_meant_is_refused_before_anything_is_opened(bare_desk: Desk) -> None:
    for arguments, complaint in (
        ((), "say what to pay"),
        (("--pending", "--one"), "say what to pay"),
        (("--cycle", "7..3"), "neither a cycle nor a span"),
        (("--cycle", "x"), "neither a cycle nor a span"),
        (("--month", "2026-13"), "is not a month"),
        (("--month", "26-1"), "is not a month"),
        (("--month", "2026-10"), "name the baker"),
        (("--cycle", "7"), "name the baker"),
    ):
        assert complaint in bare_desk.refused(2, "pay", *arguments)


# by hand


def test_a_transfer_by_hand_is_done_once_however_often_it_is_given(
    desk: Desk, chain: LivingChain
) -> None:
    register(desk, chain)
    order = ("transfer", ANN, "1.5", "--key", "may", "--why", "rent of May")

    out = desk.done(*order)
    assert "1.500000 tez to" in out
    assert out.endswith("(key may): done\n")
    again = told(desk.done(*order, "--json"))

    assert (again["state"], again["amount"], again["key"]) == ("done", "1500000", "may")
    assert sent(chain, ANN) == [1_500_000]
    line = desk.refused(1, "transfer", ANN, "1.6", "--key", "may")
    assert "the key 'may' is taken by another order" in line
    listed = told(desk.done("orders", "list", "--json"))["orders"]
    assert [each["state"] for each in listed] == ["done"]
    assert "signed already" in desk.refused(1, "orders", "give-up", "may", "--why", "x")


def test_a_refused_transfer_exits_with_1_and_a_reveal_that_is_not_needed_with_0(
    desk: Desk, chain: LivingChain
) -> None:
    register(desk, chain)

    code, out, _ = desk.run("transfer", ANN, "999999999", "--spend-owed")
    assert code == 1
    assert "failed: balance-covers: the wallet" in out

    desk.done("settle", "pay", ANN, "0.2", "--why", "too little in 750", "--key", "750")
    assert sent(chain, ANN) == [200_000]
    assert desk.done("reveal") == "it is revealed already\n"


def test_what_was_paid_twice_is_deducted_with_consent_until_it_is_waived(bare_desk: Desk) -> None:
    desk = bare_desk
    desk.register()

    twice = ("settle", "deduct", ANN, "3", "--why", "paid twice", "--key", "oo1")
    agreed = told(desk.done(*twice, "--consent", "Ann, by mail", "--json"))
    assert told(desk.done(*twice, "--consent", "Ann, by mail", "--json")) == agreed
    assert (agreed["left"], agreed["consent"]) == ("3000000", "Ann, by mail")
    assert "3.000000 tez from" in desk.done("settle", "list")
    waived = told(desk.done("settle", "waive", "1", "--why", "let it be", "--json"))
    assert waived["left"] == "0"
    assert "nothing is left" in desk.refused(1, "settle", "waive", "1", "--why", "again")
    assert "say who agreed" in desk.refused(
        2, "settle", "deduct", ANN, "3", "--why", "x", "--consent", " "
    )


def test_with_two_bakers_one_has_to_say_whose_wallet(bare_desk: Desk) -> None:
    bare_desk.register()
    bare_desk.done("baker", "add", ANN, "first_cycle=1")

    assert "2 bakers are registered: say whose" in bare_desk.refused(2, "transfer", ANN, "1")


def test_top_up_settings_that_contradict_each_other_are_refused(bare_desk: Desk) -> None:
    bare_desk.register()
    change = ("baker", "set", BAKER)

    for settings, complaint in (
        ((f"funding_address={ANN}", "target_balance=5", "top_up_cap=5"), "there is no key for"),
        (("top_up_cap=0",), "top_up_cap must be 1 mutez or more"),
        (("target_balance=5",), "topping up takes"),
        (("target_balance=5", "top_up_cap=9"), "funding_address is none"),
    ):
        assert complaint in bare_desk.refused(2, *change, *settings)
    assert bare_desk.read(lambda tx: bakers.get(tx, BAKER)).funding_address is None
