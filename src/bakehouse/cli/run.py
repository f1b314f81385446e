"""`bakehouse run`: everything in one process, against the configured node and indexer."""

import asyncio
import signal
import sys
from typing import Final

import typer

from bakehouse.app import Bakehouse, running
from bakehouse.cli.passphrase import passphrase_for_keys
from bakehouse.config import Config, load_config, require_sources
from bakehouse.ledger import bakers, users
from bakehouse.logs import configure_logs
from bakehouse.web.access import WELCOME_PATH

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
        welcome = await _welcome(bakehouse)
        sys.stderr.write(
            f"Bakehouse serves {count} bakers of {config.network}.\n"
            f"  dashboard  {bakehouse.url}\n"
            f"  queues     {bakehouse.url}/admin/queues\n"
            f"  API        {bakehouse.url}/docs\n"
            f"{welcome}"
        )
        await stop.wait()


async def _welcome(bakehouse: Bakehouse) -> str:
    """Give a line with the one-time link of the first administrator, while there is none."""
    payer = bakehouse.workshop.payer
    async with payer.ledger.write() as tx:
        if await users.has_administrator(tx):
            return ""
        code = await users.new_link(tx, None, at=payer.clock())
    return f"  begin at   {bakehouse.url}{WELCOME_PATH}?code={code}  (works once, for a day)\n"
