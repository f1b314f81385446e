"""`bakehouse income …`: shares of a baker's income for named addresses."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bakehouse.cli.input_file import read_text
from bakehouse.cli.ledger_access import (
    BakerArgument,
    OptionalWhy,
    actor,
    with_ledger,
)
from bakehouse.cli.output import AsJson, print_json, tell
from bakehouse.desk.income import with_share
from bakehouse.desk.income_text import SHARES, income_cells, parse_income
from bakehouse.errors import SettingError
from bakehouse.ledger import bakers, payout_rules
from bakehouse.ledger.database import Ledger
from bakehouse.opening import utc_now
from bakehouse.payments.baker_settings import parse_assignments
from bakehouse.payments.export import csv_line
from bakehouse.rewards.money import parse_percentage
from bakehouse.rewards.payout_rules import IncomeShare
from bakehouse.tezos.address import parse_implicit, parse_recipient

app: Final = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Where a baker's income goes."
)

Shares = Sequence[IncomeShare]


@app.command(name="list")
def list_(baker: BakerArgument, *, as_json: AsJson = False) -> None:
    """List the shares of named addresses, in percent; what is left stays with the baker."""
    address, shares = _read(baker)
    if as_json:
        print_json({"baker": address, "shares": [_document(each) for each in shares]})
        return
    for each in shares:
        said = [f"{name} {text} %" for name, text in income_cells(each).items() if text != "0"]
        typer.echo(f"{each.address}  {', '.join(said)}")


@app.command(name="set")
def set_(
    baker: BakerArgument,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Who gets the shares.")],
    said: Annotated[
        list[str],
        typer.Argument(metavar="NAME=PERCENT...", help=f"Of {', '.join(SHARES)}; 0 is none."),
    ],
    *,
    why: OptionalWhy = None,
    as_json: AsJson = False,
) -> None:
    """Set what one address has of the income, from the next cycle that is planned.

    What is not named stays as it is; an address that has none of anything is taken out. Shares that
    only make sense together, as those of_excluded, are set with `import`.
    """
    texts = parse_assignments(said)
    for name in texts:
        if name not in SHARES:
            raise SettingError(f"{name!r} is nothing to have a share of: {', '.join(SHARES)} are")
    parts = {name: parse_percentage(text) for name, text in texts.items()}
    whom = parse_recipient(address)
    changed = _change(baker, lambda known: with_share(known, whom, parts), why)
    shares = {each.address: each for each in changed}
    share = shares.get(whom, IncomeShare(whom))
    words = ", ".join(f"{name} {text} %" for name, text in income_cells(share).items())
    told = words if whom in shares else "no share of anything"
    tell(f"{whom} has {told}", _document(share), as_json=as_json)


@app.command(name="import")
def import_(
    baker: BakerArgument,
    file: Annotated[Path, typer.Argument(help="CSV with a header, or JSON; replaces all.")],
    *,
    why: OptionalWhy = None,
    as_json: AsJson = False,
) -> None:
    """Set the shares from a file; they replace all there are."""
    shares = parse_income(read_text(file), str(file))
    _change(baker, lambda _: shares, why)
    count = len(shares)
    tell(f"{count} addresses have shares of the income", {"shares": count}, as_json=as_json)


@app.command()
def export(baker: BakerArgument) -> None:
    """Print the shares as CSV, as `import` reads it."""
    _, shares = _read(baker)
    typer.echo(csv_line(["address", *SHARES]), nl=False)
    for each in shares:
        typer.echo(csv_line([each.address, *income_cells(each).values()]), nl=False)


def _document(share: IncomeShare) -> dict[str, Any]:
    parts = {f"{name}_basis_points": getattr(share, name) for name in SHARES}
    return {"address": share.address, **parts}


def _read(baker: str) -> tuple[str, Shares]:
    async def read(ledger: Ledger) -> tuple[str, Shares]:
        async with ledger.read() as tx:
            found = await bakers.get(tx, parse_implicit(baker))
            return found.baker_id, await payout_rules.income(tx, found.baker_id)

    return with_ledger(read)


def _change(baker: str, change: Callable[[Shares], Shares], why: str | None) -> Shares:
    """Replace the shares by what a function makes of them, in one transaction; gives them."""

    async def write(ledger: Ledger) -> Shares:
        async with ledger.write(why=why) as tx:
            found = await bakers.get(tx, parse_implicit(baker))
            shares = change(await payout_rules.income(tx, found.baker_id))
            await payout_rules.replace_income(tx, found, shares, actor=actor(), at=utc_now())
            return shares

    return with_ledger(write)
