"""The demo in the terminal: drawn live where there is one, told in lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bakehouse.demo.progress import CycleProgress, DemoProgress
from bakehouse.ledger.states import DistributionState
from bakehouse.rewards.money import format_tez

_STYLES = {
    DistributionState.PAID: "green",
    DistributionState.PAYING: "yellow",
    DistributionState.FAILED: "bold red",
}
_BAR_WIDTH = 28

Show = Callable[[DemoProgress], None]


@contextmanager
def live_view(greeting: str) -> Iterator[Show]:
    """Draw progress in place until the block ends."""
    console = Console()
    console.print(Panel(greeting, title="Bakehouse demo", border_style="dark_orange3"))
    with Live(console=console, auto_refresh=False) as live:

        def show(progress: DemoProgress) -> None:
            live.update(draw(progress), refresh=True)

        yield show


@contextmanager
def line_view(write: Callable[[str], object], greeting: str) -> Iterator[Show]:
    """Tell each change of a cycle's state in a line."""
    write(greeting)
    told: dict[int, DistributionState] = {}

    def show(progress: DemoProgress) -> None:
        for each in reversed(progress.cycles):
            cycle, state = each.distribution.key.cycle, each.distribution.state
            if told.get(cycle) is not state:
                told[cycle] = state
                write(f"block {progress.level}: cycle {cycle} is {state}, {_figures(each)}")

    yield show


def draw(progress: DemoProgress) -> RenderableType:
    """Draw the chain's clock and a line for each cycle."""
    clock = Table.grid(padding=(0, 2))
    clock.add_row(
        Text(f"cycle {progress.cycle}", style="bold"),
        ProgressBar(progress.blocks_per_cycle, progress.cycle_position + 1, width=_BAR_WIDTH),
        f"block {progress.level}",
    )
    cycles = Table("cycle", "state", "payment", "payouts", "tez", header_style="dim", box=None)
    cycles.columns[4].justify = "right"
    for each in progress.cycles:
        state = each.distribution.state
        cycles.add_row(
            str(each.distribution.key.cycle),
            Text(state, style=_STYLES.get(state, "")),
            ProgressBar(each.total or 1, each.paid, width=_BAR_WIDTH),
            f"{each.paid} of {each.total}",
            format_tez(each.paid_mutez),
        )
        if each.distribution.message:
            cycles.add_row("", Text(each.distribution.message, style="red"))
    return Group(clock, "", cycles)


def _figures(each: CycleProgress) -> str:
    return f"{each.paid} of {each.total} payouts, {format_tez(each.paid_mutez)} tez"
