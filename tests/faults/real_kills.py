"""Killing -9 a payment at each place of its life, over and over, and what the auditor says then.

`python -m tests.faults.real_kills --seeds 1000` is the nightly run; `make test` takes few seeds.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from bakehouse.failpoints import Failpoint
from bakehouse.payments.payer import PaymentLimits
from bakehouse.sandbox.hostile.fault import Fault
from tests.faults.audit_findings import Findings
from tests.faults.real_arena import LIMITS, Arena, Scene, arena
from tests.faults.real_orders import End, ExitCode

#: Places that a life does not pass which only pays, and who passes them.
ELSEWHERE: Final = {
    Failpoint.AFTER_ORDER: "no cycle has it; tests/payments/test_by_hand_crashes",
    Failpoint.BOOT: "nothing in src names it; test_real_product kills whole processes",
    Failpoint.JOB_ACK: "the queue's processor; test_real_product",
    Failpoint.ALERT_STORED: "the queue's processor; test_real_product",
    Failpoint.ALERT_SENT: "the queue's processor; tests/alerts/test_sending",
    Failpoint.HOOK_ANSWERED: "only with a hook; tests/payments/test_hooks",
    Failpoint.HOOK_TOLD: "the queue's processor; tests/payments/test_hook_notices",
    Failpoint.ANNOUNCEMENT_CLAIMED: "the queue's processor; tests/alerts/test_announcing",
    Failpoint.ANNOUNCEMENT_SENT: "the queue's processor; tests/alerts/test_announcing",
    Failpoint.MIGRATION_MID: "nothing in src names it; tests/ledger/test_killed_writers",
    Failpoint.MID_IMPORT: "a command that pays nobody; tests/importers/test_all_or_nothing",
    Failpoint.SHUTDOWN: "nothing in src names it; test_real_stops",
}
PLACES: Final = tuple(place for place in Failpoint if place not in ELSEWHERE)

_KILLS_MAX: Final = 3
_STORM_KILLS_MAX: Final = 25

_PASSED_ONCE: Final = {
    Failpoint.AFTER_SNAPSHOT,
    Failpoint.MID_PLAN_WRITE,
    Failpoint.AFTER_PLAN,
    Failpoint.LEASE_RENEW,
    Failpoint.AFTER_CLOSE,
}
_DEATHS: Final = {Failpoint.BEFORE_DEATH, Failpoint.MID_DEATH, Failpoint.AFTER_DEATH}

#: Trouble that passes by itself, or with time; it needs nobody to decide anything.
_TROUBLES: Final = (
    Fault.REPLY_LOST_AFTER_ACCEPTANCE,
    Fault.REPLY_LOST_BEFORE_ACCEPTANCE,
    Fault.CONNECTION_RESET,
    Fault.BAD_GATEWAY,
    Fault.HTML_429,
    Fault.MEMPOOL_DROP,
    Fault.REORG,
)


@dataclass(slots=True)
class Run:
    """What became of one scene."""

    seed: str
    kills: Counter[Failpoint]
    findings: Findings
    #: How the last life ended, which nobody disturbed; and whoever ended as nobody should.
    last: End
    bad_ends: list[End]
    is_intact: bool
    troubles: Counter[str] = field(default_factory=Counter)

    @property
    def is_good(self) -> bool:
        return (
            self.findings.is_clean()
            and self.is_intact
            and not self.bad_ends
            and self.last.code is ExitCode.SETTLED
        )

    def __str__(self) -> str:
        lines = [f"seed {self.seed}: killed at {', '.join(self.kills) or 'no place'}"]
        lines += [str(self.findings)] if not self.findings.is_clean() else []
        lines += [] if self.is_intact else ["the database file is damaged"]
        lines += [f"ended badly: {end}" for end in (*self.bad_ends, self.last) if is_bad(end)]
        return "\n".join(lines)


def is_bad(end: End) -> bool:
    """Whether a life ended in a way in which none may end."""
    return end.code in {ExitCode.UNREST, ExitCode.BROKEN}


def run_at(field_: Arena, place: Failpoint, seed: int) -> Run:
    """Kill at a place, and then at that or others, up to three times; then let all be well."""
    name = f"{place}-{seed}"
    chance = random.Random(name)  # noqa: S311 - the dice of a game
    scene = field_.scene(chance.randrange(10**6), limits=limits_at(place, chance))
    how: dict[str, Any] = {"attempt_seconds": 0.6} if place is Failpoint.LEASE_RENEW else {}
    ends: list[End] = []
    while len(ends) < _KILLS_MAX:
        trouble(scene, place, chance)
        is_first = not ends
        chosen = place if is_first or chance.random() < 0.5 else chance.choice(PLACES)
        # The first seed of a place is sure to meet it.
        is_sure = (is_first and seed == 0) or chosen in _PASSED_ONCE
        passing = 1 if is_sure else chance.choice((1, 1, 1, 2))
        ends.append(_live_until_killed(scene, chosen, passing, chance, how))
        if ends[-1].killed_by is None:
            break
    return _finish(scene, name, ends)


def storm(field_: Arena, seed: int) -> Run:
    """Kill life after life within its first few steps, wherever that is."""
    name = f"storm-{seed}"
    chance = random.Random(name)  # noqa: S311 - the dice of a game
    scene = field_.scene(chance.randrange(10**6))
    ends: list[End] = []
    while len(ends) < _STORM_KILLS_MAX:
        trouble(scene, None, chance)
        ends.append(_live_until_killed(scene, None, chance.choice((1, 1, 2, 2, 3, 5)), chance, {}))
        if ends[-1].killed_by is None:
            break
    return _finish(scene, name, ends)


def duel(field_: Arena, seed: int, kills_max: int) -> Run:
    """Have two processes at work at once, with the lease that is shipped, and kill either."""
    name = f"duel-{seed}"
    chance = random.Random(name)  # noqa: S311 - the dice of a game
    limits = replace(LIMITS, lease_seconds=PaymentLimits().lease_seconds)
    scene = field_.scene(chance.randrange(10**6), limits=limits)
    kills: list[End] = []
    ends: list[End] = []
    at_work = 0
    while at_work or not ends:
        while at_work < 2 and not ends:
            mortal = len(kills) + at_work < kills_max
            scene.start(
                signal=signal.SIGKILL if mortal else None,
                passing=chance.randint(4, 20),
                has_company=True,
            )
            at_work += 1
        end = scene.wait()
        at_work -= 1
        (kills if end.killed_by else ends).append(end)
    return _finish(scene, name, [*kills, *ends])


def limits_at(place: Failpoint, chance: random.Random) -> PaymentLimits:
    """Give limits under which the place is met."""
    limits = replace(LIMITS, transfers_max=chance.choice((3, 5, 5)))
    if place in _DEATHS:
        return replace(limits, life_blocks=4)
    if place is Failpoint.LEASE_RENEW:
        return replace(limits, lease_seconds=1)
    return limits


def trouble(scene: Scene, place: Failpoint | None, chance: random.Random) -> None:
    """Bring about what leads to the place, if it takes anything, or what may happen anywhere."""
    if place in _DEATHS:
        scene.inflict(Fault.STUCK_UNTIL_EXPIRY)
    elif place is Failpoint.INJECT_UNKNOWN:
        lost = chance.choice(_TROUBLES[:2])
        scene.inflict(lost, source="node-0")
        scene.inflict(lost, source="node-1")
    elif place is Failpoint.LEASE_RENEW:
        scene.inflict(Fault.HANG, request=".*/counter")
    elif chance.random() < 0.6:
        scene.inflict(chance.choice(_TROUBLES))


def _live_until_killed(
    scene: Scene,
    place: Failpoint | None,
    passing: int,
    chance: random.Random,
    how: dict[str, Any],
) -> End:
    end = scene.live(
        signal=signal.SIGKILL,
        place=place,
        passing=passing,
        boots=chance.random() < 0.2,
        **how,
    )
    scene.stay_away()
    return end


def _finish(scene: Scene, name: str, ends: list[End]) -> Run:
    scene.heal()
    scene.stay_away()
    last = scene.live(boots=True)
    return Run(
        seed=name,
        kills=Counter(place_of(end) for end in ends if end.killed_by == signal.SIGKILL),
        findings=scene.audit(),
        last=last,
        bad_ends=[end for end in ends if is_bad(end)],
        is_intact=scene.is_intact(),
        troubles=Counter(scene.arena.chain.ask("struck")),
    )


def place_of(end: End) -> Failpoint:
    """Tell where a life got its signal."""
    return Failpoint(end.lines[-1].rsplit(" at ", 1)[1])


def table(runs: Iterable[Run]) -> str:
    """Tell for each place how often was killed there, and what that did."""
    runs = list(runs)
    lines = [f"{'failpoint':<20}{'kills':>8}{'runs':>8}{'paid twice':>12}{'lost':>8}{'other':>8}"]
    kills = sum((run.kills for run in runs), Counter[Failpoint]())
    for place in PLACES:
        there = [run for run in runs if place in run.kills]
        lines.append(_row(place.value, kills[place], there))
    lines.append(_row("all", kills.total(), runs))
    lines += [f"{place.value:<20} not passed here: {why}" for place, why in ELSEWHERE.items()]
    return "\n".join(lines)


def _row(name: str, kills: int, runs: list[Run]) -> str:
    found = [run.findings for run in runs]
    twice = sum(len(each.paid_twice) for each in found)
    lost = sum(len(each.lost) for each in found)
    other = sum(not run.is_good for run in runs)
    return f"{name:<20}{kills:>8,}{len(runs):>8,}{twice:>12}{lost:>8}{other:>8}"


def fast_directory() -> str | None:
    """Name a directory in memory if there is one: a process that is killed loses nothing there."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - no secret


def main(arguments: list[str]) -> int:
    """Run seeds at all places and print the table; gives 1 when a promise was broken, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.real_kills")
    parser.add_argument("--seeds", type=int, default=25, help="how many for each place")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--storms", type=int, default=25, help="runs with very short lives")
    parser.add_argument("--place", choices=[each.value for each in PLACES], action="append")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    places = [Failpoint(each) for each in options.place or PLACES]
    seeds = range(options.first, options.first + options.seeds)
    tasks: list[tuple[Failpoint | None, int]] = [
        (place, seed) for seed in seeds for place in places
    ]
    tasks += [(None, seed) for seed in range(options.first, options.first + options.storms)]
    began = time.monotonic()
    with ExitStack() as stack:
        arenas = []
        for _ in range(options.jobs):
            folder = stack.enter_context(tempfile.TemporaryDirectory(dir=fast_directory()))
            arenas.append(stack.enter_context(arena(Path(folder))))
        pool = stack.enter_context(ThreadPoolExecutor(options.jobs))
        parts = [
            pool.submit(_run_all, each, tasks[number :: options.jobs])
            for number, each in enumerate(arenas)
        ]
        runs = [run for part in parts for run in part.result()]
    seconds = time.monotonic() - began
    print(table(runs))
    kills = sum(run.kills.total() for run in runs)
    print(f"{len(runs)} runs, {kills} kills in {seconds:.0f} s: {kills / seconds:.1f} kills/s")
    return 0 if all(run.is_good for run in runs) else 1


def _run_all(field_: Arena, tasks: list[tuple[Failpoint | None, int]]) -> list[Run]:
    runs = []
    for place, seed in tasks:
        runs.append(storm(field_, seed) if place is None else run_at(field_, place, seed))
        if not runs[-1].is_good:
            print(runs[-1], flush=True)
    return runs


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
