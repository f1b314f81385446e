"""`bakehouse baker …`: register bakers and set their rules, straight in the ledger."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from bakehouse.app import open_payer, utc_now
from bakehouse.cli.bond_pool_file import read_bond_pool
from bakehouse.cli.fees_file import read_fees
from bakehouse.cli.ledger_access import BakerArgument, actor, with_ledger
from bakehouse.config import load_config, require_sources
from bakehouse.errors import InputError
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.logs import configure_logs
from bakehouse.payments.baker_settings import parse_assignments, parse_settings
from bakehouse.payments.due import final_cycle
from bakehouse.rewards.money import format_percentage
from bakehouse.tezos.address import parse_implicit

app: Final = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Register bakers and set their rules."
)

Assignments = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME=VALUE]...", help="Settings, such as mode=on default_fee=9.5"),
]


@app.command()
def add(baker: BakerArgument, settings: Assignments = None) -> None:
    """Register a baker; it starts in simulation, with the cycle that runs now.

    Without payout_address the baker pays from its own address; without first_cycle the node is
    asked for the current cycle, so that nothing older is touched.
    """
    address = parse_implicit(baker)
    chosen = parse_settings(parse_assignments(settings or []))

    async def register(ledger: Ledger) -> Baker:
        if "first_cycle" not in chosen:
            chosen["first_cycle"] = await _current_cycle()
        chosen.setdefault("payout_address", address)
        new = Baker(baker_id=address, network=load_config().chain_id, **chosen)
        async with ledger.write() as tx:
            await bakers.add(tx, new, actor=actor(), at=utc_now())
        return new

    new = with_ledger(register)
    typer.echo(
        f"{new.baker_id} is registered: mode {new.mode}, fee {format_percentage(new.default_fee)} %"
        f", from cycle {new.first_cycle}, paid from {new.payout_address}"
    )


@app.command(name="set")
def set_(baker: BakerArgument, settings: Assignments = None) -> None:
    """Change settings of a baker; a running Bakehouse takes them up within a minute."""
    chosen = parse_settings(parse_assignments(settings or []))
    if not chosen:
        raise InputError("say what to change, as name=value")

    async def change(ledger: Ledger) -> None:
        async with ledger.write() as tx:
            await bakers.change(tx, parse_implicit(baker), chosen, actor=actor(), at=utc_now())

    with_ledger(change)
    typer.echo(f"changed: {', '.join(sorted(chosen))}")


@app.command(name="list")
def list_() -> None:
    """List the registered bakers with their settings."""

    async def read(ledger: Ledger) -> list[Baker]:
        async with ledger.read() as tx:
            return await bakers.everyone(tx)

    for baker in with_ledger(read):
        typer.echo(baker.baker_id)
        for name in bakers.SETTINGS:
            typer.echo(f"  {name} = {_shown(name, getattr(baker, name))}")


@app.command()
def fees(
    baker: BakerArgument,
    file: Annotated[Path, typer.Argument(help="JSON, or CSV address,fee; replaces all.")],
) -> None:
    """Set the fees of single delegators from a file; those not in it pay the default fee."""
    by_address = read_fees(file)

    async def replace(ledger: Ledger) -> None:
        async with ledger.write() as tx:
            address = (await bakers.get(tx, parse_implicit(baker))).baker_id
            await bakers.replace_fees(tx, address, by_address, actor=actor(), at=utc_now())

    with_ledger(replace)
    typer.echo(f"{len(by_address)} delegators have fees of their own")


@app.command(name="bond-pool")
def bond_pool(
    baker: BakerArgument,
    file: Annotated[Path, typer.Argument(help="CSV address,amount,adm_charge,is_manager,name.")],
) -> None:
    """Set the bond-pool members from a file; it replaces them all."""
    members = read_bond_pool(file)

    async def replace(ledger: Ledger) -> None:
        async with ledger.write() as tx:
            address = (await bakers.get(tx, parse_implicit(baker))).baker_id
            await bakers.replace_bond_pool(tx, address, members, actor=actor(), at=utc_now())

    with_ledger(replace)
    typer.echo(f"{len(members)} members are in the bond pool")


async def _current_cycle() -> int:
    config = load_config()
    require_sources(config)
    # What goes wrong is told once, by the error; logs that nobody set up would go to the output.
    configure_logs(config.log_format, "error")
    async with AsyncExitStack() as stack:
        return await final_cycle(await open_payer(stack, config))


def _shown(name: str, value: Any) -> str:
    if name == "default_fee":
        return f"{format_percentage(value)} %"
    return "yes" if value is True else "no" if value is False else str(value)
