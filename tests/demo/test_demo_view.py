"""What the demo shows in a terminal, and in lines where there is none."""

from datetime import UTC, datetime
from io import StringIO

from rich.console import Console

from bakehouse.demo.progress import CycleProgress, DemoProgress
from bakehouse.demo.view import draw, line_view
from bakehouse.ledger.distributions import Distribution, DistributionKey, PlanFigures
from bakehouse.ledger.states import DistributionKind, DistributionState, Mode
from bakehouse.rewards.money import NO_MUTEZ, Mutez

NOW = datetime(2026, 11, 24, tzinfo=UTC)
NO_FIGURES = PlanFigures(NO_MUTEZ, NO_MUTEZ, NO_MUTEZ, NO_MUTEZ, NO_MUTEZ, 0)


def cycle(
    number: int, state: DistributionState, paid: int, message: str | None = None
) -> CycleProgress:
    key = DistributionKey("Net", "tz1", number, DistributionKind.DELEGATORS, Mode.ON)
    distribution = Distribution(number, key, state, message, None, NO_FIGURES, NOW, NOW, None, None)
    return CycleProgress(distribution, paid, 10, Mutez(paid * 1_500_000))


def progress(*cycles: CycleProgress) -> DemoProgress:
    return DemoProgress(42_000, 1_401, 12, 30, cycles)


def drawn(shown: DemoProgress) -> str:
    console = Console(file=StringIO(), width=100, record=True)
    console.print(draw(shown))
    return console.export_text()


def test_each_cycle_shows_its_state_its_payouts_and_its_tez() -> None:
    text = drawn(
        progress(
            cycle(1_400, DistributionState.PAYING, 4), cycle(1_399, DistributionState.PAID, 10)
        )
    )
    assert "cycle 1401" in text
    assert "block 42000" in text
    assert "4 of 10" in text
    assert "6.000000" in text
    assert "10 of 10" in text


def test_a_failed_cycle_shows_why() -> None:
    text = drawn(progress(cycle(1_400, DistributionState.FAILED, 0, "the wallet is empty")))
    assert "the wallet is empty" in text


def test_without_a_terminal_each_change_of_state_is_told_once() -> None:
    lines: list[str] = []
    with line_view(lines.append, "hello") as show:
        show(progress(cycle(1_400, DistributionState.PAYING, 0)))
        show(progress(cycle(1_400, DistributionState.PAYING, 5)))
        show(progress(cycle(1_400, DistributionState.PAID, 10)))
    assert lines[0] == "hello"
    assert [line.split(": ")[1] for line in lines[1:]] == [
        "cycle 1400 is paying, 0 of 10 payouts, 0.000000 tez",
        "cycle 1400 is paid, 10 of 10 payouts, 15.000000 tez",
    ]
