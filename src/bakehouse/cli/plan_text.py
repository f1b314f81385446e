"""A payout plan as text: the largest rows on a terminal, every row in a pipe. Amounts in tez."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bakehouse.rewards.money import Mutez, format_percentage, format_tez
from bakehouse.rewards.payout_kind import PayoutKind
from bakehouse.rewards.payout_rules import ExcludedShare
from bakehouse.rewards.plan_values import Exclusion, PayoutPlan, PlannedPayout

#: More rows would push the totals out of sight.
TERMINAL_ROWS_MAX: Final = 20
#: Columns that all six figures of a row take; a narrower terminal shows three.
WIDE_COLUMNS: Final = 110

_WIDE_HEADINGS: Final = ("recipient", "delegated", "gross", "fee %", "fee", "net")
_NARROW_HEADINGS: Final = ("recipient", "fee %", "net")
#: Only where any payout has something to tell there.
_NOTE: Final = "note"
_TEXTS: Final = ("recipient", _NOTE)

_GOES_TO: Final = {
    ExcludedShare.BAKER: "to the baker",
    ExcludedShare.EVERYONE: "to everyone else",
    ExcludedShare.NAMED: "to named addresses",
}


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
    largest = sorted(payouts, key=lambda payout: payout.net, reverse=True)[:TERMINAL_ROWS_MAX]
    notes = [_note(payout) for payout in largest]
    headings = _WIDE_HEADINGS if is_wide else _NARROW_HEADINGS
    for heading in (*headings, _NOTE) if any(notes) else headings:
        is_text = heading in _TEXTS
        table.add_column(
            heading,
            justify="left" if is_text else "right",
            overflow="fold",
            no_wrap=not is_text,
        )
    for payout, note in zip(largest, notes, strict=True):
        cells = _wide_cells(payout) if is_wide else _narrow_cells(payout)
        table.add_row(*cells, *([note] if any(notes) else []))
    if hidden := len(payouts) - len(largest):
        table.caption = f"and {hidden:,} smaller payouts; a pipe or --json shows all of them"
    return table


def _columns(payouts: Sequence[PlannedPayout]) -> Iterable[str]:
    """Lay out every row by hand: a hundred thousand are too many for a table that measures."""
    if not payouts:
        return
    rows = [_WIDE_HEADINGS, *map(_wide_cells, payouts)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    noted = ["", *map(_note, payouts)]
    for (recipient, *figures), note in zip(rows, noted, strict=True):
        notes = [note] if note else []
        aligned = (figure.rjust(width) for figure, width in zip(figures, widths[1:], strict=True))
        yield "  ".join((recipient.ljust(widths[0]), *aligned, *notes)).rstrip()
    yield ""


def _note(payout: PlannedPayout) -> str:
    """Tell what is not as usual: another kind, another address, a later cycle."""
    parts = [
        payout.kind if payout.kind is not PayoutKind.DELEGATOR else "",
        f"sent to {payout.address}" if payout.address not in {"", payout.recipient} else "",
        f"waits: {payout.carry_reason}" if payout.carry_reason is not None else "",
    ]
    return ", ".join(part for part in parts if part)


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
        **({"+ excluded shares": plan.excluded_kept} if plan.exclusions else {}),
        "+ dust of rounding": plan.dust,
        "= the baker keeps": plan.baker_share,
        "+ payouts": plan.total_net,
        "= pool": plan.pool,
    }
    written = {label: format_tez(amount) for label, amount in amounts.items()}
    width = max(map(len, written.values()))
    for label, amount in written.items():
        yield f"{label:<20}{amount:>{width}}"


def _excluded(exclusions: Sequence[Exclusion]) -> Iterable[str]:
    counts: Counter[tuple[str, ExcludedShare]] = Counter()
    sums: Counter[tuple[str, ExcludedShare]] = Counter()
    for each in exclusions:
        key = each.reason, each.share_goes_to
        counts[key] += 1
        sums[key] += each.gross
    for (reason, goes_to), count in sorted(counts.items()):
        share = f"{format_tez(Mutez(sums[reason, goes_to]))} tez " if sums[reason, goes_to] else ""
        yield f"{count:,} not paid ({reason}): their shares go {share}{_GOES_TO[goes_to]}."


def _remarks(plan: PayoutPlan, unused_fees: int) -> Iterable[str]:
    yield ""
    yield f"{len(plan.payouts):,} payouts; {plan.zero_payouts:,} more came to 0 and are left out."
    yield from _excluded(plan.exclusions)
    if unused_fees:
        yield f"{unused_fees:,} of the fees are for addresses that do not delegate in this cycle."
    yield "Proven: every row and every sum adds up to the mutez."
