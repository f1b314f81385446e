"""F10 with real processes: told to stop by SIGTERM anywhere, it ends, and the next goes on at once.

Some may end their step, as `bakehouse run` lets them; of the others it is cancelled, as happens
when that takes too long, or when the queue takes the job away.
"""

import random
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bakehouse.failpoints import Failpoint
from bakehouse.payments.payer import PaymentLimits
from tests.fault_scale import FAULT_SCALE, some_of
from tests.faults.real_arena import Arena, arena
from tests.faults.real_kills import PLACES, fast_directory, limits_at, trouble
from tests.faults.real_orders import ExitCode

_PATIENCE_SECONDS = 120 * FAULT_SCALE

#: At the small size a part of the places; the cancelled ones are those that have gone wrong before.
CANCELLED = [pytest.param(place, False) for place in some_of(PLACES, 8)]
#: Who may end its step is seldom in danger: a few do, unless there is time.
WITH_GRACE = [pytest.param(place, True) for place in some_of(PLACES, 12)]


@pytest.fixture(scope="module")
def field() -> Iterator[Arena]:
    with tempfile.TemporaryDirectory(dir=fast_directory()) as folder, arena(Path(folder)) as made:
        yield made


@pytest.mark.timeout(_PATIENCE_SECONDS)
@pytest.mark.parametrize("seed", range(FAULT_SCALE))
@pytest.mark.parametrize(("place", "has_grace"), [*CANCELLED, *WITH_GRACE])
def test_told_to_stop_it_ends_and_the_next_goes_on_at_once(
    field: Arena, place: Failpoint, *, has_grace: bool, seed: int
) -> None:
    name = f"{place}-{has_grace}-{seed}"
    print(f"seed {name}")
    chance = random.Random(name)  # noqa: S311 - the dice of a game
    limits = limits_at(place, chance)
    how: dict[str, Any] = {"attempt_seconds": 0.6} if place is Failpoint.LEASE_RENEW else {}
    if place is not Failpoint.LEASE_RENEW:
        limits = replace(limits, lease_seconds=PaymentLimits().lease_seconds)
    scene = field.scene(chance.randrange(10**6), limits=limits)
    trouble(scene, place, chance)

    stopped = scene.live(signal=signal.SIGTERM, place=place, has_grace=has_grace, **how)

    assert stopped.code in {ExitCode.STOPPED, ExitCode.SETTLED}, stopped
    assert any(line.startswith("signal") for line in stopped.lines), "it never came there"
    assert scene.lease()[1] <= timedelta()
    scene.heal()
    following = scene.live()
    assert following.code is ExitCode.SETTLED, following
    assert not any("waits for another" in line for line in following.lines), following
    findings = scene.audit()
    assert findings.is_clean(), findings
    assert scene.is_intact()
