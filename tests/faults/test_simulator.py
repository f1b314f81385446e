"""Histories drawn from seeds: whatever strikes, nobody is paid twice and nobody is forgotten."""

import pytest

from tests.fault_scale import FAULT_SCALE
from tests.faults.__main__ import main
from tests.faults.mutants import MUTANTS
from tests.faults.running import run_seeds
from tests.faults.world import Scale

#: Seeds that run one after another in one test.
SEEDS_PER_TEST = 2
FIRST_SEEDS = range(0, 2 if FAULT_SCALE == 1 else 8 * FAULT_SCALE, SEEDS_PER_TEST)

#: A history as short as can be, where it is not the history that is looked at.
SHORT = Scale(cycles=1, delegators=4)

#: Seeds under which a mistake has to show; which of them does may change with the code.
SEEDS_PER_MUTANT = 15

#: For larger sizes: mistakes that take long or many histories to show, and the one with which the
#: command is tried below.
SLOW = {
    "float-money",
    "included-is-applied",
    "no-finality",
    "no-gap-check",
    "no-reorganisation",
    "short-pages",
}
NOTICED = [name for name in MUTANTS if FAULT_SCALE > 1 or name not in SLOW]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("first", FIRST_SEEDS)
def test_every_promise_is_kept_under_every_seed(first: int) -> None:
    for history in run_seeds(list(range(first, first + SEEDS_PER_TEST))):
        assert history.is_good, (
            f"seed {history.seed}: {history.unrest} {history.unexpected}\n{history.findings}\n"
            f"replay it: python -m tests.faults --seed {history.seed}"
        )


@pytest.mark.timeout(300)
def test_more_processes_cycles_and_delegators_change_nothing() -> None:
    (history,) = run_seeds([3], scale=Scale(cycles=2, delegators=12, processes=3))

    assert history.is_good, f"{history.unrest}\n{history.findings}"
    assert history.findings.checked > 20


def test_the_same_seed_gives_the_same_history_to_the_last_call() -> None:
    once, again = run_seeds([11], scale=SHORT), run_seeds([11], scale=SHORT)

    assert once[0].digest == again[0].digest
    assert once[0].crashes == again[0].crashes


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", NOTICED)
def test_each_mistake_is_noticed(name: str) -> None:
    first = MUTANTS[name].seed
    for seed in range(first, first + SEEDS_PER_MUTANT):
        (history,) = run_seeds([seed], mutant=name)
        if history.findings.paid_twice or history.findings.lost or history.findings.wrong_amount:
            return
    pytest.fail(
        f"{MUTANTS[name].what}: {SEEDS_PER_MUTANT} seeds from {first} on show nobody paid twice, "
        "wrongly, or not at all"
    )


@pytest.mark.timeout(300)
def test_the_command_tells_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    size = ("--seeds", "2", "--first", "40", "--cycles", "1", "--delegators", "4")

    assert main([*size, "--jobs", "2"]) == 0

    told = {line[:24].strip(): line[24:].strip() for line in capsys.readouterr().out.splitlines()}
    assert told["seeds"] == "2"
    assert (told["paid twice"], told["lost"], told["never at rest"]) == ("0", "0", "0")
    assert int(told["payouts checked"]) > 0


def test_the_command_fails_when_a_promise_is_broken(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "0", "--mutant", "float-money", "--cycles", "1"]) == 1

    assert "BROKEN" in capsys.readouterr().out
