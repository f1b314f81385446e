"""`bakehouse export …`: the books of a baker, as CSV for spreadsheets, JSON lines, or PDF."""

import json
import re
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from bakehouse.cli.leaving import everything
from bakehouse.cli.ledger_access import BakerArgument, with_ledger
from bakehouse.cli.new_file import opened, opened_binary
from bakehouse.cli.output import waiting
from bakehouse.desk import report
from bakehouse.desk.report import Layout
from bakehouse.errors import InputError
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.span import Span
from bakehouse.ledger.states import Mode
from bakehouse.payments import tezpay_report
from bakehouse.payments.export import (
    ADJUSTMENT_COLUMNS,
    CYCLE_COLUMNS,
    EXCLUSION_COLUMNS,
    PAYOUT_COLUMNS,
    STATEMENT_COLUMNS,
    Export,
    Row,
    adjustment_rows,
    csv_line,
    cycle_rows,
    exclusion_rows,
    payout_rows,
    statement_rows,
)
from bakehouse.tezos.address import parse_implicit, parse_recipient

app: Final = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Write cycles, payouts, exclusions, adjustments or statements as CSV, JSON or PDF.",
)

_CYCLES: Final = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?", re.ASCII)

Cycles = Annotated[
    str | None, typer.Option(metavar="FIRST-LAST", help="Only these cycles, or one of them.")
]
Year = Annotated[int | None, typer.Option(help="Only what was settled in this year (UTC).")]
Simulated = Annotated[
    bool, typer.Option("--simulated", help="The simulated cycles instead of the paid ones.")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of CSV: one object a line.")]
AsPdf = Annotated[bool, typer.Option("--pdf", help="A PDF, to read or to print.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write here; not over a file.")
]

#: Reads the rows that are wanted.
Rows = Callable[[Ledger], AsyncGenerator[Row, None]]


@app.command()
def cycles(  # noqa: PLR0913 - a parameter is an option of the command
    baker: BakerArgument,
    *,
    cycles: Cycles = None,
    year: Year = None,
    simulated: Simulated = False,
    as_json: AsJson = False,
    as_pdf: AsPdf = False,
    output: Output = None,
) -> None:
    """Write one line a cycle: what was earned, kept and paid, and what it cost."""
    wanted = _wanted(baker, cycles, year, is_simulated=simulated)

    async def rows(ledger: Ledger) -> AsyncGenerator[Row, None]:
        for row in await cycle_rows(ledger, wanted):
            yield row

    if _is_pdf(as_pdf=as_pdf, as_json=as_json):
        _write_pdf(wanted, rows, report.CYCLES, output)
    else:
        _write(wanted, rows, CYCLE_COLUMNS, output, as_json=as_json)


@app.command()
def payouts(  # noqa: PLR0913 - a parameter is an option of the command
    baker: BakerArgument,
    *,
    cycles: Cycles = None,
    year: Year = None,
    simulated: Simulated = False,
    as_json: AsJson = False,
    as_pdf: AsPdf = False,
    output: Output = None,
) -> None:
    """Write one line a payout: whom, how much, and the operation that paid it."""
    wanted = _wanted(baker, cycles, year, is_simulated=simulated)

    def rows(ledger: Ledger) -> AsyncGenerator[Row, None]:
        return payout_rows(ledger, wanted)

    if _is_pdf(as_pdf=as_pdf, as_json=as_json):
        _write_pdf(wanted, rows, report.PAYOUTS, output)
    else:
        _write(wanted, rows, PAYOUT_COLUMNS, output, as_json=as_json)


@app.command()
def statement(  # noqa: PLR0913 - a parameter is an option of the command
    baker: BakerArgument,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Who was paid.")],
    *,
    cycles: Cycles = None,
    year: Year = None,
    as_json: AsJson = False,
    as_pdf: AsPdf = False,
    output: Output = None,
) -> None:
    """Write what one recipient was paid: date, amount, cycle and operation, for its taxes."""
    wanted = _wanted(baker, cycles, year, is_simulated=False)
    of_whom = parse_recipient(address)

    async def rows(ledger: Ledger) -> AsyncGenerator[Row, None]:
        for row in await statement_rows(ledger, wanted, of_whom):
            yield row

    if _is_pdf(as_pdf=as_pdf, as_json=as_json):
        _write_pdf(wanted, rows, report.STATEMENT, output, f"Recipient: {of_whom}")
    else:
        _write(wanted, rows, STATEMENT_COLUMNS, output, as_json=as_json)


@app.command()
def tezpay(
    baker: BakerArgument,
    *,
    cycles: Cycles = None,
    year: Year = None,
    output: Output = None,
) -> None:
    """Write payouts in the columns of TezPay's payouts.csv, for scripts that read those."""
    wanted = _wanted(baker, cycles, year, is_simulated=False)

    def rows(ledger: Ledger) -> AsyncGenerator[Row, None]:
        return tezpay_report.tezpay_rows(ledger, wanted)

    _write(wanted, rows, tezpay_report.COLUMNS, output, as_json=False)


@app.command()
def exclusions(  # noqa: PLR0913 - a parameter is an option of the command
    baker: BakerArgument,
    *,
    cycles: Cycles = None,
    year: Year = None,
    simulated: Simulated = False,
    as_json: AsJson = False,
    output: Output = None,
) -> None:
    """Write one line for each delegator that a cycle excludes: why, and where its share went."""
    wanted = _wanted(baker, cycles, year, is_simulated=simulated)

    def rows(ledger: Ledger) -> AsyncGenerator[Row, None]:
        return exclusion_rows(ledger, wanted)

    _write(wanted, rows, EXCLUSION_COLUMNS, output, as_json=as_json)


@app.command()
def adjustments(  # noqa: PLR0913 - a parameter is an option of the command
    baker: BakerArgument,
    *,
    cycles: Cycles = None,
    year: Year = None,
    simulated: Simulated = False,
    as_json: AsJson = False,
    output: Output = None,
) -> None:
    """Write one line for each change that a hook made of a plan: whose it is, and why."""
    wanted = _wanted(baker, cycles, year, is_simulated=simulated)

    def rows(ledger: Ledger) -> AsyncGenerator[Row, None]:
        return adjustment_rows(ledger, wanted)

    _write(wanted, rows, ADJUSTMENT_COLUMNS, output, as_json=as_json)


app.command()(everything)


def _wanted(baker: str, cycles: str | None, year: int | None, *, is_simulated: bool) -> Export:
    first, last = _parse_cycles(cycles)
    return Export(
        baker_id=parse_implicit(baker),
        span=Span(first_cycle=first, last_cycle=last, year=year),
        mode=Mode.SIMULATION if is_simulated else Mode.ON,
    )


def _parse_cycles(text: str | None) -> tuple[int | None, int | None]:
    if text is None:
        return None, None
    match = _CYCLES.fullmatch(text)
    if match is None:
        raise InputError(f"{text!r} is neither a cycle nor a range of them, such as 740-750")
    return int(match[1]), int(match[2] or match[1])


def _is_pdf(*, as_pdf: bool, as_json: bool) -> bool:
    if as_pdf and as_json:
        raise InputError("either --json or --pdf")
    return as_pdf


def _write(
    wanted: Export,
    rows: Rows,
    columns: tuple[str, ...],
    output: Path | None,
    *,
    as_json: bool,
) -> None:
    async def work(ledger: Ledger) -> int:
        # Before a file is made: a mistyped baker must not leave one behind.
        await _baker(ledger, wanted)
        count = 0
        with opened(output) as file:
            if not as_json:
                file.write(csv_line(columns))
            async for row in rows(ledger):
                file.write(json.dumps(row) + "\n" if as_json else csv_line([*row.values()]))
                count += 1
        return count

    if output is None:
        with_ledger(work)
        return
    with waiting(f"writing {output}"):
        count = with_ledger(work)
    typer.echo(f"{count} rows are in {output}")


def _write_pdf(
    wanted: Export, rows: Rows, layout: Layout, output: Path | None, *facts: str
) -> None:
    if output is None and sys.stdout.isatty():
        raise InputError("a PDF is not for the terminal: name a file with --output")

    async def work(ledger: Ledger) -> None:
        baker = await _baker(ledger, wanted)
        document = await report.document_of(layout, baker, wanted, rows(ledger), *facts)
        with opened_binary(output) as file:
            file.write(document)

    with waiting("writing the document"):
        with_ledger(work)
    if output is not None:
        typer.echo(f"the document is {output}")


async def _baker(ledger: Ledger, wanted: Export) -> Baker:
    async with ledger.read() as tx:
        return await bakers.get(tx, wanted.baker_id)
