"""`bakehouse run`: everything in one process, against the configured node and indexer."""

import asyncio
import sys
from typing import Final

import typer

from bakehouse.app import running
from bakehouse.cli.passphrase import passphrase_for_keys
from bakehouse.cli.until_stopped import stop_signal, until
from bakehouse.cli.welcome import welcome
from bakehouse.config import Config, load_config, require_sources
from bakehouse.ledger import bakers
from bakehouse.logs import configure_logs

app: Final = typer.Typer(add_completion=False)


@app.command()
def run() -> None:
    """Watch the chain, pay what is due, serve the dashboard; stop with Ctrl-C or SIGTERM."""
    config = load_config()
    require_sources(config)
    configure_logs(config.log_format, config.log_level)
    asyncio.run(_run(config, passphrase_for_keys(config)))


async def _run(config: Config, passphrase: str | None) -> None:
    async with stop_signal() as stop, running(config, passphrase=passphrase) as bakehouse:
        payer = bakehouse.workshop.payer
        async with payer.ledger.read() as tx:
            count = len(await bakers.everyone(tx))
        sys.stderr.write(
            f"Bakehouse serves {count} bakers of {config.network}.\n"
            f"  dashboard  {bakehouse.url}\n"
            f"  queues     {bakehouse.url}/admin/queues\n"
            f"  API        {bakehouse.url}/docs\n"
            f"{await welcome(payer, bakehouse.url)}"
        )
        await until(stop, payer.ledger)
