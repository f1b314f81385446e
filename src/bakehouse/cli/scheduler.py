"""`bakehouse scheduler`: schedules, reconciling and alerts, for a house of several processes."""

import asyncio
import sys
from typing import Final

import typer

from bakehouse.cli.until_stopped import stop_signal, until
from bakehouse.config import Config, load_config, require_sources
from bakehouse.logs import configure_logs
from bakehouse.roles.foundation import Hands
from bakehouse.roles.rounds import scheduler as doing_rounds

app: Final = typer.Typer(add_completion=False)


@app.command()
def scheduler() -> None:
    """See that nothing is forgotten, and that alerts are told; any number may run, one does it."""
    config = load_config()
    require_sources(config)
    configure_logs(config.log_format, config.log_level)
    asyncio.run(schedule(config, Hands(with_keys=False)))


async def schedule(config: Config, hands: Hands) -> None:
    """Do the rounds, or stand by, until told to stop."""
    async with stop_signal() as stop, doing_rounds(config, hands) as foundation:
        sys.stderr.write(f"Bakehouse sees to {foundation.workshop.engine.address}\n")
        await until(stop, foundation.workshop.payer.ledger)
