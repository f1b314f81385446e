"""`bakehouse pause, go, retry, held, release, drop, cancel, declare-dead`, by themselves."""

import getpass
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakehouse.ledger import audit, bakers, distributions, operations, payouts
from bakehouse.ledger.audit import AuditEvent
from bakehouse.ledger.distributions import Distribution, DistributionKey
from bakehouse.ledger.operations import Operation
from bakehouse.ledger.payouts import Payout
from bakehouse.ledger.states import (
    Death,
    DistributionKind,
    DistributionState,
    Mode,
    OperationState,
    PayoutState,
)
from tests.cli import paid_ledger
from tests.cli.bakers_desk import ANN, BAKER, Desk, open_desk
from tests.cli.paid_ledger import Played, play

#: What is played once a process is played by one.
pytestmark = pytest.mark.xdist_group("paid_ledger")

WHY = "looked at it"
NOBODYS_HASH = "ooy4DGcw16NnfLXHoAaxd7P593jcqzqhtLW6h844HgrHyde4R37"


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        yield opened


def distribution_of(desk: Desk, played: Played) -> Distribution:
    async def read(tx: object) -> Distribution:
        [found] = await distributions.of_baker(tx, played.baker_id)  # type: ignore[arg-type]
        return found

    return desk.read(read)


def payouts_of(desk: Desk, played: Played) -> dict[str, Payout]:
    distribution = distribution_of(desk, played)
    rows = desk.read(lambda tx: payouts.of_distribution(tx, distribution))
    return {row.owed_to: row for row in rows}


def operation_of(desk: Desk, operation_hash: str) -> Operation:
    found = desk.read(lambda tx: operations.find(tx, operation_hash))
    assert found is not None
    return found


def last_event(desk: Desk) -> AuditEvent:
    [event] = desk.read(lambda tx: audit.latest(tx, limit=1))
    assert desk.read(audit.first_broken_link) is None
    return event


def assert_on_record(desk: Desk, action: str, subject: str) -> None:
    event = last_event(desk)
    assert (event.action, event.subject) == (action, subject)
    assert event.actor == f"cli:{getpass.getuser()}"
    assert event.detail["why"] == WHY


def test_pause_switches_a_baker_off_and_says_what_may_still_happen(desk: Desk) -> None:
    played = play(desk, paid_ledger.in_flight)

    out = desk.done("pause", played.baker_id, "--why", WHY)

    assert out.startswith(f"{played.baker_id} is off: nothing is signed or sent.")
    assert desk.read(lambda tx: bakers.get(tx, played.baker_id)).mode is Mode.OFF
    assert_on_record(desk, "baker.paused", played.baker_id)


def test_go_lets_the_first_cycle_go(desk: Desk) -> None:
    played = play(desk, paid_ledger.waiting_for_a_go, confirm_first_cycle=True)

    out = desk.done("go", *played.arguments, "--why", WHY)

    assert out == (
        f"cycle {played.cycle} may go: a running Bakehouse takes it up within a minute\n"
    )
    distribution = distribution_of(desk, played)
    assert distribution.approved_at is not None
    assert_on_record(desk, "distribution.approved", str(distribution.key))
    line = desk.refused(1, "go", *played.arguments, "--why", WHY)
    assert "needs no go" in line


def test_retry_has_a_failed_cycle_taken_up_again(desk: Desk) -> None:
    played = play(desk, paid_ledger.failed)

    out = desk.done("retry", *played.arguments, "--why", WHY)

    assert out.startswith(f"cycle {played.cycle} will be tried again")
    distribution = distribution_of(desk, played)
    assert distribution.state is DistributionState.PLANNED
    assert_on_record(desk, "distribution.retried", str(distribution.key))
    line = desk.refused(1, "retry", *played.arguments, "--why", WHY)
    assert "is planned, not failed: there is nothing to retry" in line


def test_held_lists_whom_for_how_much_and_why(desk: Desk) -> None:
    played = play(desk, paid_ledger.two_held)
    largest = payouts_of(desk, played)[played.about]

    out = desk.done("held", played.baker_id)

    *lines, last = out.splitlines()
    assert last == "2 payouts are held"
    assert len(lines) == 4
    assert any(
        line.startswith(f"cycle {played.cycle}  {largest.owed_to}  0.{largest.net:06d} tez")
        for line in lines
    )
    assert f"  {largest.reason}" in lines


def test_held_says_so_when_nothing_is(desk: Desk) -> None:
    played = play(desk, paid_ledger.planned)

    assert desk.done("held", played.baker_id) == "0 payouts are held\n"


def test_release_lets_one_person_be_paid_and_reopens_the_cycle(desk: Desk) -> None:
    played = play(desk, paid_ledger.two_held)
    assert distribution_of(desk, played).state is DistributionState.PAID

    out = desk.done("release", *played.arguments, played.about, "--why", WHY)

    assert out == "1 payouts will be paid\n"
    rows = payouts_of(desk, played)
    states = [row.state for row in rows.values()]
    assert rows[played.about].state is PayoutState.OWED
    assert states.count(PayoutState.HELD) == 1
    assert distribution_of(desk, played).state is DistributionState.PAYING


def test_release_of_all_lets_all_be_paid(desk: Desk) -> None:
    played = play(desk, paid_ledger.two_held)

    assert desk.done("release", *played.arguments, "--why", WHY) == "2 payouts will be paid\n"

    states = [row.state for row in payouts_of(desk, played).values()]
    assert states.count(PayoutState.OWED) == 2


def test_drop_keeps_held_payouts_from_ever_being_paid(desk: Desk) -> None:
    played = play(desk, paid_ledger.two_held)

    out = desk.done("drop", *played.arguments, played.about, "--why", WHY)

    assert out == "1 payouts will never be paid\n"
    row = payouts_of(desk, played)[played.about]
    assert row.state is PayoutState.DROPPED
    assert row.reason == f"{WHY} (cli:{getpass.getuser()})"
    subject = f"{played.baker_id}/{played.cycle}/delegator/{played.about}"
    assert_on_record(desk, "payout.dropped", subject)


@pytest.mark.parametrize("command", ["release", "drop"])
def test_who_is_not_held_is_not_decided_about(desk: Desk, command: str) -> None:
    played = play(desk, paid_ledger.two_held)

    line = desk.refused(2, command, *played.arguments, ANN, "--why", WHY)

    assert line.endswith(f"is held for {ANN}")


def test_cancel_asks_for_an_operation_to_be_made_impossible(desk: Desk) -> None:
    played = play(desk, paid_ledger.in_flight)

    out = desk.done("cancel", played.about, "--why", WHY)

    assert out.startswith("asked for: a running Bakehouse sends a transfer to itself")
    assert operation_of(desk, played.about).cancel_requested_at is not None
    assert_on_record(desk, "operation.cancel_requested", played.about)


def test_cancel_refuses_what_is_in_a_block(desk: Desk) -> None:
    played = play(desk, paid_ledger.included)

    line = desk.refused(1, "cancel", played.about, "--why", WHY)

    assert "is included, a payout: only a payout operation that is in no block yet" in line


def test_declare_dead_holds_what_the_operation_was_to_pay(desk: Desk) -> None:
    played = play(desk, paid_ledger.quarantined)

    out = desk.done("declare-dead", played.about, "--why", WHY)

    assert out == "3 payouts are held now: release or drop each\n"
    dead = operation_of(desk, played.about)
    assert (dead.state, dead.death) == (OperationState.DEAD, Death.DECLARED)
    held = [row for row in payouts_of(desk, played).values() if row.state is PayoutState.HELD]
    assert len(held) == 3
    assert_on_record(desk, "operation.declared_dead", played.about)


def test_declare_dead_refuses_what_will_be_proven(desk: Desk) -> None:
    played = play(desk, paid_ledger.in_flight)

    line = desk.refused(1, "declare-dead", played.about, "--why", WHY)

    assert line.endswith("is injected, not quarantined: its fate will be proven")


def test_hold_keeps_back_what_one_person_is_owed(desk: Desk) -> None:
    played = play(desk, paid_ledger.planned)
    whom = next(iter(payouts_of(desk, played)))

    out = desk.done("hold", *played.arguments, whom, "--why", WHY)

    assert out == "1 payouts are held\n"
    row = payouts_of(desk, played)[whom]
    assert (row.state, row.reason) == (PayoutState.HELD, f"{WHY} (cli:{getpass.getuser()})")
    subject = f"{played.baker_id}/{played.cycle}/delegator/{whom}"
    assert_on_record(desk, "payout.held", subject)
    line = desk.refused(1, "hold", *played.arguments, whom, "--why", WHY)
    assert f"can be held for {whom}" in line


def test_programs_are_told_decisions_in_json(desk: Desk) -> None:
    played = play(desk, paid_ledger.two_held)
    about = {"baker": played.baker_id, "cycle": played.cycle}

    [largest, other] = json.loads(desk.done("held", played.baker_id, "--json"))["held"]
    dropped = desk.done("drop", *played.arguments, played.about, "--why", WHY, "--json")
    released = desk.done("release", *played.arguments, "--why", WHY, "--json")
    paused = desk.done("pause", played.baker_id, "--why", WHY, "--json")

    assert {largest["owed_to"], other["owed_to"]} >= {played.about}
    assert all(int(each["net"]) > 0 and each["reason"] for each in (largest, other))
    assert json.loads(dropped) == {**about, "decision": "drop", "payouts": 1}
    assert json.loads(released) == {**about, "decision": "release", "payouts": 1}
    assert json.loads(paused) == {"baker": played.baker_id, "mode": "off"}


# What is wrong with what was typed


BY_BAKER = [("pause",), ("go", "750"), ("retry", "750"), ("release", "750"), ("drop", "750")]
BY_HASH = ["cancel", "declare-dead"]


@pytest.mark.parametrize(("command", "rest"), [(name, rest) for name, *rest in BY_BAKER])
def test_a_baker_that_nobody_registered_is_refused(
    desk: Desk, command: str, rest: list[str]
) -> None:
    desk.register()

    line = desk.refused(2, command, ANN, *rest, "--why", WHY)

    assert ANN in line


@pytest.mark.parametrize(("command", "rest"), [(name, rest) for name, *rest in BY_BAKER])
def test_an_address_with_a_typing_mistake_is_refused(
    desk: Desk, command: str, rest: list[str]
) -> None:
    desk.register()
    mistaken = BAKER[:-1] + ("1" if BAKER[-1] != "1" else "2")

    line = desk.refused(2, command, mistaken, *rest, "--why", WHY)

    assert "checksum" in line


@pytest.mark.parametrize("command", ["go", "retry", "release", "drop"])
def test_a_cycle_that_the_ledger_does_not_know_is_refused(desk: Desk, command: str) -> None:
    desk.register()

    line = desk.refused(2, command, BAKER, "751", "--why", WHY)

    key = DistributionKey("NetXdQprcVkpaWU", BAKER, 751, DistributionKind.DELEGATORS, Mode.ON)
    assert line == f"there is no distribution {key}"


@pytest.mark.parametrize("command", ["go", "retry", "release", "drop"])
def test_the_bond_pool_is_asked_for_by_its_name(desk: Desk, command: str) -> None:
    played = play(desk, paid_ledger.planned)

    line = desk.refused(2, command, *played.arguments, "--bond-pool", "--why", WHY)

    assert f"{played.cycle}/bond_pool/on" in line


@pytest.mark.parametrize("command", BY_HASH)
def test_a_hash_that_was_not_signed_here_is_refused(desk: Desk, command: str) -> None:
    desk.register()

    line = desk.refused(2, command, NOBODYS_HASH, "--why", WHY)

    assert line == f"no operation '{NOBODYS_HASH}' was signed here"


@pytest.mark.parametrize(
    "arguments",
    [*((name, BAKER, *rest) for name, *rest in BY_BAKER), *((name, "oo") for name in BY_HASH)],
)
def test_a_decision_without_a_reason_is_refused(desk: Desk, arguments: tuple[str, ...]) -> None:
    desk.register()

    assert "--why" in desk.refused(2, *arguments)
    line = desk.refused(2, *arguments, "--why", "  ")
    assert line == "say why: it is kept in the audit trail"


@pytest.mark.parametrize("cycle", ["-1", "soon", "1.5"])
def test_a_cycle_that_is_no_number_is_refused(desk: Desk, cycle: str) -> None:
    desk.register()

    assert "CYCLE" in desk.refused(2, "go", "--why", WHY, "--", BAKER, cycle)
