"""`bakehouse migrate`: the ledger brought to this version, before the processes that share it."""

import asyncio
from typing import Annotated, Final

import typer

from bakehouse.config import load_config
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.upgrade import newest_revision
from bakehouse.roles.fitting import replace_key, require_same_key

app: Final = typer.Typer(add_completion=False)


@app.command()
def migrate(
    *,
    new_secret_key: Annotated[
        bool,
        typer.Option(
            "--new-secret-key",
            help="The secret key is lost: take the one that is here. What it sealed is lost, too.",
        ),
    ] = False,
) -> None:
    """Bring the ledger to this version's schema: all of it or nothing. Safe to repeat."""
    asyncio.run(_migrate(new_secret_key=new_secret_key))
    typer.echo(f"The ledger is of version {newest_revision()}.")


async def _migrate(*, new_secret_key: bool) -> None:
    config = load_config()
    ledger = await Ledger.open(config.ledger_url)
    try:
        if new_secret_key:
            await replace_key(ledger, config.secret_key)
        await require_same_key(ledger, config.secret_key, has_to_be_there=False)
    finally:
        await ledger.close()
