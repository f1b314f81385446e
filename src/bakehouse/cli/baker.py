"""`bakehouse baker …`: register bakers and set their rules, straight in the ledger."""

from typing import Annotated, Any, Final

import typer

from bakehouse.cli import bond_pool, fees
from bakehouse.cli.ledger_access import (
    BakerArgument,
    OptionalWhy,
    actor,
    with_ledger,
)
from bakehouse.cli.output import AsJson, print_json, tell
from bakehouse.cli.registration import baker_document, confirm_live, register, require_funding_key
from bakehouse.config import load_config
from bakehouse.errors import InputError
from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.setting import Kind
from bakehouse.ledger.setting_catalogue import CATALOGUE
from bakehouse.ledger.states import Mode
from bakehouse.opening import utc_now
from bakehouse.payments.baker_settings import parse_assignments, parse_settings
from bakehouse.rewards.money import format_percentage
from bakehouse.tezos.address import parse_implicit

app: Final = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Register bakers and set their rules."
)
# As they were called before they had commands of their own.
app.command(name="fees")(fees.import_)
app.command(name="bond-pool")(bond_pool.import_)

Assignments = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME=VALUE]...", help="Settings, such as mode=on default_fee=9.5"),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask on a terminal before mode=on.")]


@app.command()
def add(
    baker: BakerArgument,
    settings: Assignments = None,
    *,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Register a baker; it starts in simulation, with the cycle that runs now.

    Without payout_address the baker pays from its own address; without first_cycle the node is
    asked for the current cycle, so that nothing older is touched.
    """
    address = parse_implicit(baker)
    chosen = parse_settings(parse_assignments(settings or []))
    if chosen.get("mode") is Mode.ON:
        confirm_live(address, chosen.get("alias"), yes=yes)
    new = with_ledger(lambda ledger: register(ledger, address, chosen))
    tell(
        f"{new.baker_id} is registered: mode {new.mode}, fee {format_percentage(new.default_fee)} %"
        f", from cycle {new.first_cycle}, paid from {new.payout_address}",
        baker_document(new),
        as_json=as_json,
    )


@app.command(name="set")
def set_(
    baker: BakerArgument,
    settings: Assignments = None,
    *,
    why: OptionalWhy = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Change settings of a baker; a running Bakehouse takes them up within a minute.

    On a terminal, mode=on asks for the baker's alias or address first.
    """
    chosen = parse_settings(parse_assignments(settings or []))
    if not chosen:
        raise InputError("say what to change, as name=value")
    address = parse_implicit(baker)
    require_funding_key(load_config(), chosen)

    async def read(ledger: Ledger) -> Baker:
        async with ledger.read() as tx:
            return await bakers.get(tx, address)

    async def change(ledger: Ledger) -> Baker:
        async with ledger.write(why=why) as tx:
            return await bakers.change(tx, address, chosen, actor=actor(), at=utc_now())

    if chosen.get("mode") is Mode.ON:
        confirm_live(address, with_ledger(read).alias, yes=yes)
    changed = with_ledger(change)
    tell(f"changed: {', '.join(sorted(chosen))}", baker_document(changed), as_json=as_json)


@app.command(name="list")
def list_(*, as_json: AsJson = False) -> None:
    """List the registered bakers with their settings."""

    async def read(ledger: Ledger) -> list[Baker]:
        async with ledger.read() as tx:
            return await bakers.everyone(tx)

    everyone = with_ledger(read)
    if as_json:
        print_json({"bakers": [baker_document(baker) for baker in everyone]})
        return
    for baker in everyone:
        typer.echo(baker.baker_id)
        for name in bakers.SETTINGS:
            typer.echo(f"  {name} = {_shown(name, getattr(baker, name))}")


def _shown(name: str, value: Any) -> str:
    if CATALOGUE[name].kind is Kind.PERCENTAGE:
        return f"{format_percentage(value)} %"
    return "yes" if value is True else "no" if value is False else str(value)
