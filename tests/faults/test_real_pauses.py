"""F9 with real processes: one that slept for longer than its lease wakes, and harms nobody.

It is stopped by SIGSTOP, as a machine stops that is suspended; another takes over meanwhile.
"""

import random
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bakehouse.failpoints import Failpoint
from bakehouse.payments.payer import PaymentLimits
from tests.fault_scale import FAULT_SCALE, some_of
from tests.faults.real_arena import LIMITS, Arena, Scene, arena
from tests.faults.real_kills import fast_directory
from tests.faults.real_orders import End, ExitCode

_PATIENCE_SECONDS = 120 * FAULT_SCALE

#: Between two looks at a lease in the ledger.
_LOOK_SECONDS = 0.02

#: From here it goes on to store a signature, which nobody may take from it any more.
ABOUT_TO_SIGN = (
    Failpoint.AFTER_APPROVE,
    Failpoint.COUNTER_RESERVED,
    Failpoint.AFTER_FORGE,
    Failpoint.AFTER_SIGN,
)
#: Here it holds the lease as well, but nothing that it signs is at stake.
AT_OTHER_WORK = (
    Failpoint.CLAIM,
    Failpoint.AFTER_SNAPSHOT,
    Failpoint.AFTER_PLAN,
    Failpoint.AFTER_PERSIST,
    Failpoint.BEFORE_INJECT,
    Failpoint.MID_INJECT,
    Failpoint.AFTER_INJECT,
    Failpoint.EACH_POLL,
    Failpoint.SEEN_INCLUDED,
    Failpoint.BEFORE_FINAL,
    Failpoint.AFTER_MARK_PAID,
)
#: Here it holds the database's own lock: others can do nothing until it wakes.
WITHIN_A_TRANSACTION = (
    Failpoint.MID_PLAN_WRITE,
    Failpoint.MID_PERSIST,
    Failpoint.MID_MARK_PAID,
)

OVERTAKEN = "waits for another process signs for"


@pytest.fixture(scope="module")
def field() -> Iterator[Arena]:
    with tempfile.TemporaryDirectory(dir=fast_directory()) as folder, arena(Path(folder)) as made:
        yield made


def scene_of(field: Arena, name: str, lease_seconds: int = 1) -> Scene:
    print(f"seed {name}")
    chance = random.Random(name)  # noqa: S311 - the dice of a game
    return field.scene(chance.randrange(10**6), limits=replace(LIMITS, lease_seconds=lease_seconds))


def fall_asleep(scene: Scene, place: Failpoint) -> End:
    end = scene.wait(scene.start(signal=signal.SIGSTOP, place=place, has_company=True))
    assert end.is_stopped, end
    return end


def nobody_was_harmed(scene: Scene, *ends: End) -> None:
    assert [end.code for end in ends] == [ExitCode.SETTLED] * len(ends), [str(end) for end in ends]
    findings = scene.audit()
    assert findings.is_clean(), findings
    assert scene.is_intact()


@pytest.mark.timeout(_PATIENCE_SECONDS)
@pytest.mark.parametrize("seed", range(FAULT_SCALE))
@pytest.mark.parametrize("place", some_of(ABOUT_TO_SIGN, 3))
def test_the_signature_of_who_slept_too_long_is_refused(
    field: Arena, place: Failpoint, seed: int
) -> None:
    scene = scene_of(field, f"{place}-{seed}")
    sleeper = fall_asleep(scene, place)
    token, _ = scene.lease()

    other = scene.live(has_company=True)
    taken, _ = scene.lease()
    woken = scene.go_on(sleeper.pid)

    assert taken > token
    assert any(line.startswith(OVERTAKEN) for line in woken.lines), woken
    nobody_was_harmed(scene, other, woken)


@pytest.mark.timeout(_PATIENCE_SECONDS)
@pytest.mark.parametrize("seed", range(FAULT_SCALE))
@pytest.mark.parametrize("place", some_of(AT_OTHER_WORK, 8))
def test_who_slept_too_long_at_other_work_pays_nobody_twice(
    field: Arena, place: Failpoint, seed: int
) -> None:
    scene = scene_of(field, f"{place}-{seed}")
    sleeper = fall_asleep(scene, place)
    token, _ = scene.lease()

    other = scene.live(has_company=True)
    woken = scene.go_on(sleeper.pid)

    assert scene.lease()[0] > token
    nobody_was_harmed(scene, other, woken)


@pytest.mark.timeout(_PATIENCE_SECONDS)
@pytest.mark.parametrize("seed", range(FAULT_SCALE))
@pytest.mark.parametrize("place", WITHIN_A_TRANSACTION)
def test_who_slept_too_long_within_a_transaction_finishes_it_and_others_wait(
    field: Arena, place: Failpoint, seed: int
) -> None:
    scene = scene_of(field, f"{place}-{seed}")
    sleeper = fall_asleep(scene, place)
    pid = scene.start(has_company=True)
    while scene.lease()[1] > timedelta():
        time.sleep(_LOOK_SECONDS)

    woken = scene.go_on(sleeper.pid)

    nobody_was_harmed(scene, woken, scene.wait(pid))


@pytest.mark.timeout(_PATIENCE_SECONDS)
@pytest.mark.parametrize("seed", range(FAULT_SCALE))
def test_with_the_shipped_lease_others_wait_for_it_and_no_longer(field: Arena, seed: int) -> None:
    scene = scene_of(field, f"shipped-{seed}", PaymentLimits().lease_seconds)
    sleeper = fall_asleep(scene, ABOUT_TO_SIGN[seed % len(ABOUT_TO_SIGN)])

    other = scene.live(has_company=True)
    woken = scene.go_on(sleeper.pid)

    assert "waits for another process with the same wallet" in other.lines
    assert any(line.startswith(OVERTAKEN) for line in woken.lines), woken
    nobody_was_harmed(scene, other, woken)
