"""`bakehouse restore`: a copy of the ledger takes its place."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from bakehouse.cli.ledger_access import actor
from bakehouse.cli.output import AsJson, tell
from bakehouse.config import load_config
from bakehouse.ledger.backup import ledger_path
from bakehouse.ledger.restore import Restored
from bakehouse.ledger.restore import restore as put_in_place
from bakehouse.opening import utc_now

app: Final = typer.Typer(add_completion=False)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `bakehouse backup` wrote.")],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where there is a ledger; it is kept beside it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put a copy in the ledger's place, checked and brought to this version. Stop Bakehouse first.

    What was paid since the copy was made is found on the chain before anything is paid again.
    """
    ledger = ledger_path(load_config().ledger_url)
    done = asyncio.run(put_in_place(file, ledger, replace=replace, actor=actor(), at=utc_now()))
    tell(
        "\n".join(_lines(ledger, done)),
        {
            "ledger": str(ledger),
            "as_of": None if done.as_of is None else done.as_of.isoformat(),
            "replaced": None if done.replaced is None else str(done.replaced),
            "operations_lost": done.operations_lost,
        },
        as_json=as_json,
    )


def _lines(ledger: Path, done: Restored) -> list[str]:
    as_of = "empty" if done.as_of is None else f"as of {done.as_of:%Y-%m-%d %H:%M:%S} UTC"
    lines = [f"{ledger} is the copy now, {as_of}."]
    if done.replaced is not None:
        lines.append(f"The one before it is kept as {done.replaced}.")
    if done.operations_lost:
        lines.append(
            f"{done.operations_lost} operations that it knew are not in the copy: whom they paid "
            "is found on the chain, and held for you to look at (`bakehouse held BAKER`)."
        )
    lines.append("Tokens, passwords and settings are those of then: look through them.")
    return lines
