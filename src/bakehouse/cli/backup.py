"""`bakehouse backup`: a copy of the ledger, made while Bakehouse runs."""

from pathlib import Path
from typing import Annotated, Final

import typer

from bakehouse.cli.output import AsJson, tell
from bakehouse.config import load_config
from bakehouse.ledger.backup import back_up, ledger_path
from bakehouse.opening import utc_now

app: Final = typer.Typer(add_completion=False)

_MEGABYTE: Final = 1_000_000


@app.command()
def backup(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A new file, or a folder in which one is named by the time."
        ),
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Copy the ledger, as it is at one moment, to a file; Bakehouse may go on meanwhile.

    Keys, passphrase and secret.key are not in it: keep copies of those elsewhere.
    """
    config = load_config()
    if file.is_dir():
        file /= f"ledger-{utc_now():%Y%m%dT%H%M%SZ}.db"
    copied = back_up(ledger_path(config.ledger_url), file)
    as_of = "empty" if copied.as_of is None else f"as of {copied.as_of:%Y-%m-%d %H:%M:%S} UTC"
    tell(
        f"{copied.path}: {copied.size_bytes / _MEGABYTE:.1f} MB, whole, {as_of}. "
        f"Not in it: the keys, their passphrase, and {config.secret_key.path}.",
        {
            "file": str(copied.path),
            "size_bytes": copied.size_bytes,
            "as_of": None if copied.as_of is None else copied.as_of.isoformat(),
        },
        as_json=as_json,
    )
