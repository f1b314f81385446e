"""F1 with real processes: killed with -9 anywhere, again and again, everybody is paid once.

`FAULT_SCALE` makes it larger; `python -m tests.faults.real_kills` shows a table.
"""

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakehouse.failpoints import Failpoint
from tests.fault_scale import FAULT_SCALE, some_of
from tests.faults.real_arena import Arena, arena
from tests.faults.real_kills import (
    ELSEWHERE,
    PLACES,
    Run,
    duel,
    fast_directory,
    run_at,
    storm,
    table,
)
from tests.faults.real_orders import ExitCode

#: More than any of these tests takes on a machine that others use as well.
_PATIENCE_SECONDS = 120 * FAULT_SCALE


@pytest.fixture(scope="module")
def field() -> Iterator[Arena]:
    with tempfile.TemporaryDirectory(dir=fast_directory()) as folder, arena(Path(folder)) as made:
        yield made


def judge(runs: list[Run]) -> None:
    print(table(runs))
    for run in runs:
        print(f"seed {run.seed}: {dict(run.kills)}, {dict(run.troubles)}")
    assert not [str(run) for run in runs if not run.is_good]


@pytest.mark.timeout(_PATIENCE_SECONDS)
@pytest.mark.parametrize("place", some_of(PLACES, 8))
def test_killed_at_a_place_it_goes_on_and_pays_everybody_once(
    field: Arena, place: Failpoint
) -> None:
    runs: list[Run] = []
    for seed in range(2 * FAULT_SCALE):
        runs.append(run_at(field, place, seed))
        if FAULT_SCALE == 1 and runs[-1].kills[place]:
            break

    judge(runs)
    assert sum(run.kills[place] for run in runs) > 0, "nobody was killed there"


@pytest.mark.timeout(_PATIENCE_SECONDS)
def test_killed_within_every_few_steps_it_goes_on_and_pays_everybody_once(field: Arena) -> None:
    runs = [storm(field, seed) for seed in range(FAULT_SCALE)]

    judge(runs)
    assert sum(run.kills.total() for run in runs) > 10 * len(runs)


@pytest.mark.skipif(FAULT_SCALE == 1, reason="waits for leases to end: for larger sizes")
@pytest.mark.timeout(_PATIENCE_SECONDS)
def test_two_at_work_with_the_shipped_lease_outlive_each_other(field: Arena) -> None:
    runs = [duel(field, seed, kills_max=2) for seed in range(FAULT_SCALE)]

    judge(runs)
    assert all(run.kills for run in runs)


def test_every_place_is_either_passed_by_a_life_or_named_as_passed_elsewhere(field: Arena) -> None:
    assert {*PLACES, *ELSEWHERE} == set(Failpoint)
    scene = field.scene(1)

    end = scene.live(boots=True)

    assert end.code is ExitCode.SETTLED, end
    passed = set(end.lines) & {place.value for place in Failpoint}
    assert not passed & {place.value for place in ELSEWHERE}
    assert len(passed) > 15


@pytest.mark.parametrize(
    ("mutant", "heading"),
    [
        ("inject before persist", "drift"),
        ("inject before persist, never look back", "paid_twice"),
    ],
)
def test_code_that_sends_before_it_writes_is_found_out(
    field: Arena, mutant: str, heading: str
) -> None:
    scene = field.scene(2)

    # After the bytes have left, and before anybody has written down that they did.
    end = scene.live(mutant=mutant, signal=signal.SIGKILL, place=Failpoint.AFTER_SIGN, passing=1)
    assert end.killed_by == signal.SIGKILL, end
    scene.stay_away()
    scene.bake(3)
    last = scene.live(mutant=mutant)

    findings = scene.audit()
    print(last, findings)
    assert getattr(findings, heading), findings


def test_a_ledger_that_forgets_what_was_sent_is_found_out(field: Arena) -> None:
    scene = field.scene(3)
    end = scene.live(signal=signal.SIGKILL, place=Failpoint.AFTER_INJECT, passing=1)
    assert end.killed_by == signal.SIGKILL, end
    scene.stay_away()
    scene.bake(3)

    scene.forge(
        "UPDATE operations SET state = 'dead', death = 'expired'",
        "UPDATE payouts SET state = 'owed', transfer_id = NULL WHERE state = 'assigned'",
    )
    last = scene.live(mutant="never look back")

    findings = scene.audit()
    print(last, findings)
    assert findings.paid_twice, findings
