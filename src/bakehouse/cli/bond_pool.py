"""`bakehouse bond-pool …`: who lent the baker its bond, and shares what it keeps of a cycle."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from bakehouse.cli.bond_pool_file import read_bond_pool
from bakehouse.cli.ledger_access import (
    BakerArgument,
    OptionalWhy,
    actor,
    with_ledger,
)
from bakehouse.cli.output import AsJson, print_json, tell
from bakehouse.desk.bond_pool_text import COLUMNS
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.opening import utc_now
from bakehouse.payments.export import csv_line
from bakehouse.rewards.bond_pool import BondPoolMember
from bakehouse.rewards.money import WHOLE, BasisPoints, format_percentage, format_tez
from bakehouse.tezos.address import parse_implicit

app: Final = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Members of the bond pool."
)


@app.command()
def show(baker: BakerArgument, *, as_json: AsJson = False) -> None:
    """List the members with their bonds, shares and charges, and whether the pool is paid."""
    found, members = _read(baker)
    total = sum(member.amount for member in members)
    if as_json:
        print_json(
            {
                "baker": found.baker_id,
                "enabled": found.bond_pool_enabled,
                "members": [
                    {
                        "address": member.address,
                        "name": member.name,
                        "amount": str(member.amount),
                        "adm_charge_basis_points": member.adm_charge,
                        "is_manager": member.is_manager,
                    }
                    for member in members
                ],
            }
        )
        return
    state = "is paid" if found.bond_pool_enabled else "is not paid (bond_pool_enabled=no)"
    typer.echo(f"the bond pool {state}; {len(members)} members, shares by their bonds")
    for member in members:
        share = format_percentage(BasisPoints(member.amount * WHOLE // total))
        role = "  manager" if member.is_manager else ""
        typer.echo(
            f"{member.address}  {format_tez(member.amount)} tez  {share} %  "
            f"charge {format_percentage(member.adm_charge)} %{role}  {member.name}".rstrip()
        )


@app.command(name="import")
def import_(
    baker: BakerArgument,
    file: Annotated[Path, typer.Argument(help="CSV address,amount,adm_charge,is_manager,name.")],
    *,
    why: OptionalWhy = None,
    as_json: AsJson = False,
) -> None:
    """Set the bond-pool members from a file; it replaces them all."""
    members = read_bond_pool(file)

    async def replace(ledger: Ledger) -> None:
        async with ledger.write(why=why) as tx:
            address = (await bakers.get(tx, parse_implicit(baker))).baker_id
            await bakers.replace_bond_pool(tx, address, members, actor=actor(), at=utc_now())

    with_ledger(replace)
    count = len(members)
    tell(f"{count} members are in the bond pool", {"members": count}, as_json=as_json)


@app.command()
def export(baker: BakerArgument) -> None:
    """Print the members as CSV, as `import` reads it."""
    _, members = _read(baker)
    typer.echo(csv_line([*COLUMNS, "name"]), nl=False)
    for member in members:
        cells = (
            member.address,
            format_tez(member.amount).replace(",", ""),
            format_percentage(member.adm_charge),
            "yes" if member.is_manager else "no",
            member.name,
        )
        typer.echo(csv_line(cells), nl=False)


def _read(baker: str) -> tuple[Baker, Sequence[BondPoolMember]]:
    async def read(ledger: Ledger) -> tuple[Baker, Sequence[BondPoolMember]]:
        async with ledger.read() as tx:
            found = await bakers.get(tx, parse_implicit(baker))
            return found, await bakers.bond_pool(tx, found.baker_id)

    return with_ledger(read)
