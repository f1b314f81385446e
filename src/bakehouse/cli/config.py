"""`bakehouse config …`: settings as a file, to keep, to compare and to take over."""

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from bakehouse.cli.input_file import read_text
from bakehouse.cli.ledger_access import actor, with_ledger
from bakehouse.cli.new_file import opened
from bakehouse.cli.output import AsJson, print_json, tell, waiting
from bakehouse.cli.settings_file_text import look_document, look_text
from bakehouse.config import load_config
from bakehouse.desk.settings_file.applying import Deed, Look, apply, look
from bakehouse.desk.settings_file.document import SettingsFile
from bakehouse.desk.settings_file.reading import read_settings
from bakehouse.desk.settings_file.state import HouseState, read_state
from bakehouse.desk.settings_file.writing import write_settings
from bakehouse.errors import InputError, RefusalError
from bakehouse.ledger.database import Ledger
from bakehouse.opening import utc_now

app: Final = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Settings as a file, in TOML."
)

#: As long as other reasons may be.
_REASON_LENGTH_MAX: Final = 500

File = Annotated[Path, typer.Argument(metavar="FILE", help="A file that `export` wrote.")]


@app.command()
def export(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Write here; not over a file.")
    ] = None,
) -> None:
    """Write every setting of every baker, with its meaning and range. Secrets are not in it."""

    async def read(ledger: Ledger) -> HouseState:
        async with ledger.read() as tx:
            return await read_state(tx)

    state = with_ledger(read)
    with opened(file) as out:
        out.writelines(write_settings(state, load_config().chain_id))
    if file is not None:
        typer.echo(f"the settings of {len(state.bakers)} bakers are in {file}")


@app.command()
def diff(
    file: File,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 if anything differs.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what a file would change, in words, and in tez for the last planned cycle."""
    seen = _look(_read(file))
    tell(look_text(seen), look_document(seen), as_json=as_json)
    if check and seen.differences:
        raise typer.Exit(1)


@app.command(name="apply")
def apply_(
    file: File,
    *,
    reason: Annotated[
        str | None, typer.Option("--reason", "--why", help="Why; it is kept in the audit trail.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show, and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a file over: shows what changes, asks, then changes all of it or nothing.

    Bakers and settings that the file does not name stay as they are, and so does everything when
    anything in it is refused. A running Bakehouse takes it up within a minute.
    """
    read = _read(file)
    seen = _look(read)
    if not as_json:
        typer.echo(look_text(seen))
    is_applied = bool(seen.differences) and not dry_run
    if is_applied:
        deed = Deed(actor(), utc_now(), _reason(reason))
        if not yes:
            _ask()
        network = load_config().chain_id
        with_ledger(lambda ledger: apply(ledger, read, network, seen.before, deed))
    if as_json:
        print_json({**look_document(seen), "applied": is_applied})
    elif is_applied:
        typer.echo("These are the settings now.")


def _read(file: Path) -> SettingsFile:
    return read_settings(read_text(file), str(file))


def _look(file: SettingsFile) -> Look:
    network = load_config().chain_id
    with waiting("comparing, and planning the last cycle once more"):
        return with_ledger(lambda ledger: look(ledger, file, network, utc_now()))


def _reason(given: str | None) -> str:
    reason = (given or "").strip()
    if not 1 <= len(reason) <= _REASON_LENGTH_MAX:
        raise InputError(
            f"say why, in up to {_REASON_LENGTH_MAX} characters: "
            "--reason is kept in the audit trail"
        )
    return reason


def _ask() -> None:
    if not sys.stdin.isatty():
        raise RefusalError("nothing was changed: --yes says that nobody need be asked")
    typer.confirm("Change these settings?", abort=True, err=True)
