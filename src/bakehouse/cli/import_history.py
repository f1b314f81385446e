"""`bakehouse import …`: moving in from another tool, looked at first, then entered at once."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from bakehouse.cli.ledger_access import actor, with_ledger, with_payer
from bakehouse.cli.output import AsJson, print_json, waiting
from bakehouse.config import load_config
from bakehouse.errors import RefusalError
from bakehouse.importers.moving import Choice, Look, look_offline, look_on_chain, move_in
from bakehouse.importers.moving_in import MovingIn
from bakehouse.importers.report import report_document, report_text
from bakehouse.importers.taps_files import read_taps
from bakehouse.importers.tezpay_files import read_tezpay
from bakehouse.importers.trd_files import read_trd
from bakehouse.ledger.database import Ledger
from bakehouse.opening import utc_now
from bakehouse.payments.payer import Payer
from bakehouse.tezos.address import parse_implicit

app: Final = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Move in from another tool. Shows what it would do; --apply does it.",
)

Wallet = Annotated[
    str | None,
    typer.Option(
        "--payout-address",
        metavar="ADDRESS",
        help="The wallet that pays, where the files do not tell it; else the baker.",
    ),
]
FirstCycle = Annotated[
    int | None,
    typer.Option(
        "--first-cycle",
        min=0,
        help="The first cycle to be paid here; without it, the one after the old history.",
    ),
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Do not look on chain: take the files at their word.")
]
Apply = Annotated[bool, typer.Option("--apply", help="Do it, not only show it.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Reports = Annotated[
    list[Path], typer.Argument(metavar="REPORTS…", help="Folders of reports, or single files.")
]


@app.command()
def taps(  # noqa: PLR0913 - a parameter is an option of the command
    dump: Annotated[
        Path, typer.Argument(help="A script of its H2 database, or a folder of CSV files.")
    ],
    *,
    baker: Annotated[
        str | None, typer.Option("--baker", help="Whose; not needed where there is only one.")
    ] = None,
    payout_address: Wallet = None,
    first_cycle: FirstCycle = None,
    offline: Offline = False,
    apply: Apply = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Move in from TAPS: settings, fees, bond pool, and what it had paid.

    Passwords and phrases in the dump are neither read nor shown.
    """
    moving = read_taps(
        dump,
        baker=baker and parse_implicit(baker),
        payout_address=payout_address and parse_implicit(payout_address),
    )
    _run(moving, first_cycle, is_offline=offline, applies=apply, yes=yes, as_json=as_json)


@app.command()
def trd(  # noqa: PLR0913 - a parameter is an option of the command
    config: Annotated[Path, typer.Argument(help="The YAML file of the baker.")],
    reports: Reports,
    *,
    payout_address: Wallet = None,
    first_cycle: FirstCycle = None,
    offline: Offline = False,
    apply: Apply = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Move in from TRD: settings, and what its payment reports (done, failed) say."""
    wallet = payout_address and parse_implicit(payout_address)
    moving = read_trd(config, reports, payout_address=wallet)
    _run(moving, first_cycle, is_offline=offline, applies=apply, yes=yes, as_json=as_json)


@app.command()
def tezpay(  # noqa: PLR0913 - a parameter is an option of the command
    config: Annotated[Path, typer.Argument(help="Its config.hjson.")],
    reports: Reports,
    *,
    payout_address: Wallet = None,
    first_cycle: FirstCycle = None,
    offline: Offline = False,
    apply: Apply = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Move in from TezPay: settings, and what its reports say it had paid."""
    wallet = payout_address and parse_implicit(payout_address)
    moving = read_tezpay(config, reports, payout_address=wallet)
    _run(moving, first_cycle, is_offline=offline, applies=apply, yes=yes, as_json=as_json)


def _run(  # noqa: PLR0913 - keyword-only choices of a person
    moving: MovingIn,
    first_cycle: int | None,
    *,
    is_offline: bool,
    applies: bool,
    yes: bool,
    as_json: bool,
) -> None:
    choice = Choice(load_config().chain_id, actor(), utc_now(), first_cycle)
    with waiting("reading the ledger" if is_offline else "looking up the history on chain"):
        seen = _look(moving, choice, is_offline=is_offline)
    is_applied = applies and seen.written.changes_anything
    if not as_json:
        typer.echo(report_text(seen))
    if is_applied:
        if not yes:
            _ask()
        with_ledger(lambda ledger: move_in(ledger, seen))
    if as_json:
        print_json({**report_document(seen), "applied": is_applied})
    elif is_applied:
        typer.echo("It is in the ledger now.")
    elif seen.written.changes_anything:
        typer.echo("Nothing was changed: the same with --apply does it.")


def _look(moving: MovingIn, choice: Choice, *, is_offline: bool) -> Look:
    if is_offline:
        return with_ledger(_asking(moving, choice))

    async def ask(payer: Payer) -> Look:
        return await look_on_chain(payer, moving, choice)

    return with_payer(ask)


def _asking(moving: MovingIn, choice: Choice) -> Callable[[Ledger], Awaitable[Look]]:
    return lambda ledger: look_offline(ledger, moving, choice)


def _ask() -> None:
    if not sys.stdin.isatty():
        raise RefusalError("nothing was changed: --yes says that nobody need be asked")
    typer.confirm("Take all of this over?", abort=True, err=True)
