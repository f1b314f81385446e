"""`bakehouse fees …`: fees of single delegators; whoever has none of its own pays the default."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from bakehouse.cli.fees_file import read_fees
from bakehouse.cli.ledger_access import (
    BakerArgument,
    OptionalWhy,
    actor,
    with_ledger,
)
from bakehouse.cli.output import AsJson, print_json, tell
from bakehouse.errors import NotFoundError
from bakehouse.ledger import bakers, payout_rules
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.opening import utc_now
from bakehouse.payments.export import csv_line
from bakehouse.rewards.money import BasisPoints, format_percentage, parse_percentage
from bakehouse.tezos.address import parse_implicit, parse_recipient

app: Final = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Fees of single delegators."
)

Fees = dict[str, BasisPoints]
Delegator = Annotated[str, typer.Argument(metavar="ADDRESS", help="The delegator's address.")]


@app.command()
def show(baker: BakerArgument, *, as_json: AsJson = False) -> None:
    """List the default fee and the fees of single delegators, in percent."""
    found, fees = _read(baker)
    if as_json:
        print_json(
            {
                "baker": found.baker_id,
                "default_fee_basis_points": found.default_fee,
                "fees_basis_points": fees,
            }
        )
        return
    typer.echo(f"{format_percentage(found.default_fee)} %  whoever is not named here")
    for address, fee in fees.items():
        typer.echo(f"{format_percentage(fee)} %  {address}")


@app.command(name="set")
def set_(
    baker: BakerArgument,
    address: Delegator,
    percent: Annotated[str, typer.Argument(help="From 0 to 100, up to two decimals.")],
    *,
    why: OptionalWhy = None,
    as_json: AsJson = False,
) -> None:
    """Give one delegator a fee of its own, from the next cycle that is planned."""
    delegator, fee = parse_recipient(address), parse_percentage(percent)
    _change(baker, lambda fees: {**fees, delegator: fee}, why)
    tell(
        f"{delegator} pays {format_percentage(fee)} %",
        {"address": delegator, "fee_basis_points": fee},
        as_json=as_json,
    )


@app.command()
def unset(
    baker: BakerArgument,
    address: Delegator,
    *,
    why: OptionalWhy = None,
    as_json: AsJson = False,
) -> None:
    """Have one delegator pay the default fee again."""
    delegator = parse_recipient(address)

    def without(fees: Fees) -> Fees:
        if delegator not in fees:
            raise NotFoundError(f"{delegator} has no fee of its own")
        return {each: fee for each, fee in fees.items() if each != delegator}

    _change(baker, without, why)
    tell(
        f"{delegator} pays the default fee",
        {"address": delegator, "fee_basis_points": None},
        as_json=as_json,
    )


@app.command(name="import")
def import_(
    baker: BakerArgument,
    file: Annotated[Path, typer.Argument(help="JSON, or CSV address,fee; replaces all.")],
    *,
    why: OptionalWhy = None,
    as_json: AsJson = False,
) -> None:
    """Set the fees of single delegators from a file; those not in it pay the default fee."""
    by_address = read_fees(file)
    _change(baker, lambda _: by_address, why)
    count = len(by_address)
    tell(f"{count} delegators have fees of their own", {"fees": count}, as_json=as_json)


@app.command()
def export(baker: BakerArgument) -> None:
    """Print the fees of single delegators as CSV, as `import` reads it."""
    _, fees = _read(baker)
    typer.echo(csv_line(["address", "fee"]), nl=False)
    for address, fee in fees.items():
        typer.echo(csv_line([address, format_percentage(fee)]), nl=False)


def _read(baker: str) -> tuple[Baker, Mapping[str, BasisPoints]]:
    async def read(ledger: Ledger) -> tuple[Baker, Mapping[str, BasisPoints]]:
        async with ledger.read() as tx:
            found = await bakers.get(tx, parse_implicit(baker))
            fees = await payout_rules.fees(tx, found.baker_id)
            return found, dict(sorted(fees.items()))

    return with_ledger(read)


def _change(baker: str, change: Callable[[Fees], Fees], why: str | None) -> None:
    """Replace the fees by what a function makes of them, in one transaction."""

    async def write(ledger: Ledger) -> None:
        async with ledger.write(why=why) as tx:
            baker_id = (await bakers.get(tx, parse_implicit(baker))).baker_id
            fees = change(await payout_rules.fees(tx, baker_id))
            await bakers.replace_fees(tx, baker_id, fees, actor=actor(), at=utc_now())

    with_ledger(write)
