"""`bakehouse export …`: the books of a baker, as CSV for spreadsheets or as JSON lines."""

import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, TextIO

import typer

from bakehouse.cli.ledger_access import BakerArgument, with_ledger
from bakehouse.cli.output import waiting
from bakehouse.errors import InputError
from bakehouse.ledger import bakers
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.span import Span
from bakehouse.ledger.states import Mode
from bakehouse.payments.export import (
    CYCLE_COLUMNS,
    EXCLUSION_COLUMNS,
    PAYOUT_COLUMNS,
    Export,
    Row,
    csv_line,
    cycle_rows,
    exclusion_rows,
    payout_rows,
)
from bakehouse.tezos.address import parse_implicit

app: Final = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Write cycles, payouts or exclusions as CSV or JSON.",
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
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write here; not over a file.")
]


@app.command()
def cycles(  # noqa: PLR0913 - a parameter is an option of the command
    baker: BakerArgument,
    *,
    cycles: Cycles = None,
    year: Year = None,
    simulated: Simulated = False,
    as_json: AsJson = False,
    output: Output = None,
) -> None:
    """Write one line a cycle: what was earned, kept and paid, and what it cost."""
    wanted = _wanted(baker, cycles, year, is_simulated=simulated)

    async def rows(ledger: Ledger) -> AsyncIterator[Row]:
        for row in await cycle_rows(ledger, wanted):
            yield row

    _write(wanted, rows, CYCLE_COLUMNS, output, as_json=as_json)


@app.command()
def payouts(  # noqa: PLR0913 - a parameter is an option of the command
    baker: BakerArgument,
    *,
    cycles: Cycles = None,
    year: Year = None,
    simulated: Simulated = False,
    as_json: AsJson = False,
    output: Output = None,
) -> None:
    """Write one line a payout: whom, how much, and the operation that paid it."""
    wanted = _wanted(baker, cycles, year, is_simulated=simulated)

    def rows(ledger: Ledger) -> AsyncIterator[Row]:
        return payout_rows(ledger, wanted)

    _write(wanted, rows, PAYOUT_COLUMNS, output, as_json=as_json)


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

    def rows(ledger: Ledger) -> AsyncIterator[Row]:
        return exclusion_rows(ledger, wanted)

    _write(wanted, rows, EXCLUSION_COLUMNS, output, as_json=as_json)


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


def _write(
    wanted: Export,
    rows: Callable[[Ledger], AsyncIterator[Row]],
    columns: Sequence[str],
    output: Path | None,
    *,
    as_json: bool,
) -> None:
    async def work(ledger: Ledger) -> int:
        # Before a file is made: a mistyped baker must not leave one behind.
        async with ledger.read() as tx:
            await bakers.get(tx, wanted.baker_id)
        count = 0
        with _opened(output) as file:
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


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    try:
        handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror}") from error
    with os.fdopen(handle, "w", newline="") as file:
        yield file
