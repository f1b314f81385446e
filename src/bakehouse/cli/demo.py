"""`bakehouse demo`: the main job on embedded parts, with a simulated chain instead of mainnet."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bakehouse.cli.input_file import read_file
from bakehouse.config import load_config
from bakehouse.demo.options import DemoOptions
from bakehouse.errors import SplitRefusedError
from bakehouse.rewards.money import parse_percentage
from bakehouse.tezos.rewards_split import parse_split
from bakehouse.tezos.strict_json import decode_unique

app: Final = typer.Typer(add_completion=False)


@app.command()
def demo(  # noqa: PLR0913 - a parameter is an option of the command
    *,
    replay: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A recorded TzKT rewards/split, paid as the cycle."),
    ] = None,
    delegators: Annotated[
        int, typer.Option(min=1, max=100_000, help="Delegators of the generated baker.")
    ] = 60,
    fee: Annotated[
        str, typer.Option(metavar="PERCENT", help="The baker's fee; up to two decimals.")
    ] = "10",
    exit_when_paid: Annotated[
        bool, typer.Option("--exit-when-paid", help="Stop after the first cycle is paid in full.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object at the end, nothing before.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port of the dashboard; 3000 unless set."),
    ] = None,
    block_seconds: Annotated[
        float, typer.Option(min=0.05, max=60, help="Seconds between two simulated blocks.")
    ] = 1.0,
) -> None:
    """Run Bakehouse against a simulated chain: cycles turn, delegators are paid. Stop with Ctrl-C.

    Everything lives in a temporary folder of the data directory, and is gone at the end.
    """
    options = DemoOptions(
        replay=_read_replay(replay) if replay is not None else None,
        delegator_count=delegators,
        default_fee=parse_percentage(fee),
        exit_when_paid=exit_when_paid,
        # A demo that only reports must not fail because another Bakehouse serves its pages.
        port=port if port is not None else 0 if exit_when_paid else load_config().port,
        block_seconds=block_seconds,
        is_quiet=as_json or not sys.stdout.isatty(),
    )
    # Only now: it takes seconds, in which a mistake above would wait to be told.
    from bakehouse.demo.run import run_demo  # noqa: PLC0415

    outcome = asyncio.run(run_demo(load_config(), options))
    if outcome is not None and as_json:
        typer.echo(json.dumps(outcome))


def _read_replay(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = decode_unique(read_file(path))
    try:
        parse_split(document)
    except SplitRefusedError as error:
        raise SplitRefusedError(f"{path}: {error.message}", **error.facts) from error
    return document
