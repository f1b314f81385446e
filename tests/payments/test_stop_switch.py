"""A pause pressed at any place of a payment's life: nothing new is sent after it."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from bakehouse.errors import ConflictError
from bakehouse.failpoints import Failpoint, hooked
from bakehouse.ledger.states import Mode, OperationState
from bakehouse.sandbox.hostile.fault import Fault
from tests.fault_scale import FAULT_SCALE, some_of
from tests.payments.hostile_baker import HostileBaker, assert_paid_once

#: Places within a transaction: nobody can press there, because the press is one itself.
WITHIN_TRANSACTIONS = {
    Failpoint.MID_PLAN_WRITE,
    Failpoint.MID_PERSIST,
    Failpoint.MID_MARK_PAID,
    Failpoint.MID_DEATH,
}

#: Places that a payment does not pass, or only when real time goes by.
ELSEWHERE = {
    Failpoint.AFTER_ORDER,
    Failpoint.BOOT,
    Failpoint.LEASE_RENEW,
    Failpoint.JOB_ACK,
    Failpoint.ALERT_STORED,
    Failpoint.ALERT_SENT,
    Failpoint.HOOK_ANSWERED,
    Failpoint.HOOK_TOLD,
    Failpoint.ANNOUNCEMENT_CLAIMED,
    Failpoint.ANNOUNCEMENT_SENT,
    Failpoint.MIGRATION_MID,
    Failpoint.MID_IMPORT,
    Failpoint.SHUTDOWN,
}

PLACES = [each for each in Failpoint if each not in WITHIN_TRANSACTIONS | ELSEWHERE]

#: Steps in which all is paid, and that go by after a press.
STEPS = 20
STEPS_AFTER = 14


@dataclass
class Press:
    """Pauses the baker from outside, the n-th time that a place is passed."""

    baker: HostileBaker
    place: Failpoint
    nth: int
    passed: list[Failpoint] = field(default_factory=list)
    #: When it was pressed: how much had been sent, and what the ledger called sent.
    sent_before: int | None = None
    on_the_wire: set[str] = field(default_factory=set)

    def __call__(self, place: Failpoint) -> None:
        self.passed.append(place)
        if place is self.place and self.passed.count(place) == self.nth:
            self.sent_before = len(self.baker.way.injected)
            with closing(sqlite3.connect(self.baker.database)) as ledger, ledger:
                rows = ledger.execute("SELECT hash FROM operations WHERE state = 'injected'")
                self.on_the_wire = {row[0] for row in rows}
                ledger.execute("UPDATE bakers SET mode = 'off'")

    @property
    def sent_after(self) -> list[str]:
        assert self.sent_before is not None
        return self.baker.way.injected[self.sent_before :]


async def live(baker: HostileBaker, press: Press, steps: int) -> None:
    """Have a cycle paid after its first group expired and an answer was lost."""
    with hooked(press):
        for number in range(steps):
            if number == 0:
                baker.sandbox.inflict(Fault.STUCK_UNTIL_EXPIRY)
            try:
                step = await baker.step()
            except ConflictError as error:
                assert "the settings of" in error.message  # noqa: PT017 - it may be, or not
                return
            if step.is_settled or step.waiting_for == f"mode {Mode.ON}":
                return
            if any(each.state is OperationState.DEAD for each in await baker.operations()):
                baker.sandbox.inflict(
                    Fault.BAD_GATEWAY, request="POST /injection/operation", times=2
                )
            baker.bake()


@pytest.mark.parametrize("nth", [1, *range(2, FAULT_SCALE + 1)])
@pytest.mark.parametrize("place", some_of(PLACES))
async def test_nothing_new_is_sent_after_a_pause_whenever_it_is_pressed(
    hostile: HostileBaker, place: Failpoint, nth: int
) -> None:
    press = Press(hostile, place, nth)
    await live(hostile, press, STEPS)
    if press.sent_before is None:
        # Some places are passed less often than that, but each is passed once.
        assert nth > 1
        return

    for _ in range(STEPS_AFTER):
        try:
            await hostile.step()
        except ConflictError as error:
            assert "the settings of" in error.message  # noqa: PT017 - it may be, or not
        hostile.bake()

    # What was handed to the network in that very moment may still leave, once to each node.
    assert set(press.sent_after) <= press.on_the_wire
    assert len(press.sent_after) <= len(hostile.sandbox.nodes)
    if place not in {Failpoint.BEFORE_INJECT, Failpoint.MID_INJECT}:
        assert press.sent_after == []
    await hostile.change(mode=Mode.ON)
    await assert_paid_once(hostile)


def test_every_place_of_a_payment_is_pressed_at() -> None:
    assert {*PLACES} | WITHIN_TRANSACTIONS | ELSEWHERE == set(Failpoint)
