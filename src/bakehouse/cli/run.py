"""`bakehouse run`: everything in one process, against the configured node and indexer."""

import asyncio
import signal
import sys
from typing import Final

import typer

from bakehouse.app import running
from bakehouse.cli.passphrase import passphrase_for_keys
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
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(config, passphrase=passphrase) as bakehouse:
        async with bakehouse.workshop.payer.ledger.read() as tx:
            count = len(await bakers.everyone(tx))
        sys.stderr.write(
            f"Bakehouse serves {count} bakers of {config.network}.\n"
            f"  dashboard  {bakehouse.url}\n"
            f"  queues     {bakehouse.url}/admin/queues\n"
            f"  API        {bakehouse.url}/docs\n"
            f"  token      in {config.data_dir / 'api-token'}, or your BAKEHOUSE_API_TOKEN\n"
        )
        await stop.wait()
