"""A payout plan as text: the largest rows on a terminal, every row in a pipe. Amounts in tez."""

from collections.abc import Iterable, Sequence
from typing import Final

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bakehouse.rewards.money import format_percentage, format_tez
from bakehouse.rewards.plan_values import PayoutPlan, PlannedPayout

#: More rows would push the totals out of sight.
TERMINAL_ROWS_MAX: Final = 20
#: Columns that all six figures of a row take; a narrower terminal shows three.
WIDE_COLUMNS: Final = 110

_WIDE_HEADINGS: Final = ("recipient", "delegated", "gross", "fee %", "fee", "net")
_NARROW_HEADINGS: Final = ("recipient", "fee %", "net")


def write_plan(plan: PayoutPlan, baker: str | None, *, unused_fees: int) -> None:
    """Print a plan on standard output, in the form that suits where it goes.

    `unused_fees` counts fees given for addresses that do not delegate in this cycle.
    """
    console = Console(highlight=False)
    closing = "\n".join([*_totals(plan), *_remarks(plan, unused_fees)])
    if not console.is_terminal:
        typer.echo("\n".join([_title(plan, baker), "", *_columns(plan.payouts), closing]))
        return
    console.print(_title(plan, baker), style="bold", markup=False)
    if plan.payouts:
        console.print(_table(plan.payouts, is_wide=console.width >= WIDE_COLUMNS))
    console.print(closing, markup=False)


def _title(plan: PayoutPlan, baker: str | None) -> str:
    return f"Payout plan of cycle {plan.cycle}{f', baker {baker}' if baker else ''} (in tez)"


def _table(payouts: Sequence[PlannedPayout], *, is_wide: bool) -> Table:
    table = Table(box=SIMPLE, pad_edge=False)
    for heading in _WIDE_HEADINGS if is_wide else _NARROW_HEADINGS:
        is_text = heading == "recipient"
        table.add_column(
            heading,
            justify="left" if is_text else "right",
            overflow="fold",
            no_wrap=not is_text,
        )
    largest = sorted(payouts, key=lambda payout: payout.net, reverse=True)[:TERMINAL_ROWS_MAX]
    for payout in largest:
        table.add_row(*(_wide_cells(payout) if is_wide else _narrow_cells(payout)))
    if hidden := len(payouts) - len(largest):
        table.caption = f"and {hidden:,} smaller payouts; a pipe or --json shows all of them"
    return table


def _columns(payouts: Sequence[PlannedPayout]) -> Iterable[str]:
    """Lay out every row by hand: a hundred thousand are too many for a table that measures."""
    if not payouts:
        return
    rows = [_WIDE_HEADINGS, *map(_wide_cells, payouts)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for recipient, *figures in rows:
        aligned = (figure.rjust(width) for figure, width in zip(figures, widths[1:], strict=True))
        yield "  ".join((recipient.ljust(widths[0]), *aligned))
    yield ""


def _wide_cells(payout: PlannedPayout) -> tuple[str, ...]:
    return (
        payout.recipient,
        format_tez(payout.delegated_balance),
        format_tez(payout.gross),
        format_percentage(payout.fee_basis_points),
        format_tez(payout.fee),
        format_tez(payout.net),
    )


def _narrow_cells(payout: PlannedPayout) -> tuple[str, ...]:
    return (
        payout.recipient,
        format_percentage(payout.fee_basis_points),
        format_tez(payout.net),
    )


def _totals(plan: PayoutPlan) -> Iterable[str]:
    amounts = {
        "own part": plan.own_part,
        "+ fees": plan.total_fees,
        "+ dust of rounding": plan.dust,
        "= the baker keeps": plan.baker_share,
        "+ payouts": plan.total_net,
        "= pool": plan.pool,
    }
    written = {label: format_tez(amount) for label, amount in amounts.items()}
    width = max(map(len, written.values()))
    for label, amount in written.items():
        yield f"{label:<20}{amount:>{width}}"


def _remarks(plan: PayoutPlan, unused_fees: int) -> Iterable[str]:
    yield ""
    yield f"{len(plan.payouts):,} payouts; {plan.zero_payouts:,} more came to 0 and are left out."
    if unused_fees:
        yield f"{unused_fees:,} of the fees are for addresses that do not delegate in this cycle."
    yield "Proven: every row and every sum adds up to the mutez."
